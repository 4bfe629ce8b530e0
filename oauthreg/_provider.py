"""Provider plugins: the behaviour of one vendor, mostly data.

Three steps of power, each optional. Data: URL templates and class attributes. Small pure hooks:
`endpoints`, `parameters`, `authenticate`, `parse_response`, `explain_error`, `check`. And
`flow`, for a vendor that is not plain OAuth2. A plugin does no I/O and knows no async.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from string import Formatter
from typing import Annotated, Any, ClassVar, Generic, TypeVar, get_args
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict

from oauthreg._addresses import parse_secure
from oauthreg._endpoints import ENDPOINTS
from oauthreg._errors import (
    Problem,
    TokenEndpointError,
)
from oauthreg._flow import NOTHING, Flow, Granted, TokenRequest, TokenResponse
from oauthreg._grants.table import GRANTS
from oauthreg._protocol.authentication import METHODS, unusable_method
from oauthreg._protocol.context import Explanation, PluginContext
from oauthreg._protocol.responses import parse_token_response
from oauthreg._registration import ClientRegistration

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?![0-9])", re.IGNORECASE)  # and no port of a host's


class _Whole:
    """Marks a setting that is inserted into a template as it is."""


def _base_url(text: str) -> str:
    url = text.strip()
    url = (url if _SCHEME.match(url) else f"https://{url}").rstrip("/")
    if parse_secure(url).query is not None:
        raise ValueError("must be a host name or an address without a query")
    return url


BaseUrl = Annotated[str, AfterValidator(_base_url), _Whole()]
"""A server's address, inserted whole into templates; a bare host name means https."""


class ProviderSettings(BaseModel):
    """The settings that a plugin declares: `provider.<name>.<field>`, in kebab case."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        alias_generator=lambda name: name.replace("_", "-"),
        populate_by_name=True,
    )


class UnfitSettingError(ValueError):
    """A setting cannot stand where a template puts it.

    Attributes:
        setting: Its name, as in settings.
        message: What is wrong with it.
    """

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(f"{setting}: {message}")
        self.setting = setting
        self.message = message


S_co = TypeVar("S_co", bound=ProviderSettings, covariant=True)


class ProviderPlugin(Generic[S_co]):
    """The base of every provider plugin; the settings class is its type argument.

    Attributes:
        issuer_uri: Template of the issuer identifier; the other addresses come from its metadata.
        token_uri: Template of an address, and so on for the other addresses: `{name}` is a
            declared setting, percent-encoded as one path segment unless it is a `BaseUrl`.
        client_authentication_method: The method used where the settings name none.
        grant_type: The vendor's own word for client_credentials on the wire.
        scope_separator: What stands between two scopes on the wire.
        uses_principal: Whether its requests depend on `context.principal` for grants without a
            user too: each principal then gets a token of their own.
        defaults: Settings of every registration of this provider, unless it says otherwise.
        error_hints: What an operator should do, by the answer's `error` code, or by
            `code: words` where the code alone says too little and its description has the words.
            An `Explanation` says more than a hint can.
        settings: This provider's settings.
    """

    issuer_uri: ClassVar[str | None] = None
    metadata_uri: ClassVar[str | None] = None
    token_uri: ClassVar[str | None] = None
    authorization_uri: ClassVar[str | None] = None
    jwk_set_uri: ClassVar[str | None] = None
    user_info_uri: ClassVar[str | None] = None
    introspection_uri: ClassVar[str | None] = None
    revocation_uri: ClassVar[str | None] = None
    device_authorization_uri: ClassVar[str | None] = None
    pushed_authorization_request_uri: ClassVar[str | None] = None

    client_authentication_method: ClassVar[str | None] = None
    grant_type: ClassVar[str | None] = None
    scope_separator: ClassVar[str] = " "
    uses_principal: ClassVar[bool] = False
    defaults: ClassVar[Mapping[str, Any]] = NOTHING
    error_hints: ClassVar[Mapping[str, str | Explanation]] = NOTHING

    settings_class: ClassVar[type[ProviderSettings]] = ProviderSettings

    def __init__(self, settings: S_co) -> None:
        self.settings = settings

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in vars(cls).get("__orig_bases__", ()):
            for argument in get_args(base):
                if isinstance(argument, type) and issubclass(argument, ProviderSettings):
                    cls.settings_class = argument
        _refuse_unknown_names(cls)
        for endpoint in ENDPOINTS.values():
            _check_template(cls, endpoint.attribute)

    def endpoints(self) -> Mapping[str, str]:
        """Return this provider's addresses by setting name, `issuer-uri` among them."""
        templates = {name: _template(type(self), row.attribute) for name, row in ENDPOINTS.items()}
        return {
            name: filled
            for name, template in templates.items()
            if template and (filled := _fill(template, self.settings)) is not None
        }

    def parameters(self, context: PluginContext) -> Iterable[tuple[str, str]]:  # noqa: ARG002 - a hook
        """Return form fields to add to every token request."""
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

    def parse_response(self, context: PluginContext, response: TokenResponse) -> Granted:
        """Return what was granted.

        Raises:
            TokenEndpointError: the server refused.
            InvalidTokenResponseError: it answered without a usable token.
        """
        return parse_token_response(response, now=context.now, scope_separator=self.scope_separator)

    def explain_error(self, error: TokenEndpointError) -> Explanation | None:
        """Return what an error of this vendor means, if more than RFC 6749 says."""
        fitting = [key for key in self.error_hints if _fits(key, error)]
        if not fitting:
            return None
        found = self.error_hints[max(fitting, key=len)]
        return Explanation(hint=found) if isinstance(found, str) else found

    def check(self, registration: ClientRegistration) -> Iterable[Problem]:  # noqa: ARG002 - a hook
        """Return what is wrong with a registration, as far as can be said without the network."""
        return ()

    def flow(self, context: PluginContext) -> Flow[Granted]:
        """Return the flow of the registration's grant; a vendor's own may be anything."""
        return GRANTS[context.registration.authorization_grant_type].flow(context, self)


def _fits(key: str, error: TokenEndpointError) -> bool:
    code, _, words = key.partition(": ")
    return code == error.error and words in (error.error_description or "")


def _fill(template: str, settings: ProviderSettings) -> str | None:
    values: dict[str, str] = {}
    for _, name, _, _ in Formatter().parse(template):
        if name is None:
            continue
        value = getattr(settings, name)
        if value is None:
            return None
        whole = _is_whole(type(settings), name)
        values[name] = str(value) if whole else _segment(name, str(value))
    return template.format_map(values)


def _segment(name: str, text: str) -> str:
    if text in ("", ".", ".."):
        setting = name.replace("_", "-")
        raise UnfitSettingError(setting, "must not be empty, nor . or .., which a path would lose")
    return quote(text, safe="")


def _is_whole(settings: type[ProviderSettings], name: str) -> bool:
    field = settings.model_fields[name]
    nested = (meta for part in get_args(field.annotation) for meta in get_args(part))
    return any(isinstance(mark, _Whole) for mark in (*field.metadata, *nested))


def _template(cls: type[ProviderPlugin[Any]], attribute: str) -> Any:
    return getattr(cls, attribute, None)


def _check_template(cls: type[ProviderPlugin[Any]], attribute: str) -> None:
    template = _template(cls, attribute)
    if template is None:
        return
    place = f"{cls.__name__}.{attribute}"
    known = cls.settings_class.model_fields
    try:
        parts = list(Formatter().parse(template))
    except (TypeError, ValueError) as error:
        raise TypeError(f"{place} is no template: {error}") from None
    for _, name, spec, conversion in parts:
        if name is None:
            continue
        if spec or conversion or not name.isidentifier():
            shown = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
            raise TypeError(f"{place}: {{{shown}}} must be the name of a setting and no more")
        if name not in known:
            names = ", ".join(f"{{{field}}}" for field in known) or "none"
            raise TypeError(
                f"{place}: {{{name}}} is no setting of {cls.settings_class.__name__}, "
                f"which has: {names}"
            )


def _refuse_unknown_names(cls: type[ProviderPlugin[Any]]) -> None:
    own = {name for name in dir(ProviderPlugin) if not name.startswith("_")}
    known = own | {endpoint.attribute for endpoint in ENDPOINTS.values()}
    for name in vars(cls):
        if name.startswith("_") or name in known:
            continue
        close = difflib.get_close_matches(name, known, n=1)
        advice = f"did you mean {close[0]!r}?" if close else "name helpers with a leading _"
        raise TypeError(f"{cls.__name__}.{name}: no such hook or attribute; {advice}")


class GenericProvider(ProviderPlugin[ProviderSettings]):
    """A provider that keeps to the RFCs; its addresses come from the settings or its metadata."""
