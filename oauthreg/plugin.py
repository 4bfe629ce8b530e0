"""Everything that the author of a provider plugin imports: see docs/plugins.md.

`signing_key` loads cryptography, and is imported when it is first used.
"""

from typing import TYPE_CHECKING

from oauthreg._errors import (
    AuthorizationError,
    ConnectionFailedError,
    InvalidTokenResponseError,
    LoginRequiredError,
    Problem,
    SecretUnavailableError,
    TimedOutError,
    TlsError,
    TokenEndpointError,
    TransportError,
)
from oauthreg._flow import Flow, Granted, NeedToken, Pause, TokenRequest, TokenResponse
from oauthreg._protocol.answers import seconds_until
from oauthreg._protocol.binding import jwt_claims
from oauthreg._protocol.context import Explanation, PluginContext
from oauthreg._protocol.refusals import refusal
from oauthreg._protocol.responses import granted_from
from oauthreg._protocol.text import json_object
from oauthreg._provider import ProviderPlugin
from oauthreg._provider_checks import INTERFACE
from oauthreg._provider_data import ProviderSettings, RegistrationOptions
from oauthreg._registration import ClientRegistration, ProviderDetails
from oauthreg._secret_values import Secret
from oauthreg._signing_keys.signing_key import SigningKey
from oauthreg._templates import BaseUrl, HostLabel, filled

if TYPE_CHECKING:
    from oauthreg._signing_keys.keys import signing_key
else:

    def __getattr__(name):  # noqa: ANN001, ANN202 - type checkers read the import above
        if name != "signing_key":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from oauthreg._signing_keys.keys import signing_key  # noqa: PLC0415 - see above

        return signing_key


__all__ = [
    "INTERFACE",
    "AuthorizationError",
    "BaseUrl",
    "ClientRegistration",
    "ConnectionFailedError",
    "Explanation",
    "Flow",
    "Granted",
    "HostLabel",
    "InvalidTokenResponseError",
    "LoginRequiredError",
    "NeedToken",
    "Pause",
    "PluginContext",
    "Problem",
    "ProviderDetails",
    "ProviderPlugin",
    "ProviderSettings",
    "RegistrationOptions",
    "Secret",
    "SecretUnavailableError",
    "SigningKey",
    "TimedOutError",
    "TlsError",
    "TokenEndpointError",
    "TokenRequest",
    "TokenResponse",
    "TransportError",
    "filled",
    "granted_from",
    "json_object",
    "jwt_claims",
    "refusal",
    "seconds_until",
    "signing_key",
]
