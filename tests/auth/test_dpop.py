"""A proof for every request that carries a DPoP token (RFC 9449): the same for every library."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json

import aiohttp
import httpx
import httpx2
import pytest
import requests

import oauthreg.auth.aiohttp
import oauthreg.auth.httpx
import oauthreg.auth.httpx2
from oauthreg import (
    AsyncAuthorizedClientManager,
    AuthorizedClient,
    AuthorizedClientManager,
    UrlNotAllowedError,
)
from oauthreg.auth._authorized_request import AuthorizedRequest, TokenSupplier
from oauthreg.testing import Fault

HTTPX = [(httpx, oauthreg.auth.httpx), (httpx2, oauthreg.auth.httpx2)]
both = pytest.mark.parametrize(("httpx_", "adapter"), HTTPX, ids=["httpx", "httpx2"])


@pytest.fixture(autouse=True)
def bound(server):
    server.add_client("id", "planted-secret-value", dpop_bound=True)


@pytest.fixture
def prover(caller, server):
    """A caller that has its token already."""
    made = caller(dpop=True)
    made.authorize()
    server.reset_counters()
    return made


def claims_of(request):
    """What the proof of a request says; None without one."""
    proof = request.headers["DPoP"]
    if proof is None:
        return None
    part = proof.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def proofs(server):
    """The claims of the proofs that reached the API, in order; none was sent twice."""
    found = [claims_of(request) for request in server.requests_to("api")]
    ids = [claims["jti"] for claims in found if claims]
    assert len(set(ids)) == len(ids)
    return found


def nonces(server):
    return [claims.get("nonce") for claims in proofs(server)]


def demand(nonce, **headers):
    """An API that asks for a nonce."""
    return Fault(
        status=401,
        headers={
            "WWW-Authenticate": 'DPoP error="use_dpop_nonce", error_description="x"',
            "DPoP-Nonce": nonce,
            **headers,
        },
    )


def redirect(server, target, path="/redirect"):
    return f"{server.api_uri}{path}?to={target}"


def test_a_request_has_a_proof(prover, server):
    reply = prover.call("POST", f"{server.api_uri}/x?query=1", body=b"text")
    assert reply.status == 200
    (request,) = server.requests_to("api")
    scheme, _, token = request.headers["Authorization"].partition(" ")
    assert scheme == "DPoP"
    (claims,) = proofs(server)
    digest = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest())
    assert (claims["htm"], claims["htu"]) == ("POST", f"{server.api_uri}/x")
    assert claims["ath"] == digest.decode().rstrip("=")
    assert claims["jti"]
    assert "nonce" not in claims


def test_every_request_has_a_proof_of_its_own(prover, server):
    assert {reply.status for reply in prover.calls(10, server.api_uri)} == {200}
    assert len(proofs(server)) == 10


def test_a_bearer_token_has_no_proof(caller, server):
    server.add_client("id", "planted-secret-value")
    made = caller()
    assert made.call("GET", server.api_uri).status == 200
    assert made.call("GET", redirect(server, server.api_uri)).status == 200
    with server.inject(demand("n1"), path="api"):
        assert made.call("GET", server.api_uri).status == 401
    assert proofs(server) == [None] * 4
    assert server.token_requests == 1


def test_the_callers_own_header_has_no_proof(prover, server):
    reply = prover.call("GET", server.api_uri, headers={"Authorization": "DPoP mine"})
    assert reply.status == 401
    assert proofs(server) == [None]


def test_a_nonce_that_the_api_asks_for_costs_one_request(prover, server):
    server.require_dpop_nonce = True
    reply = prover.call("POST", server.api_uri, body=b"text")
    assert reply.status == 200
    assert json.loads(reply.text)["body"] == "text"
    assert (server.api_requests, server.token_requests) == (2, 0)
    first, second = nonces(server)
    assert (first is None, second is None) == (True, False)
    assert prover.call("GET", server.api_uri).status == 200
    assert nonces(server) == [None, second, second]
    assert len({request.headers["Authorization"] for request in server.requests_to("api")}) == 1


def test_a_nonce_that_comes_with_a_success_is_the_next_ones(prover, server):
    server.inject(Fault(headers={"DPoP-Nonce": "n1"}), times=1, path="api")
    prover.call("GET", server.api_uri)
    prover.call("GET", server.api_uri)
    assert nonces(server) == [None, "n1"]


def test_a_rotated_nonce_costs_nothing_while_the_old_one_is_taken(prover, server):
    server.require_dpop_nonce = True
    prover.call("GET", server.api_uri)
    server.reset_counters()
    for _ in range(3):
        server.rotate_dpop_nonce(keep_old=True)
        assert prover.call("GET", server.api_uri).status == 200
    assert server.api_requests == 3
    assert len(set(nonces(server))) == 3


def test_an_endless_demand_for_nonces_ends_after_one_retry(prover, server):
    server.inject(
        lambda _: demand(f"n{server.api_requests}"),
        path="api",
    )
    for sent in (2, 4):
        assert prover.call("GET", server.api_uri).status == 401
        assert server.api_requests == sent
    assert nonces(server) == [None, "n1", "n2", "n3"]
    assert server.token_requests == 0


@pytest.mark.parametrize("headers", [{"DPoP-Nonce": "n1"}, {"DPoP-Nonce": ""}])
def test_a_demand_without_another_nonce_is_the_callers(prover, server, headers):
    server.inject(demand("", **headers), path="api")
    prover.call("GET", server.api_uri)
    server.reset_counters()
    assert prover.call("GET", server.api_uri).status == 401
    assert (server.api_requests, server.token_requests) == (1, 0)


def test_a_proof_that_is_refused_renews_no_token(prover, server):
    challenge = {"WWW-Authenticate": 'DPoP error="invalid_dpop_proof"'}
    with server.inject(Fault(status=401, headers=challenge), path="api"):
        assert prover.call("GET", server.api_uri).status == 401
    assert prover.call("GET", server.api_uri).status == 200
    assert (server.api_requests, server.token_requests) == (2, 0)


def test_a_refused_token_is_renewed_and_proven_anew(prover, server):
    server.revoke_all()
    assert prover.call("POST", server.api_uri, body=b"text").status == 200
    assert (server.api_requests, server.token_requests) == (2, 1)
    first, second = proofs(server)
    assert first["ath"] != second["ath"]


def test_an_api_that_refuses_every_token_gets_one_replay(prover, server):
    assert prover.call("GET", f"{server.api_uri}/always-401").status == 401
    assert (server.api_requests, server.token_requests) == (2, 1)
    assert len(proofs(server)) == 2


@pytest.mark.parametrize("nonce_first", [True, False])
def test_a_request_is_sent_again_for_each_cause_once(prover, server, nonce_first):
    refusal = Fault(status=401, headers={"WWW-Authenticate": 'DPoP error="invalid_token"'})
    causes = [demand("n1"), refusal] if nonce_first else [refusal, demand("n1")]
    server.script("api", [*causes, None])
    reply = prover.call("POST", server.api_uri, body=b"text")
    assert (reply.status, json.loads(reply.text)["body"]) == (200, "text")
    assert (server.api_requests, server.token_requests) == (3, 1)
    assert nonces(server)[-1] == "n1"


def test_a_request_is_sent_three_times_at_most(prover, server):
    refusal = Fault(status=401, headers={"WWW-Authenticate": 'DPoP error="invalid_token"'})
    server.script("api", [demand("n1"), refusal, demand("n2"), None])
    assert prover.call("GET", server.api_uri).status == 401
    assert (server.api_requests, server.token_requests) == (3, 1)


def test_a_stream_is_not_sent_again_but_its_nonce_is_kept(prover, server):
    server.require_dpop_nonce = True
    body = prover.stream([b"one", b"two"])
    assert prover.call("POST", server.api_uri, body=body).status == 401
    assert (server.api_requests, server.token_requests) == (1, 0)
    assert prover.call("GET", server.api_uri).status == 200
    assert server.api_requests == 2


def test_fifty_at_once_learn_a_rotated_nonce(prover, server):
    server.require_dpop_nonce = True
    prover.call("GET", server.api_uri)
    server.rotate_dpop_nonce()
    server.reset_counters()
    assert {reply.status for reply in prover.calls(50, server.api_uri)} == {200}
    assert server.api_requests <= 100
    assert server.token_requests == 0
    assert len(proofs(server)) == server.api_requests


@pytest.mark.parametrize("listed", [False, True])
def test_every_hop_has_a_proof_of_its_own(caller, server, listed):
    made = caller(dpop=True, **({"urls": [server.base_uri]} if listed else {}))
    server.require_dpop_nonce = True
    reply = made.call("POST", redirect(server, f"{server.api_uri}/end"), body=b"text")
    assert (reply.status, json.loads(reply.text)["body"]) == (200, "text")
    places = [(claims["htm"], claims["htu"]) for claims in proofs(server)]
    first = ("POST", f"{server.api_uri}/redirect")
    assert places == [first, *[("POST", f"{server.api_uri}/end")] * 2]
    assert server.token_requests == 2  # one more for the authorization server's own nonce


def test_a_hop_whose_method_changed_proves_the_new_one(prover, server):
    server.script("api", [Fault(status=303, redirect_to=f"{server.api_uri}/end"), None])
    assert prover.call("POST", server.api_uri, body=b"text").status == 200
    assert [claims["htm"] for claims in proofs(server)] == ["POST", "GET"]


def test_a_nonce_that_comes_with_a_redirect_is_the_next_hops(prover, server):
    server.inject(Fault(headers={"DPoP-Nonce": "n1"}), times=1, path="api")
    prover.call("GET", redirect(server, server.api_uri))
    assert nonces(server) == [None, "n1"]


def test_another_origin_sees_neither_token_nor_proof(prover, server, other, tokens_seen):
    way = redirect(server, redirect(other, server.api_uri))
    other.inject(Fault(headers={"DPoP-Nonce": "n1"}), path="api")
    prover.call("GET", way)
    assert (tokens_seen(other), proofs(other)) == ([None], [None])
    assert server.token_requests == 0
    for request in server.requests_to("api"):  # aiohttp may be back at home
        assert (request.headers["Authorization"] is None) is (request.headers["DPoP"] is None)


def test_a_listed_origin_gets_a_proof_and_has_its_own_nonce(caller, server, other):
    made = caller(dpop=True, urls=[server.base_uri, other.base_uri])
    made.authorize()
    other.script("api", [demand("n1"), *[Fault(status=200, body="welcome")] * 2])
    assert made.call("GET", redirect(server, other.api_uri)).text == "welcome"
    assert nonces(other) == [None, "n1"]
    assert {claims["htu"] for claims in proofs(other)} == {other.api_uri}
    made.call("GET", redirect(server, other.api_uri))
    assert nonces(server) == [None, None]
    assert nonces(other) == [None, "n1", "n1"]


def test_off_the_list_nothing_is_sent(caller, server, other):
    made = caller(dpop=True, urls=[server.base_uri])
    with pytest.raises(UrlNotAllowedError):
        made.call("GET", redirect(server, other.api_uri))
    assert other.requests == []


# What one library does by itself


def test_a_prepared_request_is_proven_whenever_it_is_sent(settings, server, other):
    with (
        AuthorizedClientManager.from_settings(settings(dpop=True)) as manager,
        requests.Session() as session,
    ):
        session.trust_env = False
        asked = requests.Request("GET", server.api_uri, auth=manager.auth("my-client"))
        prepared = session.prepare_request(asked)
        assert prepared.headers["DPoP"]
        assert [session.send(prepared, timeout=5).status_code for _ in range(3)] == [200] * 3
        server.inject(Fault(drop="before"), times=1, path="api")
        with pytest.raises(requests.ConnectionError):
            session.send(prepared, timeout=5)
        assert session.send(prepared, timeout=5).status_code == 200
        assert len(proofs(server)) == 5


def test_the_history_has_every_refusal(settings, server):
    refusal = Fault(status=401, headers={"WWW-Authenticate": 'DPoP error="invalid_token"'})
    server.script("api", [refusal, demand("n1")])
    with (
        AuthorizedClientManager.from_settings(settings(dpop=True)) as manager,
        manager.session("my-client") as session,
    ):
        answer = session.get(server.api_uri, timeout=5)
    challenges = [hop.headers["WWW-Authenticate"].split('"')[1] for hop in answer.history]
    assert challenges == ["invalid_token", "use_dpop_nonce"]


@pytest.fixture
def signed(monkeypatch):
    """What the proofs were made for."""
    made = []
    proof = AuthorizedClient.proof
    monkeypatch.setattr(AuthorizedClient, "proof", lambda *args: made.append(args) or proof(*args))
    return made


def test_a_proof_costs_one_signature(settings, server, signed):
    with (
        AuthorizedClientManager.from_settings(settings(dpop=True)) as manager,
        manager.session("my-client") as session,
    ):
        session.get(redirect(server, server.api_uri), timeout=5)
        with httpx.Client(
            auth=oauthreg.auth.httpx.Auth(manager, "my-client"), follow_redirects=True
        ) as client:
            client.get(redirect(server, server.api_uri))
    assert server.api_requests == len(signed) == 4


@pytest.mark.parametrize("mine", ["Basic mine", None])
def test_a_redirect_that_the_caller_gave_another_header_has_no_proof(settings, server, mine):
    with (
        AuthorizedClientManager.from_settings(settings(dpop=True)) as manager,
        manager.session("my-client") as session,
    ):
        answer = session.get(redirect(server, server.api_uri), allow_redirects=False, timeout=5)
        following = answer.next
        del following.headers["Authorization"]
        following.headers.update({"Authorization": mine} if mine else {})
        session.send(following, timeout=5)
        following.headers["DPoP"] = "mine"
        session.send(following, timeout=5)
    seen = [request.headers["DPoP"] for request in server.requests_to("api")]
    assert seen[1:] == [None, "mine"]


@both
def test_httpx_proves_a_request_whenever_it_is_sent(httpx_, adapter, settings, server, signed):
    seen = []
    with (
        AuthorizedClientManager.from_settings(settings(dpop=True)) as manager,
        httpx_.Client(auth=adapter.Auth(manager, "my-client")) as client,
    ):
        request = client.build_request(
            "GET", server.api_uri, extensions={"trace": lambda event, _: seen.append(event)}
        )
        assert [client.send(request).status_code for _ in range(3)] == [200] * 3
    assert len(proofs(server)) == len(signed) == 3
    assert seen.count("http11.send_request_headers.started") == 3


@both
def test_httpx_proves_a_redirect_that_is_followed_by_hand(httpx_, adapter, settings, server, other):
    with (
        AuthorizedClientManager.from_settings(settings(dpop=True)) as manager,
        httpx_.Client(auth=adapter.Auth(manager, "my-client")) as client,
    ):
        near = client.get(redirect(server, server.api_uri)).next_request
        away = client.get(redirect(server, other.api_uri)).next_request
        assert client.send(near).status_code == 200
        assert client.send(away).status_code == 401
    assert len(proofs(server)) == 3
    assert proofs(other) == [None]


@both
def test_httpx_leaves_a_header_of_a_hook_alone(httpx_, adapter, settings, server):
    def mine(request):
        if request.url.path.endswith("/end"):
            request.headers["Authorization"] = "Bearer mine"

    with (
        AuthorizedClientManager.from_settings(settings(dpop=True)) as manager,
        httpx_.Client(
            auth=adapter.Auth(manager, "my-client"),
            event_hooks={"request": [mine]},
            follow_redirects=True,
        ) as client,
    ):
        assert client.get(redirect(server, f"{server.api_uri}/end")).status_code == 401
    assert server.requests_to("api")[-1].headers["Authorization"] == "Bearer mine"
    assert server.api_requests == 2


@both
def test_httpx_proves_the_first_request_to_a_transport_that_reports_nothing(
    httpx_, adapter, settings
):
    sent = []

    def answer(request):
        sent.append(request.headers["DPoP"])
        challenge = {"WWW-Authenticate": 'DPoP error="use_dpop_nonce"', "DPoP-Nonce": "n1"}
        return httpx_.Response(401 if len(sent) == 1 else 200, headers=challenge)

    with (
        AuthorizedClientManager.from_settings(settings(dpop=True)) as manager,
        httpx_.Client(
            auth=adapter.Auth(manager, "my-client"), transport=httpx_.MockTransport(answer)
        ) as client,
    ):
        assert client.get("https://a.example").status_code == 200
    assert len(set(sent)) == 2


@both
def test_httpx_needs_no_report_of_a_redirect_that_is_followed_by_hand(httpx_, adapter, settings):
    sent = []

    def answer(request):
        sent.append(request.headers.get("DPoP"))
        there = {"near": "https://a.example/end", "away": "https://b.example/"}
        where = there.get(request.url.path[1:])
        return httpx_.Response(307, headers={"Location": where}) if where else httpx_.Response(200)

    with (
        AuthorizedClientManager.from_settings(settings(dpop=True)) as manager,
        httpx_.Client(
            auth=adapter.Auth(manager, "my-client"), transport=httpx_.MockTransport(answer)
        ) as client,
    ):
        for place in ("near", "away"):
            client.send(client.get(f"https://a.example/{place}").next_request)
    assert sent[-1] is None
    assert len(set(sent)) == 4


@both
def test_httpx_sends_the_proof_by_a_proxy(httpx_, adapter, settings, server):
    with (
        AuthorizedClientManager.from_settings(
            settings(dpop=True, urls=["http://api.internal.example"])
        ) as manager,
        httpx_.Client(
            auth=adapter.Auth(manager, "my-client"),
            proxy=server.base_uri,
            follow_redirects=True,
            trust_env=False,
        ) as client,
    ):
        target = "http://api.internal.example/end"
        server.script("http://api.internal.example/x", [Fault(redirect_to=target)])
        client.get("http://api.internal.example/x")
    assert [claims_of(request)["htu"] for request in server.requests[-2:]] == [
        "http://api.internal.example/x",
        target,
    ]


def test_aiohttp_sends_a_request_anew_with_a_new_proof(settings, server):
    async def outer(request, handler):
        (await handler(request)).release()
        assert "DPoP" not in request.headers
        return await handler(request)

    async def work():
        async with (
            AsyncAuthorizedClientManager.from_settings(settings(dpop=True)) as manager,
            aiohttp.ClientSession() as session,
        ):
            token = oauthreg.auth.aiohttp.middleware(manager, "my-client")
            server.inject(Fault(drop="before"), times=1, path="api")
            async with session.get(server.api_uri, middlewares=[token]) as answer:
                assert answer.status == 200  # aiohttp tries idempotent requests again by itself
            async with session.get(server.api_uri, middlewares=[outer, token]) as answer:
                assert answer.status == 200

    asyncio.run(work())
    assert len(proofs(server)) == 4


# The parts


def test_a_proof_shows_no_password(settings):
    with AuthorizedClientManager.from_settings(settings(dpop=True)) as manager:
        supplier = TokenSupplier(manager, "my-client", {})
        url = "https://user:planted-password@api.example.com/x?y=1"
        authorized = AuthorizedRequest(supplier, supplier.authorize(), url)
        first = authorized.fields_beside((), "GET", url)["DPoP"]
        authorized.note_nonce(url, {"dpop-nonce": "n1"})
        second = authorized.fields_beside((), "GET", "https://api.example.com/x")["DPoP"]
    for proof, nonce in ((first, None), (second, "n1")):
        claims = claims_of(requests.Request(headers={"DPoP": proof}))
        assert claims["htu"] == "https://api.example.com/x"
        assert claims.get("nonce") == nonce


def test_a_renewed_token_may_be_of_the_other_kind(settings, server):
    server.add_client("id", "planted-secret-value")
    with AuthorizedClientManager.from_settings(settings(dpop=True)) as manager:
        supplier = TokenSupplier(manager, "my-client", {})
        bound = supplier.authorize()
        authorized = AuthorizedRequest(supplier, bound, server.api_uri)
        headers = {}
        authorized.add_token(headers, "GET", server.api_uri)
        assert set(headers) == {"Authorization", "DPoP"}
        manager.override("my-client", "fixed")
        assert authorized.replace_client(supplier.authorize())
        authorized.add_token(headers, "GET", server.api_uri)
    assert headers == {"Authorization": "Bearer fixed"}
