"""An issuer's metadata: where it is looked for, what is believed, and how it is shared."""

from __future__ import annotations

import asyncio
import threading

import pytest

from oauthreg._discovery import addresses, discover, endpoints
from oauthreg._errors import ConnectionFailedError, DiscoveryError
from oauthreg._manager.asynchronous import AsyncAuthorizedClientManager
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
    ("body", "status", "said"),
    [
        (b"", 404, "404"),
        (b"", 302, "302"),
        ("<html>", 200, "200, but no JSON object"),
        ([], 200, "200, but no JSON object"),
        ({"issuer": "https://other.example"}, 200, "of another issuer, 'https://other.example'"),
        ({}, 200, "of another issuer, 'None'"),
        (b"", 429, "429"),
    ],
)
def test_anything_but_this_issuers_metadata_leads_to_the_next(drive, answer, body, status, said):
    metadata, script = drive(flow(), answer(body, status), answer(body, status), answer(GOOD))
    assert metadata == GOOD
    assert script.urls == THREE


def test_an_error_says_what_each_address_said(failing, answer):
    error, script = failing(
        flow(), answer(b"", 404), answer("<html>"), answer({"issuer": "https://other.example"})
    )
    assert isinstance(error, DiscoveryError)
    assert [url for url, _ in error.answers] == script.urls == THREE
    assert "404" in str(error)
    assert "200, but no JSON object" in str(error)
    assert "metadata of another issuer, 'https://other.example'" in str(error)
    assert "provider.as.token-uri" in str(error)
    assert error.retryable


def test_a_server_error_stops_and_its_retry_after_counts(failing, answer):
    error, script = failing(flow(), answer(b"", 503, retry_after="7"))
    assert len(script.urls) == 1
    assert error.retry_after == 7


def test_no_connection_stops(failing):
    error, script = failing(flow(), ConnectionFailedError("refused"))
    assert len(script.urls) == 1
    assert error.answers == ((THREE[0], "refused"),)
    assert error.__cause__ is None


@pytest.mark.parametrize(("ours", "theirs"), [(ISSUER, f"{ISSUER}/"), (f"{ISSUER}/", ISSUER)])
def test_a_difference_by_a_slash_quotes_the_line_to_write(failing, answer, ours, theirs):
    error, script = failing(flow(ours), answer({**GOOD, "issuer": theirs}))
    assert f'Write: provider.as.issuer-uri = "{theirs}"' in str(error)
    assert len(script.urls) == 1
    assert not error.retryable


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


def refused(manager, registration_id="app"):
    with pytest.raises(DiscoveryError) as caught:
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
    error = refused(manager)
    assert error.registration_id == "app"
    assert error.retry_after == 5
    assert "refused the connection" in str(error)
    assert refused(manager).backing_off
    assert "could not be had" in manager.status()["app"]["error"]
    server.start()
    clock.advance(5.1)
    assert manager.authorize("app")


def test_discovery_backs_off_from_5_s_to_5_minutes_per_issuer(by_issuer, server, clock):
    server.inject(Fault(status=503), path="metadata")
    other = {"provider": "as", "client-id": "app", "client-secret": "secret", "audience": "x"}
    manager = by_issuer(registration={"other": other})
    waits = []
    for _ in range(8):
        waits.append(refused(manager).retry_after)
        requests = server.metadata_requests
        assert refused(manager, "other").retry_after == waits[-1]
        assert server.metadata_requests == requests
        clock.advance(waits[-1] + 1e-6)
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300]
    assert server.metadata_requests == 8, "no retry inside the flight"


def test_so_it_does_for_a_registration_named_like_its_provider(manager, server, clock):
    server.inject(Fault(status=503), path="metadata")
    table = {"provider": "as", "client-id": "app", "client-secret": "secret"}
    one = manager(provider={"issuer-uri": server.issuer}, registration={"as": table})
    assert refused(one, "as").retry_after == 5
    assert refused(one, "as").retry_after == 5
    clock.advance(5.1)
    assert refused(one, "as").retry_after == 10
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
    from oauthreg._errors import AuthorizationError
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
        async with AsyncAuthorizedClientManager(load(tables), clocks=clock.clocks) as manager:
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
