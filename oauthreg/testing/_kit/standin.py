"""The embedded server in a vendor's place: its addresses, its grant word, its scopes."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from oauthreg._errors import AuthorizationError
from oauthreg._flow import TokenRequest, TokenResponse
from oauthreg._protocol.responses import parse_token_response
from oauthreg._provider import ProviderPlugin
from oauthreg._registration import HttpProfile
from oauthreg._transports.requests import RequestsTransport
from oauthreg.testing._faults import Fault
from oauthreg.testing._server import AuthorizationServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oauthreg._registration import ClientRegistration
    from oauthreg.testing._kit.cases import Case

METHODS = frozenset({None, "client_secret_basic", "client_secret_post", "client_secret_jwt"})


class Detour(RequestsTransport):
    """Sends to the embedded server what was meant for the vendor, paths as they are.

    Args:
        server: Where to.
        plugin: Whose words for grant and scopes are put into the server's.
    """

    def __init__(self, server: AuthorizationServer, plugin: ProviderPlugin[Any]) -> None:
        super().__init__(HttpProfile())
        self._server = server
        self._plugin = plugin

    def send(self, request: TokenRequest, *, within: float | None = None) -> TokenResponse:
        """Send the request to another host and port."""
        parts = urlsplit(request.url)
        path = urlunsplit(("", "", parts.path, parts.query, ""))
        form = tuple((name, self._plain(name, value)) for name, value in request.form)
        here = replace(request, url=self._server.base_uri + path, form=form, certificate=None)
        return super().send(here, within=within)

    def _plain(self, name: str, value: str) -> str:
        if name == "grant_type" and value == self._plugin.grant_type:
            return "client_credentials"
        return value.replace(self._plugin.scope_separator, " ") if name == "scope" else value


@contextmanager
def standing_in(case: Case, registration: ClientRegistration) -> Iterator[AuthorizationServer]:
    """Run the embedded server in the vendor's place, scripted where it cannot know the ways."""
    details = registration.provider
    layout = {"issuer": urlsplit(details.issuer_uri or "").path}
    if details.token_uri is not None:
        layout["token"] = urlsplit(details.token_uri).path
    with AuthorizationServer(layout=layout) as server:
        vendor = urlsplit(details.issuer_uri or details.token_uri or "")
        server.metadata_overrides = {
            name: value.replace(server.base_uri, f"{vendor.scheme}://{vendor.netloc}")
            for name, value in server.metadata().items()
            if isinstance(value, str)
        }
        server.add_client(
            registration.client_id,
            case.registration.get("client-secret"),
            scopes=registration.scopes,
        )
        if not is_known(case, registration):
            discovered = details.token_uri is None and details.issuer_uri is not None
            answers = [_fault(each) for each in case.script if isinstance(each, TokenResponse)]
            server.script("*", [*([None] if discovered else []), *answers])
        yield server


def reads_answers_itself(plugin: type[ProviderPlugin[Any]]) -> bool:
    """Whether the plugin may read other fields than those of RFC 6749."""
    own = plugin.parse_response is not ProviderPlugin.parse_response
    return own or plugin.flow is not ProviderPlugin.flow or bool(plugin.answer)


def is_known(case: Case, registration: ClientRegistration) -> bool:
    """Whether the embedded server itself can answer: a grant and answers of RFC 6749."""
    if registration.authorization_grant_type != "client_credentials" or len(case.script) > 1:
        return False
    has_secret = isinstance(case.registration.get("client-secret"), str)
    if not has_secret or registration.client_authentication_method not in METHODS:
        return False
    if case.plugin.body != "form" or case.plugin.field_names:
        return False
    try:
        parse_token_response(case.last, now=case.now)
    except AuthorizationError:
        return False
    return not case.scripted


def _fault(response: TokenResponse) -> Fault:
    """Return what makes the embedded server answer so."""
    return Fault(status=response.status, headers=response.headers, body=response.body)
