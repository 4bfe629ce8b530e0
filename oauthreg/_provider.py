"""Provider plugins: the behaviour of one vendor, mostly data.

Three steps of power, each optional. Data: URL templates and class attributes. Small pure hooks:
`endpoints`, `parameters`, `authenticate`, `parse_response`, `explain_error`, `check`. And
`flow`, for a vendor that is not plain OAuth2. A plugin does no I/O and knows no async.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, cast, get_args

from typing_extensions import TypeVar

from oauthreg._errors import (
    Problem,
    SecretUnavailableError,
    TokenEndpointError,
)
from oauthreg._flow import NOTHING, Flow, Granted, TokenRequest, TokenResponse
from oauthreg._grants import token_management
from oauthreg._grants.table import GRANTS
from oauthreg._protocol.authentication import METHODS, unusable_method
from oauthreg._protocol.context import Explanation, PluginContext
from oauthreg._protocol.requests import shaped
from oauthreg._protocol.responses import parse_token_response
from oauthreg._provider_checks import (
    INTERFACE,
    address_names,
    attribute_of,
    check_class,
)
from oauthreg._provider_data import (
    GenericSettings,
    ProviderSettings,
    RegistrationOptions,
)
from oauthreg._registration import TOKEN_HEADERS, ClientRegistration
from oauthreg._secret_values import Secret
from oauthreg._templates import filled_from, filled_text, names_in

S_co = TypeVar("S_co", bound=ProviderSettings, covariant=True)
O_co = TypeVar("O_co", bound=RegistrationOptions, covariant=True, default=RegistrationOptions)


class ProviderPlugin(Generic[S_co, O_co]):
    """The base of every provider plugin; the settings class is its type argument.

    Everything that the class says is checked when it is made.

    Attributes:
        issuer_uri: Template of the issuer identifier; the other addresses come from its metadata.
        token_uri: Template of an address, and so on for the other addresses: `{name}` is a
            declared setting. A `BaseUrl` begins the template and is inserted whole; in the host
            part only a `HostLabel` may stand; others are percent-encoded as one path segment.
        mtls_token_uri: Template of the token endpoint for clients with a TLS certificate, where
            no metadata says it.
        addresses: Further addresses of a flow, by setting name (`impersonation-uri`); each has its
            template in the attribute of that name.
        client_authentication_method: The method used where the settings name none.
        grant_type: The vendor's own word for client_credentials on the wire.
        scope_separator: What stands between two scopes, in requests and answers.
        uses_principal: Whether its requests depend on `context.principal` for grants without a
            user too: each principal then gets a token of their own.
        defaults: Settings of every registration of this provider, unless it says otherwise.
            Texts are templates over the settings; one whose setting is not set is left out.
        environment: Variables of a platform that stand in for settings that nobody wrote, by
            setting of the provider or registration.
        document: Where the vendor's own credential document (JSON, `credentials-file` or `-ref` of
            a registration) has settings of the registration and provider: dotted paths.
        body: How a token request is written: `form` or `json`.
        field_names: The vendor's names of a token request's fields; an empty one leaves it out.
        assertion_header: What the header of a signed assertion names the key by: `kid`, `x5t`,
            `x5t#S256`, `x5c`, as far as known.
        answer: Where the vendor's answer has the fields of RFC 6749: dotted paths by standard
            name, of which the first that is there counts. What is not in it is read as usual.
        token_types: The scheme of the Authorization header by the vendor's `token_type`.
        token: A token that needs no request: a template over the settings, `client_id` and
            `client_secret`.
        api_headers: The header fields of requests to APIs: templates over `token_type`,
            `access_token`, `client_id` and the settings. The first is the token's own; with one
            that is not Authorization, none of that name is sent.
        api_uri: Template of the API's address. Tokens go nowhere else, unless `urls` says so.
        api_hosts: The hosts at which the API's address may be that an answer names (`api_uri` in
            `answer`); `*.` stands for one or more labels.
        error_hints: What an operator should do, by `code`, by HTTP `status`, or by `code: words`
            or `*: words` where the description has these words; the key that says most counts.
            An `Explanation` says more than a hint can.
        settling: Seconds after its issue in which an API may still refuse a good token.
        required_scopes: Scopes that a registration of client_credentials must have; `check` looks.
        minimum_life: A token with less than these seconds left is never handed out.
        link_local: Whether its requests may go to a cloud's metadata service (169.254.169.254,
            metadata.google.internal): by plain http and without a proxy.
        documentation: The vendor's page about it.
        unverified: What could not be confirmed by the vendor's documentation, in sentences.
        requires_interface: The version of oauthreg whose interface it needs.
        settings: This provider's settings.
    """

    issuer_uri: ClassVar[str | None] = None
    metadata_uri: ClassVar[str | None] = None
    token_uri: ClassVar[str | None] = None
    mtls_token_uri: ClassVar[str | None] = None
    authorization_uri: ClassVar[str | None] = None
    jwk_set_uri: ClassVar[str | None] = None
    user_info_uri: ClassVar[str | None] = None
    introspection_uri: ClassVar[str | None] = None
    revocation_uri: ClassVar[str | None] = None
    device_authorization_uri: ClassVar[str | None] = None
    pushed_authorization_request_uri: ClassVar[str | None] = None
    addresses: ClassVar[Sequence[str]] = ()

    client_authentication_method: ClassVar[str | None] = None
    grant_type: ClassVar[str | None] = None
    scope_separator: ClassVar[str] = " "
    uses_principal: ClassVar[bool] = False
    defaults: ClassVar[Mapping[str, Any]] = NOTHING
    environment: ClassVar[Mapping[str, str]] = NOTHING
    document: ClassVar[Mapping[str, str]] = NOTHING
    body: ClassVar[str] = "form"
    field_names: ClassVar[Mapping[str, str]] = NOTHING
    assertion_header: ClassVar[Sequence[str]] = ("kid", "x5t#S256")
    answer: ClassVar[Mapping[str, str | Sequence[str]]] = NOTHING
    token_types: ClassVar[Mapping[str, str]] = NOTHING
    token: ClassVar[str | None] = None
    api_headers: ClassVar[Mapping[str, str]] = TOKEN_HEADERS
    api_uri: ClassVar[str | None] = None
    api_hosts: ClassVar[Sequence[str]] = ()
    error_hints: ClassVar[Mapping[str, str | Explanation]] = NOTHING
    settling: ClassVar[float] = 0.0
    minimum_life: ClassVar[float] = 0.0
    required_scopes: ClassVar[Sequence[str]] = ()
    link_local: ClassVar[bool] = False
    documentation: ClassVar[str | None] = None
    unverified: ClassVar[Sequence[str]] = ()
    requires_interface: ClassVar[str] = INTERFACE

    settings_class: ClassVar[type[ProviderSettings]] = ProviderSettings
    options_class: ClassVar[type[RegistrationOptions]] = RegistrationOptions

    def __init__(self, settings: S_co) -> None:
        self.settings = settings

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = {"settings_class", "options_class"} & vars(cls).keys()
        for base in vars(cls).get("__orig_bases__", ()):
            for argument in get_args(base):
                if not isinstance(argument, type) or not issubclass(argument, ProviderSettings):
                    continue
                options = issubclass(argument, RegistrationOptions)
                name = "options_class" if options else "settings_class"
                if name not in own:
                    setattr(cls, name, argument)
        check_class(cls, ProviderPlugin)

    def options(self, registration: ClientRegistration) -> O_co:
        """Return what a registration says of the settings that the plugin declares for it."""
        options = self.options_class.model_validate(dict(registration.plugin_options))
        return cast("O_co", options)

    def endpoints(self) -> Mapping[str, str]:
        """Return this provider's addresses by setting name, `issuer-uri` among them."""
        templates = {name: getattr(self, attribute_of(name), None) for name in address_names(self)}
        return {
            name: filled
            for name, template in templates.items()
            if template and (filled := filled_from(template, self.settings)) is not None
        }

    def local_token(self, context: PluginContext) -> Granted | None:
        """Return a token that needs no request; None where one is to be sent.

        A provider whose class has `token`, or this hook, needs no address, client id or credential.

        Raises:
            SecretUnavailableError: what the token is made of is missing.
        """
        return None if self.token is None else token_of(self, self.token, context)

    def parameters(self, context: PluginContext) -> Iterable[tuple[str, str | Secret]]:  # noqa: ARG002 - a hook
        """Return form fields to add to every token request; a `Secret` shows in no error."""
        return ()

    def authenticate(self, context: PluginContext, request: TokenRequest) -> TokenRequest:
        """Return the request with the client's credentials on it.

        Raises:
            AuthorizationError: the method is unknown here, or its credential is missing.
        """
        method = METHODS.get(context.registration.client_authentication_method or "")
        if method is None:
            raise unusable_method(context)
        return method(context, request)

    def shape(self, context: PluginContext, request: TokenRequest) -> TokenRequest:  # noqa: ARG002 - a hook
        """Return a token request with its body as the vendor wants it, after `authenticate`."""
        return shaped(request, body=self.body, field_names=self.field_names)

    def parse_response(self, context: PluginContext, response: TokenResponse) -> Granted:
        """Return what was granted.

        Raises:
            TokenEndpointError: the server refused.
            InvalidTokenResponseError: it answered without a usable token.
        """
        return parse_token_response(
            response,
            now=context.now,
            scope_separator=self.scope_separator,
            answer=self.answer,
            token_types=self.token_types,
        )

    def explain_error(self, error: TokenEndpointError) -> Explanation | None:
        """Return what an error of this vendor means, if more than RFC 6749 says."""
        fitting = [key for key in self.error_hints if _fits(key, error)]
        if not fitting:
            return None
        found = self.error_hints[max(fitting, key=lambda key: _precision(key, error))]
        return Explanation(hint=found) if isinstance(found, str) else found

    def check(self, registration: ClientRegistration) -> Iterable[Problem]:
        """Return what is wrong with a registration, as far as can be said without the network."""
        missing = [one for one in self.required_scopes if one not in registration.scopes]
        if missing and registration.authorization_grant_type == "client_credentials":
            path = f"registration.{registration.registration_id}.scope"
            return (Problem(path, f"must have {' and '.join(missing)}: the vendor asks for it"),)
        return ()

    def flow(self, context: PluginContext) -> Flow[Granted]:
        """Return the flow of the registration's grant; a vendor's own may be anything."""
        return GRANTS[context.registration.authorization_grant_type].flow(context, self)

    def introspect(self, context: PluginContext, token: Secret) -> Flow[Mapping[str, Any]]:
        """Return the flow that asks about a token; its answer has `active` (RFC 7662)."""
        return token_management.introspect(context, self, token)

    def revoke(
        self, context: PluginContext, token: Secret, token_type_hint: str | None = None
    ) -> Flow[None]:
        """Return the flow that ends a token (RFC 7009).

        Args:
            context: The attempt.
            token: The token.
            token_type_hint: `access_token` or `refresh_token`, if that is known.
        """
        return token_management.revoke(context, self, token, token_type_hint)


def needs_no_request(cls: type[ProviderPlugin[Any]]) -> bool:
    """Whether a plugin's tokens need no request, and so no address either."""
    return cls.token is not None or cls.local_token is not ProviderPlugin.local_token


def token_of(plugin: ProviderPlugin[Any], template: str, context: PluginContext) -> Granted:
    """Return the token that a template makes of settings and credentials.

    It is made anew after `default-lifetime`, so that a changed secret is noticed.

    Raises:
        SecretUnavailableError: a part of it is missing.
    """
    registration = context.registration
    known = {**dict(plugin.settings), **dict(plugin.options(registration)), **context.secrets}
    known |= {"client_id": registration.client_id, "client_secret": context.secret}
    known |= {"assertion": context.assertion}
    values = {}
    for name in names_in(template):
        value = known[name]
        if value is None:
            words = f"the token needs the {name.replace('_', '-')}, and none is configured"
            raise SecretUnavailableError(words, retryable=False)
        reveal = getattr(value, "get_secret_value", None)
        values[name] = str(value) if reveal is None else reveal()
    return Granted(
        access_token=template.format_map(values), expires_in=registration.default_lifetime
    )


def _fits(key: str, error: TokenEndpointError) -> bool:
    code, _, words = key.partition(": ")
    if not words:
        return key in (error.error, str(error.status))
    return code in (error.error, "*") and words in (error.error_description or "")


def _precision(key: str, error: TokenEndpointError) -> tuple[int, bool]:
    """Return how much a hint's key says: longer words say more, then a code more than a status."""
    code, _, words = key.partition(": ")
    return len(words), code == error.error


def filled_defaults(plugin: ProviderPlugin[Any]) -> dict[str, Any]:
    """Return a plugin's defaults for registrations, with its settings filled in.

    Raises:
        UnfitSettingError: a setting cannot stand where a template puts it.
    """

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return filled_text(value, plugin.settings)
        if isinstance(value, Mapping):
            table = {name: fill(item) for name, item in value.items()}
            return {name: item for name, item in table.items() if item is not None}
        if isinstance(value, list | tuple):
            return [one for one in map(fill, value) if one is not None]
        return value

    found = {name: fill(value) for name, value in plugin.defaults.items()}
    return {name: value for name, value in found.items() if value is not None}


class GenericProvider(ProviderPlugin[GenericSettings]):
    """A provider that keeps to the RFCs, but for what its own settings say of it.

    Its addresses come from the settings or its metadata.
    """

    def __init__(self, settings: GenericSettings) -> None:
        super().__init__(settings)
        vars(self).update({name: getattr(settings, name) for name in settings.model_fields_set})
