"""DPoP, pushed and rich requests, and checked id_tokens, on both managers."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from oauthreg import CallbackError, InvalidTokenResponseError, TokenEndpointError
from oauthreg.testing import Fault

SECRET = "planted-secret-value"
REDIRECT = "http://127.0.0.1:9/callback"
LOGIN = {"authorization-grant-type": "authorization_code", "redirect-uri": REDIRECT}


@pytest.fixture
def bound(server):
    server.add_client("bound", SECRET, dpop_bound=True)
    return {"client-id": "bound", "dpop": True}


def thumbprint(server, client) -> str:
    return server.token(client.access_token.token_value).cnf["jkt"]


def test_a_bound_token_is_fetched_with_a_proof(manage, server, bound):
    manager = manage(app=bound)
    client = manager.authorize("app")
    assert client.access_token.token_type == "DPoP"
    assert client.authorization.startswith("DPoP ")
    assert client.proof("GET", server.api_uri)
    assert server.token_requests == 1


def test_the_servers_nonce_costs_one_more_request_once(manage, server, bound):
    server.require_dpop_nonce = True
    manager = manage(app=bound)
    manager.authorize("app")
    assert server.token_requests == 2
    manager.authorize("app", force=True)
    assert server.token_requests == 3
    server.rotate_dpop_nonce()
    manager.authorize("app", force=True)
    assert server.token_requests == 5


def test_a_nonce_of_a_good_answer_is_used_next(manage, server, bound):
    server.require_dpop_nonce = True
    manager = manage(app=bound)
    manager.authorize("app")
    server.rotate_dpop_nonce(keep_old=True)
    manager.authorize("app", force=True)
    count = server.token_requests
    manager.authorize("app", force=True)
    assert server.token_requests == count + 1


def test_endless_demands_for_a_nonce_end_after_one_more_try(manage, server, bound):
    numbers = iter(range(100))

    def again(_request):
        return Fault(
            status=400,
            body={"error": "use_dpop_nonce"},
            headers={"DPoP-Nonce": f"n{next(numbers)}"},
        )

    server.inject(again)
    with pytest.raises(TokenEndpointError, match="use_dpop_nonce"):
        manage(app=bound).authorize("app")
    assert server.token_requests == 2


def test_each_registration_has_a_key_of_its_own(manage, server, bound):
    manager = manage(one=bound, two=bound)
    one, two = manager.authorize("one"), manager.authorize("two")
    assert thumbprint(server, one) != thumbprint(server, two)
    assert server.token_requests == 2


def test_a_key_in_a_file_is_shared_by_who_names_it(manage, server, bound, tmp_path):
    path = tmp_path / "dpop.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    table = {**bound, "dpop-key-file": str(path)}
    manager = manage(one=table, two=table)
    one, two = manager.authorize("one"), manager.authorize("two")
    assert one.access_token.token_value == two.access_token.token_value


def test_a_dpop_token_without_a_key_is_refused(manage, server):
    server.extra_fields = {"token_type": "DPoP"}
    with pytest.raises(InvalidTokenResponseError, match=r"registration\.app\.dpop = true"):
        manage(app={}).authorize("app")


def test_a_server_that_ignores_the_proof_gives_a_bearer_token(manage, server):
    server.extra_fields = {"token_type": "Bearer"}
    client = manage(app={"dpop": "optional"}).authorize("app")
    assert client.proof("GET", server.api_uri) is None
    assert not client.note_nonce(server.api_uri, {"dpop-nonce": "x"})


def log_in(manager, **options):
    request = manager.authorization_request("web")
    answer = requests.get(request.url, allow_redirects=False, timeout=5)
    return manager.complete(
        "web", answer.headers["Location"], request=request, principal="alice", **options
    )


def test_an_id_token_is_checked(manage, server):
    client = log_in(manage(web={**LOGIN, "scope": "openid read"}))
    assert client.access_token.extra["id_token"]


@pytest.mark.parametrize(
    "spoil",
    [
        {"id_token_overrides": {"nonce": "another"}},
        {"id_token_overrides": {"iss": "https://evil.example.com"}},
        {"id_token_overrides": {"aud": "another"}},
        {"wrong_id_token_signature": True},
    ],
)
def test_a_spoilt_id_token_ends_the_login(manage, server, spoil):
    for name, value in spoil.items():
        setattr(server, name, value)
    with pytest.raises(CallbackError, match="id_token"):
        log_in(manage(web={**LOGIN, "scope": "openid"}))


def test_a_request_is_pushed_where_the_server_takes_that(manage, server):
    server.require_pushed_authorization_requests = True
    manager = manage(web={**LOGIN, "scope": "read"})
    request = manager.authorization_request("web")
    assert set(parse_qs(urlsplit(request.url).query)) == {"client_id", "request_uri"}
    log_in(manager)


def test_rich_details_are_asked_for_and_granted(manage, server):
    details = [{"type": "payment", "amount": "1.00"}]
    client = log_in(manage(web={**LOGIN, "scope": "read", "authorization-details": details}))
    assert client.access_token.extra["authorization_details"] == details
    pushed = server.requests_to("pushed_authorization_request")
    assert json.loads(dict(pushed[0].form)["authorization_details"]) == details


def test_the_implicit_grant_works_where_it_is_allowed(manage, server):
    server.add_client("spa", SECRET, grants=("implicit",), redirect_uris=(REDIRECT,))
    table = {"client-id": "spa", "redirect-uri": REDIRECT, "allow-insecure-grants": True}
    manager = manage(web={**table, "authorization-grant-type": "implicit", "scope": "read"})
    client = log_in(manager)
    assert manager.authorize("web", principal="alice").authorization == client.authorization
