"""The audience of signed assertions: the issuer, and once the token endpoint if it refuses."""

from __future__ import annotations

import logging
import time

import pytest

from oauthreg._errors import TokenEndpointError
from oauthreg._protocol.binding import jwt_claims
from oauthreg._renewal.backoff import FailureScopes
from oauthreg.events import AudienceFound
from oauthreg.testing import Fault

SECRET = "s" * 64
SIGNED = {"client-secret": SECRET, "client-authentication-method": "client_secret_jwt"}


def audience_of(request):
    return jwt_claims(dict(request.form)["client_assertion"])["aud"]


@pytest.fixture
def wants(server):
    """Let the server take assertions for these audiences only."""
    methods = ("client_secret_jwt",)
    server.add_client("app", SECRET, scopes=("read",), client_authentication_methods=methods)

    def only(*audiences):
        server.heal()
        refusal = Fault(status=401, body={"error": "invalid_client"})
        server.inject(lambda request: None if audience_of(request) in audiences else refusal)

    return only


@pytest.fixture
def by_issuer(make, server, clock):
    clock.wall = time.time()  # as the server's, which looks at `iat`

    def build(app=(), **others):
        provider = {"issuer-uri": server.issuer, "token-uri": server.token_uri}
        return make({**SIGNED, **dict(app)}, provider=provider, **others)

    return build


def audiences(server):
    return [audience_of(request) for request in server.requests_to("token")]


def test_the_other_audience_is_tried_once_and_remembered(by_issuer, server, wants, caplog):
    wants(server.token_uri)
    events = []
    h = by_issuer()
    h.core.subscribe(AudienceFound, events.append)
    with caplog.at_level(logging.INFO, "oauthreg"):
        h.token()
        h.token(force=True)
    assert audiences(server) == [server.issuer, server.token_uri, server.token_uri]
    assert [event.audience for event in events] == ["token-uri"]
    lines = [r.getMessage() for r in caplog.records if "audience" in r.getMessage()]
    assert len(lines) == 1
    assert lines[0].endswith('set registration.app.assertion-audience = "token-uri"')


def test_a_server_that_changes_its_mind_is_sent_the_issuer_again(by_issuer, server, wants):
    wants(server.token_uri)
    h = by_issuer()
    h.token()
    wants(server.issuer)
    h.token(force=True)
    h.token(force=True)
    one, two = server.issuer, server.token_uri
    assert audiences(server) == [one, two, two, one, one]


def test_another_registration_of_the_provider_begins_with_what_worked(by_issuer, server, wants):
    wants(server.token_uri)
    other = {"provider": "as", "client-id": "app", "scope": "read", **SIGNED}
    h = by_issuer(registration={"other": {**other, "audience": "x"}})
    h.token()
    h.token("other")
    assert audiences(server)[2:] == [server.token_uri]


def test_a_configured_audience_is_not_changed(by_issuer, server, wants):
    wants(server.token_uri)
    h = by_issuer({"assertion-audience": server.issuer})
    assert h.failure().error == "invalid_client"
    assert audiences(server) == [server.issuer]


def test_both_refused_says_so_and_nothing_is_remembered(by_issuer, server, wants):
    wants()
    h = by_issuer()
    error = h.failure()
    assert error.credential_refused
    assert str(error).endswith("The server refused both of these audiences.")
    h.failure(force=True)
    assert audiences(server) == [server.issuer, server.token_uri] * 2


def test_what_fails_at_the_other_audience_for_another_reason_is_told(by_issuer, server, wants):
    wants(server.token_uri)
    h = by_issuer()
    denied = Fault(status=400, body={"error": "invalid_scope"})
    server.inject(lambda r: denied if audience_of(r) == server.token_uri else None)
    assert h.failure().error == "invalid_scope"


def tell_another_to_wait(h, server):
    """Note that another flight was answered by 429 with a Retry-After."""
    state, error = h.core.state, TokenEndpointError("wait", status=429, retry_after=60)
    scopes, now = FailureScopes("k", "c", f"endpoint {server.token_uri}"), h.core.clocks.monotonic()
    with state.locked():
        state.backoffs.failed(scopes, error, now, launched=now)


@pytest.mark.parametrize("app", [SIGNED, {"client-secrets": ["retired", SECRET]}])
def test_no_further_try_is_made_while_the_server_asks_to_wait(by_issuer, make, server, app):
    h = by_issuer(app) if app is SIGNED else make(app)

    def refuse(_):
        tell_another_to_wait(h, server)
        return Fault(status=401, body={"error": "invalid_client"})

    server.inject(refuse)
    assert h.failure().error == "invalid_client"
    assert server.token_requests == 1
