from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from oauthreg.testing import DELETE, AuthorizationServer, Fault

# Tokens


def test_it_starts_and_ends_quickly():
    begun = time.monotonic()
    with AuthorizationServer() as server:
        assert server.issuer == server.base_uri == f"http://127.0.0.1:{server.port}"
        assert time.monotonic() - begun < 0.3
        with socket.create_connection((server.host, server.port)):
            begun = time.monotonic()
            server.close()
    assert time.monotonic() - begun < 1


def test_client_credentials_give_a_token_that_the_api_takes(server, ask, session):
    answer = ask(scope="read")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    token = answer.json()
    assert token.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 300, "read")
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    seen = session.put(f"{server.api_uri}/things?x=1", data="hello", headers=headers)
    assert seen.json() == {
        "client": "id",
        "subject": None,
        "scope": "read",
        "method": "PUT",
        "path": "/api/things",
        "body": "hello",
    }


def test_the_lifetime_is_sent_as_it_is_and_kept(server, ask):
    for lifetime in (60, "3600", 3600.5, 0, -1, "soon", [1]):
        server.token_lifetime = lifetime
        assert ask().json()["expires_in"] == lifetime
    server.token_lifetime = None
    assert "expires_in" not in ask().json()


def test_a_token_ends_with_its_lifetime(server, ask, session):
    server.token_lifetime = 0.05
    headers = {"Authorization": f"Bearer {ask().json()['access_token']}"}
    time.sleep(0.06)
    answer = session.get(server.api_uri, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_extra_fields_are_laid_over_the_token_answer(server, ask):
    server.extra_fields = {"token_type": "access_token", "scope": DELETE, "org": {"id": 1}}
    token = ask().json()
    assert token["token_type"] == "access_token"
    assert token["org"] == {"id": 1}
    assert "scope" not in token


def test_a_new_token_may_end_the_previous_one(server, ask, session):
    server.revoke_on_issue = True
    old, new = (ask().json()["access_token"] for _ in range(2))
    statuses = [
        session.get(server.api_uri, headers={"Authorization": f"Bearer {token}"}).status_code
        for token in (old, new)
    ]
    assert statuses == [401, 200]


def test_the_same_token_may_be_issued_again_with_less_life(server, ask):
    server.reissue = True
    first, second, other = ask().json(), ask().json(), ask(scope="read").json()
    assert first["access_token"] == second["access_token"] != other["access_token"]
    assert second["expires_in"] < first["expires_in"]
    server.revoke(first["access_token"])
    assert ask().json()["access_token"] != first["access_token"]


def test_revoked_tokens_are_refused_by_the_api(server, ask, session):
    one, two = (ask().json()["access_token"] for _ in range(2))
    server.revoke(one)
    assert (
        session.get(server.api_uri, headers={"Authorization": f"Bearer {one}"}).status_code == 401
    )
    assert (
        session.get(server.api_uri, headers={"Authorization": f"Bearer {two}"}).status_code == 200
    )
    server.revoke_all()
    assert (
        session.get(server.api_uri, headers={"Authorization": f"Bearer {two}"}).status_code == 401
    )


def test_scopes(server, ask):
    server.add_client("two", "secret", scopes=("a", "b", "c"), default_scopes=("b",))
    as_two = ("two", "secret")
    assert ask().json()["scope"] == "read write"
    assert ask(auth=as_two).json()["scope"] == "b"
    assert ask(auth=as_two, scope="c a c").json()["scope"] == "c a"
    for refused in (ask(scope="admin"), ask(auth=as_two, scope="a read")):
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


def test_audience_and_resources_are_recorded_in_the_token(server, ask, session):
    token = ask(audience="api", resource=["https://a.test/", "urn:b"]).json()["access_token"]
    seen = session.post(server.introspection_uri, data={"token": token}, auth=("id", "secret"))
    assert seen.json()["aud"] == ["api", "https://a.test/", "urn:b"]
    for bad in ("no-uri", "https://a.test/#fragment"):
        assert ask(resource=bad).json()["error"] == "invalid_target"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ([], "invalid_request"),
        ([("grant_type", "magic")], "unsupported_grant_type"),
        ([("grant_type", "client_credentials")] * 2, "invalid_request"),
        ([("grant_type", "password"), ("username", "u"), ("password", "p")], "unauthorized_client"),
    ],
)
def test_bad_token_requests(server, session, form, error):
    answer = session.post(server.token_uri, data=form, auth=("id", "secret"))
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_other_methods_and_paths(server, session):
    answer = session.get(server.token_uri)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert session.post(server.jwk_set_uri).status_code == 405
    assert session.get(f"{server.token_uri}/").status_code == 404
    assert session.head(server.metadata_uri).headers["Content-Type"] == "application/json"
    assert session.post(server.token_uri, json={"grant_type": "x"}).status_code == 400


# Metadata and addresses


def test_metadata_names_every_endpoint_at_its_three_addresses():
    with AuthorizationServer(path_prefix="/realms/test") as server:
        base = server.base_uri
        assert server.issuer == f"{base}/realms/test"
        addresses = {
            "openid": f"{base}/realms/test/.well-known/openid-configuration",
            "inserted": f"{base}/.well-known/oauth-authorization-server/realms/test",
            "appended": f"{base}/realms/test/.well-known/oauth-authorization-server",
        }
        assert addresses["openid"] == server.metadata_uri
        for name, address in addresses.items():
            metadata = requests.get(address, timeout=5).json()
            assert metadata["issuer"] == server.issuer
            assert metadata["token_endpoint"] == server.token_uri == f"{server.issuer}/token"
            server.metadata_paths = set(addresses) - {name}
            assert requests.get(address, timeout=5).status_code == 404
            server.metadata_paths = list(addresses)
        assert server.metadata_requests == 6


def test_metadata_can_be_changed(server, session):
    server.metadata_overrides = {"issuer": "https://other.test", "jwks_uri": DELETE}
    metadata = session.get(server.metadata_uri).json()
    assert metadata["issuer"] == "https://other.test"
    assert "jwks_uri" not in metadata


def test_a_vendors_layout_can_be_imitated():
    layout = {"issuer": "/", "token": "/oauth/token/", "jwk_set": "/.well-known/jwks.json"}
    with AuthorizationServer(layout=layout) as server:
        server.add_client("id", "secret")
        assert server.issuer == f"{server.base_uri}/"
        assert server.token_uri == f"{server.base_uri}/oauth/token/"
        metadata = requests.get(
            f"{server.issuer}.well-known/openid-configuration", timeout=5
        ).json()
        assert metadata["token_endpoint"] == server.token_uri
        form = {"grant_type": "client_credentials"}
        assert requests.post(server.token_uri, form, auth=("id", "secret"), timeout=5).ok
    with pytest.raises(ValueError, match="tokn"):
        AuthorizationServer(layout={"tokn": "/x"})


# The API


def test_the_api_refuses_and_redirects(server, ask, session):
    live = {"Authorization": f"Bearer {ask().json()['access_token']}"}
    assert session.get(server.api_uri).headers["WWW-Authenticate"] == "Bearer"
    assert session.get(server.api_uri, headers={"Authorization": "Bearer x"}).status_code == 401
    forbidden = session.get(f"{server.api_uri}/forbidden", headers=live)
    assert forbidden.status_code == 403
    assert "insufficient_scope" in forbidden.headers["WWW-Authenticate"]
    assert session.get(f"{server.api_uri}/always-401", headers=live).status_code == 401
    params = {"to": "https://other.test/x?y=1"}
    moved = session.get(f"{server.api_uri}/redirect", params=params, allow_redirects=False)
    assert (moved.status_code, moved.headers["Location"]) == (307, params["to"])
    assert server.api_requests == 5


def test_the_api_reads_chunked_bodies(server, ask, session):
    live = {"Authorization": f"Bearer {ask().json()['access_token']}"}
    seen = session.post(server.api_uri, data=iter([b"one ", b"two"]), headers=live)
    assert seen.json()["body"] == "one two"


# What the test sees


def test_requests_are_recorded_and_counted(server, ask, session):
    ask(scope="read", resource=["urn:a", "urn:b"])
    request = server.last_token_request
    assert request.method == "POST"
    assert request.path == "/token"
    assert request.endpoint == "token"
    assert request.headers["AUTHORIZATION"].startswith("Basic ")
    assert request.headers["X-Nothing"] is None
    assert ("resource", "urn:a") in request.form
    assert request.form.count(("grant_type", "client_credentials")) == 1
    assert abs(request.at - time.monotonic()) < 5
    assert not request.reused
    assert "Basic" not in repr(request)
    session.get(f"{server.base_uri}/elsewhere?a=1&a=2")
    assert server.requests[-1].query == [("a", "1"), ("a", "2")]
    assert server.requests[-1].reused
    assert server.connections == 1
    assert server.requests_to("/elsewhere") == server.requests[-1:]
    assert server.token_requests == 1
    server.reset_counters()
    assert (server.token_requests, server.requests) == (0, [])


def test_no_repr_shows_a_secret(server, ask):
    token = ask().json()["access_token"]
    client = server.add_client("id", "s3cret", secrets=["s4cret"])
    shown = repr((client, server, server.requests, server.token(token)))
    assert not any(text in shown for text in ("s3cret", "s4cret", token))


def test_no_log_shows_a_token(server, ask, caplog):
    caplog.set_level("DEBUG")
    server.add_client("id", "s3cret")
    token = ask(auth=("id", "s3cret")).json()["access_token"]
    assert "authlib" in caplog.text
    assert not any(text in caplog.text for text in ("s3cret", token))


def test_one_waits_for_requests_without_sleeping(server, ask):
    with pytest.raises(TimeoutError, match="0 of 1"):
        server.wait_for_requests(1, timeout=0.01)
    thread = threading.Thread(target=ask)
    thread.start()
    server.wait_for_requests(1)
    thread.join()


def test_a_gate_holds_requests_back(server, ask):
    with server.hold("token") as gate, ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(ask) for _ in range(3)]
        gate.wait_for(3)
        assert gate.waiting == server.token_requests == 3
        assert not any(answer.done() for answer in answers)
        with pytest.raises(TimeoutError):
            gate.wait_for(4, timeout=0.01)
        gate.open()
        assert all(answer.result().ok for answer in answers)
    assert ask().ok


def test_a_fault_injected_while_requests_are_held_hits_them(server, ask):
    with server.hold() as gate, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask)
        gate.wait_for(1)
        server.inject(Fault(status=503))
        gate.open()
        assert answer.result().status_code == 503


def test_closing_opens_the_gates():
    with AuthorizationServer() as server, ThreadPoolExecutor(1) as pool:
        gate = server.hold("metadata")
        held = pool.submit(requests.get, server.metadata_uri, timeout=5)
        gate.wait_for(1)
        server.close()
        with pytest.raises(requests.ConnectionError):
            held.result()
