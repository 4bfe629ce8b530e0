"""Every outbound OAuth2 credential of a Python fleet, from one settings file.

    from oauthreg import AuthorizedClientManager

    manager = AuthorizedClientManager.from_settings()
    client = manager.authorize("my-client")
    client.access_token.token_value

Importing this package loads nothing else: each name is imported when it is first used.
`AsyncAuthorizedClientManager` needs httpx2: `pip install 'oauthreg[httpx2]'`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oauthreg._errors import (
        AuthorizationError,
        CallbackError,
        ConfigurationError,
        ConnectionFailedError,
        DiscoveryError,
        InvalidTokenResponseError,
        LoginRequiredError,
        ManagerClosedError,
        OAuthRegError,
        PluginError,
        PluginFailedError,
        Problem,
        SecretUnavailableError,
        StoreError,
        TimedOutError,
        TlsError,
        TokenEndpointError,
        TransportError,
        UnknownRegistrationError,
        UrlNotAllowedError,
        WaitTimedOutError,
    )
    from oauthreg._flow import Flow, Granted, NeedToken, Pause, TokenRequest, TokenResponse
    from oauthreg._grants.authorization_code import AuthorizationRequest
    from oauthreg._grants.device_code import DeviceAuthorization
    from oauthreg._manager.async_manager import AsyncAuthorizedClientManager
    from oauthreg._manager.sync_manager import AuthorizedClientManager
    from oauthreg._protocol.context import Explanation, PluginContext
    from oauthreg._provider import ProviderPlugin
    from oauthreg._provider_data import ProviderSettings
    from oauthreg._registration import (
        AuthorizedClient,
        AuthorizeOptions,
        ClientRegistration,
        ProviderDetails,
    )
    from oauthreg._reports import Health, Introspection, RegistrationStatus, StoreStatus
    from oauthreg._secret_values import Secret, SecretReadError, TokenOf
    from oauthreg._templates import BaseUrl
    from oauthreg._tokens import AccessToken, RefreshToken

    __version__: str
else:
    _HOMES = {
        "_errors": (
            "AuthorizationError",
            "CallbackError",
            "ConfigurationError",
            "ConnectionFailedError",
            "DiscoveryError",
            "InvalidTokenResponseError",
            "LoginRequiredError",
            "ManagerClosedError",
            "OAuthRegError",
            "PluginError",
            "PluginFailedError",
            "Problem",
            "SecretUnavailableError",
            "StoreError",
            "TimedOutError",
            "TlsError",
            "TokenEndpointError",
            "TransportError",
            "UnknownRegistrationError",
            "UrlNotAllowedError",
            "WaitTimedOutError",
        ),
        "_grants.authorization_code": ("AuthorizationRequest",),
        "_grants.device_code": ("DeviceAuthorization",),
        "_manager.async_manager": ("AsyncAuthorizedClientManager",),
        "_manager.sync_manager": ("AuthorizedClientManager",),
        "_protocol.context": ("Explanation", "PluginContext"),
        "_provider": ("ProviderPlugin",),
        "_provider_data": ("ProviderSettings",),
        "_registration": (
            "AuthorizeOptions",
            "AuthorizedClient",
            "ClientRegistration",
            "ProviderDetails",
        ),
        "_reports": ("Health", "Introspection", "RegistrationStatus", "StoreStatus"),
        "_secret_values": ("Secret", "SecretReadError", "TokenOf"),
        "_templates": ("BaseUrl",),
        "_tokens": ("AccessToken", "RefreshToken"),
        "_flow": ("Flow", "Granted", "NeedToken", "Pause", "TokenRequest", "TokenResponse"),
    }
    _HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

    def __getattr__(name):  # noqa: ANN001, ANN202 - type checkers read the imports above
        if name == "__version__":
            from importlib.metadata import version  # noqa: PLC0415 - this package loads nothing

            return version("oauthreg")
        home = _HOME_OF.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415 - this package loads nothing

        value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
        return value

    def __dir__():  # noqa: ANN202 - type checkers read the imports above
        """What there is, so that `help` works where an extra is not installed."""
        from importlib.util import find_spec  # noqa: PLC0415 - this package loads nothing

        missing = () if find_spec("httpx2") else ("AsyncAuthorizedClientManager",)
        return [name for name in (*__all__, "__version__") if name not in missing]


__all__ = [
    "AccessToken",
    "AsyncAuthorizedClientManager",
    "AuthorizationError",
    "AuthorizationRequest",
    "AuthorizeOptions",
    "AuthorizedClient",
    "AuthorizedClientManager",
    "BaseUrl",
    "CallbackError",
    "ClientRegistration",
    "ConfigurationError",
    "ConnectionFailedError",
    "DeviceAuthorization",
    "DiscoveryError",
    "Explanation",
    "Flow",
    "Granted",
    "Health",
    "Introspection",
    "InvalidTokenResponseError",
    "LoginRequiredError",
    "ManagerClosedError",
    "NeedToken",
    "OAuthRegError",
    "Pause",
    "PluginContext",
    "PluginError",
    "PluginFailedError",
    "Problem",
    "ProviderDetails",
    "ProviderPlugin",
    "ProviderSettings",
    "RefreshToken",
    "RegistrationStatus",
    "Secret",
    "SecretReadError",
    "SecretUnavailableError",
    "StoreError",
    "StoreStatus",
    "TimedOutError",
    "TlsError",
    "TokenEndpointError",
    "TokenOf",
    "TokenRequest",
    "TokenResponse",
    "TransportError",
    "UnknownRegistrationError",
    "UrlNotAllowedError",
    "WaitTimedOutError",
]
