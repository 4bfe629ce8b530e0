"""An issuer's metadata: where it is looked for, what is believed, and how it is shared."""

from __future__ import annotations

import asyncio
import threading

import pytest

from oauthreg._discovery import addresses, discover, endpoints, issuer_of, supplement
from oauthreg._errors import AuthorizationError, ConnectionFailedError, DiscoveryError, TlsError
from oauthreg._manager.async_manager import AsyncAuthorizedClientManager
from oauthreg._manager.core import Core
from oauthreg._manager.registry import RegistrationRegistry
from oauthreg._settings.load import load
from oauthreg.testing import Fault

ISSUER = "https://as.example/realms/one"
GOOD = {"issuer": ISSUER, "token_endpoint": "https://as.example/token"}
THREE = [
    "https://as.example/realms/one/.well-known/openid-configuration",
    "https://as.example/.well-known/openid-configuration/realms/one",
    "https://as.example/.well-known/oauth-authorization-server/realms/one",
]


def flow(issuer=ISSUER, metadata_uri=None):
    return discover(issuer, metadata_uri, provider="as", now=0.0)


def test_three_addresses_in_order():
    assert list(addresses(ISSUER)) == THREE
    assert list(addresses(f"{ISSUER}/")) == THREE


def test_an_issuer_without_a_path_has_two():
    assert list(addresses("https://as.example")) == [
        "https://as.example/.well-known/openid-configuration",
        "https://as.example/.well-known/oauth-authorization-server",
    ]


def test_the_first_good_one_is_taken(drive, answer):
    metadata, script = drive(flow(), answer(GOOD))
    assert metadata == GOOD
    assert script.urls == THREE[:1]
    assert script.requests[0].method == "GET"
    assert script.requests[0].body is None


@pytest.mark.parametrize(
    ("body", "status", "described"),
    [
        (b"", 404, "404"),
        (b"", 302, "302"),
        ("<html>", 200, "200, with an HTML page instead of a JSON object"),
        ([], 200, "200, with 2 bytes of no content type instead of a JSON object"),
        ({"issuer": "https://other.example"}, 200, 'of the issuer "https://other.example"'),
        ({"issuer": "a\nb"}, 200, 'of the issuer "a b"'),
        ({}, 200, "metadata without an issuer"),
    ],
)
def test_anything_but_this_issuers_metadata_leads_to_the_next(
    failing, answer, body, status, described
):
    error, script = failing(flow(), *[answer(body, status)] * 3)
    assert [url for url, _ in error.answers] == script.urls == THREE
    assert all(described in text for _, text in error.answers)
    assert f"\n  {THREE[2]}: {error.answers[2][1]}" in str(error)


def test_the_last_address_is_as_good_as_the_first(drive, answer):
    metadata, script = drive(flow(), answer(b"", 404), answer("<html>"), answer(GOOD))
    assert metadata == GOOD
    assert script.urls == THREE


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_a_transient_status_stops_and_its_retry_after_counts(failing, answer, status):
    error, script = failing(flow(), answer(b"", status, retry_after="7"))
    assert len(script.urls) == 1
    assert (error.status, error.retry_after, error.retryable) == (status, 7, True)


@pytest.mark.parametrize("kind", [ConnectionFailedError, TlsError])
def test_no_connection_stops_and_keeps_its_class_its_hint_and_its_permanence(failing, kind):
    error, script = failing(flow(), kind("no way", hint="Name the CA"))
    assert len(script.urls) == 1
    assert type(error) is kind
    assert error.retryable is kind.retryable_by_default
    assert "the metadata of provider as was not fetched: no way" in str(error)
    assert error.hint == "Name the CA"
    assert error.endpoint == THREE[0]
    assert error.__cause__ is None


@pytest.mark.parametrize(("ours", "theirs"), [(ISSUER, f"{ISSUER}/"), (f"{ISSUER}/", ISSUER)])
def test_a_difference_by_a_slash_quotes_the_line_to_write(failing, answer, ours, theirs):
    error, script = failing(flow(ours), answer({**GOOD, "issuer": theirs}))
    assert f'Write: provider.as.issuer-uri = "{theirs}"' in str(error)
    assert len(script.urls) == 1
    assert not error.retryable


def test_metadata_of_another_issuer_quotes_the_two_lines_to_write(failing, answer):
    other = {**GOOD, "issuer": "https://sts.example/t1/"}
    error, _ = failing(flow(), answer(other), answer(b"", 404), answer(b"", 404))
    assert 'provider.as.issuer-uri = "https://sts.example/t1/" and ' in error.hint
    assert error.hint.endswith(f'provider.as.metadata-uri = "{THREE[0]}"')
    assert not error.retryable


def test_a_template_of_many_tenants_asks_for_the_tenant(failing, answer):
    other = {**GOOD, "issuer": "https://login.example/{tenantid}/v2.0"}
    error, _ = failing(flow(), *[answer(other)] * 3)
    assert "of your tenant into provider.as.issuer-uri" in error.hint


@pytest.mark.parametrize(
    ("pasted", "issuer"),
    [(THREE[0], ISSUER), (THREE[1], ISSUER), (THREE[2], ISSUER)],
)
def test_the_address_of_the_metadata_is_no_issuer(failing, pasted, issuer):
    error, script = failing(flow(pasted))
    assert script.urls == []
    assert error.hint == (
        f'Write: provider.as.issuer-uri = "{issuer}", or provider.as.metadata-uri = "{pasted}"'
    )


def test_no_metadata_anywhere_says_what_to_check(failing, answer):
    error, _ = failing(flow(), *[answer(b"", 404)] * 3)
    assert error.hint.startswith("Check provider.as.issuer-uri, or set provider.as.token-uri")
    error, _ = failing(flow(None, THREE[0]), answer(b"", 404))
    assert error.hint.startswith("Check provider.as.metadata-uri")
    assert error.retryable


def test_the_issuer_is_the_configured_one_else_the_metadatas():
    assert issuer_of(ISSUER, {"issuer": "https://other.example"}) == ISSUER
    assert issuer_of(None, GOOD) == ISSUER
    for named in (5, "", "https://as.example\nFORGED"):
        assert issuer_of(None, {"issuer": named}) is None
    assert issuer_of(None, {}) is None


REVOCATION = {"issuer": ISSUER, "revocation_endpoint": "https://as.example/r", "token_endpoint": ""}


@pytest.mark.parametrize(
    ("other", "status", "found"),
    [
        (REVOCATION, 200, REVOCATION),
        ({**REVOCATION, "issuer": "https://other.example"}, 200, {}),
        (b"", 404, {}),
    ],
)
def test_the_document_of_rfc_8414_can_be_had_alone(drive, answer, other, status, found):
    metadata, script = drive(supplement(ISSUER, provider="as", now=0.0), answer(other, status))
    assert metadata == found
    assert script.urls == THREE[2:]


def test_a_server_that_does_not_give_it_now_is_asked_again(failing, answer):
    said = answer(b"", 503, retry_after="7")
    error, _ = failing(supplement(ISSUER, provider="as", now=0.0), said)
    assert (error.status, error.retry_after, error.answers) == (503, 7, ((THREE[2], "503"),))


def test_a_metadata_uri_is_asked_alone(drive, failing, answer):
    uri = "https://as.example/odd-place"
    metadata, script = drive(flow(None, uri), answer({"token_endpoint": "x"}))
    assert (metadata, script.urls) == ({"token_endpoint": "x"}, [uri])
    error, script = failing(flow(None, uri), answer(b"", 404))
    assert (error.endpoint, script.urls) == (uri, [uri])
    metadata, _ = drive(flow(ISSUER, uri), answer(GOOD))
    assert metadata == GOOD
    error, _ = failing(flow(ISSUER, uri), answer({"issuer": "https://other.example"}))
    assert isinstance(error, DiscoveryError)


def test_addresses_of_the_metadata_by_setting_name():
    metadata = {"token_endpoint": "t", "jwks_uri": "j", "revocation_endpoint": 5, "x": "y"}
    assert endpoints(metadata) == {"token-uri": "t", "jwk-set-uri": "j"}


def test_aliases_for_mutual_tls_come_first_where_it_is_used():
    metadata = {"token_endpoint": "t", "mtls_endpoint_aliases": {"token_endpoint": "m"}}
    assert endpoints(metadata)["token-uri"] == "t"
    assert endpoints(metadata, mutual_tls=True)["token-uri"] == "m"
    assert endpoints({**metadata, "mtls_endpoint_aliases": 5}, mutual_tls=True)["token-uri"] == "t"


# Through a manager


@pytest.fixture
def by_issuer(manager, server):
    def build(issuer=None, **others):
        return manager(provider={"issuer-uri": issuer or server.issuer}, **others)

    return build


def refused(manager, registration_id="app", kind=DiscoveryError):
    with pytest.raises(kind) as caught:
        manager.authorize(registration_id)
    return caught.value


def test_a_manager_finds_the_token_endpoint_once(by_issuer, server, clock):
    manager = by_issuer()
    assert server.requests == []
    manager.authorize("app")
    manager.authorize("app", force=True)
    assert (server.metadata_requests, server.token_requests) == (1, 2)


def test_50_registrations_of_one_issuer_share_one_request(by_issuer, server):
    table = {"provider": "as", "client-id": "app", "client-secret": "secret"}
    ids = [f"app-{number}" for number in range(50)]
    manager = by_issuer(registration={id_: {**table, "audience": id_} for id_ in ids})
    with server.hold("metadata") as gate:
        threads = [threading.Thread(target=manager.authorize, args=(id_,)) for id_ in ids]
        for thread in threads:
            thread.start()
        gate.wait_for(1)
    for thread in threads:
        thread.join(5)
    assert (server.metadata_requests, server.token_requests) == (1, 50)


def test_metadata_is_kept_for_a_day(by_issuer, server, clock):
    manager = by_issuer()
    manager.authorize("app")
    clock.advance(22 * 3_600)
    manager.authorize("app")
    assert server.metadata_requests == 1
    clock.advance(2 * 3_600)
    manager.authorize("app")
    assert server.metadata_requests == 2


def test_a_dead_server_stops_nobody_from_starting_and_is_asked_again(by_issuer, server, clock):
    issuer = server.issuer
    server.stop()
    manager = by_issuer(issuer)
    error = refused(manager, kind=ConnectionFailedError)
    assert error.registration_id == "app"
    assert "refused the connection" in str(error)
    assert refused(manager, kind=ConnectionFailedError).backing_off
    assert "the metadata of provider as was not fetched" in manager.status()["app"]["error"]
    server.start()
    clock.advance(error.retry_after + 0.1)
    assert manager.authorize("app")


BACKOFFS = [
    (503, [1, 2, 4, 8, 15, 15]),
    (429, [1, 2, 4, 8, 15, 15]),
    (404, [5, 10, 20, 40, 80, 160, 300, 300]),
]


@pytest.mark.parametrize(("status", "expected"), BACKOFFS)
def test_discovery_backs_off_per_issuer_as_token_requests_if_it_is_for_a_moment(
    by_issuer, server, clock, status, expected
):
    server.inject(Fault(status=status), path="metadata")
    other = {"provider": "as", "client-id": "app", "client-secret": "secret", "audience": "x"}
    manager = by_issuer(registration={"other": other})
    waits, searches = [], []
    for _ in expected:
        before = server.metadata_requests
        waits.append(refused(manager).retry_after)
        searches.append(server.metadata_requests - before)
        assert refused(manager, "other").retry_after == waits[-1]
        assert server.metadata_requests == before + searches[-1]
        clock.advance(waits[-1] + 1e-6)
    assert waits == expected
    assert set(searches) == {2 if status == 404 else 1}, "no retry inside the flight"


def test_so_it_does_for_a_registration_named_like_its_provider(manager, server, clock):
    server.inject(Fault(status=503), path="metadata")
    table = {"provider": "as", "client-id": "app", "client-secret": "secret"}
    one = manager(provider={"issuer-uri": server.issuer}, registration={"as": table})
    assert refused(one, "as").retry_after == 1
    assert refused(one, "as").retry_after == 1
    clock.advance(1.1)
    assert refused(one, "as").retry_after == 2
    assert server.metadata_requests == 2


def test_a_wrong_issuer_explains_itself_at_the_first_call(by_issuer, server):
    server.metadata_overrides = {"issuer": "https://other.example"}
    error = refused(by_issuer())
    assert "https://other.example" in str(error)
    assert server.token_requests == 0


def test_no_metadata_at_all_explains_itself(by_issuer, server):
    server.metadata_paths = ()
    error = refused(by_issuer())
    assert len(error.answers) == 2
    assert all(said == "404" for _, said in error.answers)


@pytest.mark.parametrize("path", ["openid", "inserted"])
def test_either_place_is_found(by_issuer, server, path):
    server.metadata_paths = (path,)
    assert by_issuer().authorize("app")


def test_metadata_without_a_token_endpoint_says_what_to_set(by_issuer, server):
    from oauthreg.testing import DELETE

    server.metadata_overrides = {"token_endpoint": DELETE}
    with pytest.raises(AuthorizationError, match=r"provider\.as\.token-uri"):
        by_issuer().authorize("app")


def test_an_explicit_address_needs_no_metadata(manager, server):
    provider = {"issuer-uri": server.issuer, "token-uri": server.token_uri}
    assert manager(provider=provider).authorize("app")
    assert server.metadata_requests == 0


def test_the_method_is_the_one_that_the_server_advertises(by_issuer, server):
    server.metadata_overrides = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    by_issuer().authorize("app")
    assert "client_secret" in dict(server.last_token_request.form)


def test_the_asynchronous_manager_shares_it_as_well(server, clock):
    table = {"provider": "as", "client-id": "app", "client-secret": "secret"}
    ids = [f"app-{number}" for number in range(50)]
    tables = {
        "provider": {"as": {"issuer-uri": server.issuer}},
        "registration": {id_: {**table, "audience": id_} for id_ in ids},
    }

    async def main():
        core = Core(RegistrationRegistry(load(tables)), clocks=clock.clocks)
        async with AsyncAuthorizedClientManager(core) as manager:
            await asyncio.gather(*(manager.authorize(id_) for id_ in ids))

    asyncio.run(main())
    assert (server.metadata_requests, server.token_requests) == (1, 50)


def test_an_invalidated_registration_keeps_its_providers_metadata(manager, server):
    table = {"provider": "as", "client-id": "app", "client-secret": "secret"}
    one = manager(provider={"issuer-uri": server.issuer}, registration={"as": table})
    one.authorize("as")
    one.invalidate("as")
    one.authorize("as")
    assert (server.metadata_requests, server.token_requests) == (1, 2)
