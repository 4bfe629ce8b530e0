"""What a token is asked for: audiences, details; and how: pushed, or by the implicit grant."""

from __future__ import annotations

import json

import pytest

from oauthreg.testing import AuthorizationServer

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
DETAILS = [{"type": "payment", "amount": {"value": "1.50"}}, {"type": "account"}]


@pytest.fixture
def server(callback):
    with AuthorizationServer(device_interval=0) as server:
        server.add_client(
            "id",
            "secret",
            grants=["authorization_code", "client_credentials", "refresh_token", DEVICE],
            redirect_uris=[callback],
        )
        yield server


def error(answer, status=400):
    assert answer.status_code == status
    return answer.json()["error"]


# Authorization details


def test_authorization_details_come_back(server, ask, post):
    answer = ask(authorization_details=json.dumps(DETAILS)).json()
    assert answer["authorization_details"] == DETAILS
    assert server.token(answer["access_token"]).authorization_details == tuple(DETAILS)
    seen = post(server.introspection_uri, token=answer["access_token"]).json()
    assert seen["authorization_details"] == DETAILS
    assert "authorization_details" not in ask().json()


@pytest.mark.parametrize(
    "text", ["", "{", "{}", '"x"', '["x"]', '[{"kind": "x"}]', '[{"type": 1}]']
)
def test_malformed_authorization_details_are_refused(ask, login, text):
    expected = "invalid_authorization_details"
    assert error(ask(authorization_details=text)) == expected
    assert login(authorization_details=text)["error"] == expected


def test_authorization_details_follow_a_login(ask, login, redeem, push):
    text = json.dumps(DETAILS)
    first = redeem(login(authorization_details=text)).json()
    second = ask("refresh_token", refresh_token=first["refresh_token"]).json()
    third = ask(
        "refresh_token",
        refresh_token=second["refresh_token"],
        authorization_details=json.dumps(DETAILS[1:]),
    ).json()
    assert first["authorization_details"] == second["authorization_details"] == DETAILS
    assert third["authorization_details"] == DETAILS[1:]
    pushed = push(authorization_details=text).json()
    assert redeem(login(**pushed)).json()["authorization_details"] == DETAILS
    assert error(push(authorization_details="{}")) == "invalid_authorization_details"


def test_authorization_details_of_a_device(server, ask, post):
    begun = post(server.device_authorization_uri, authorization_details=json.dumps(DETAILS)).json()
    server.approve_device(begun["user_code"])
    token = ask(DEVICE, device_code=begun["device_code"]).json()
    assert token["authorization_details"] == DETAILS


# Audiences


def test_only_known_audiences(server, ask, login, post):
    assert ask(audience="anything").ok
    server.audiences = {"api", "https://api.test/"}
    assert ask(audience="api", resource="https://api.test/").ok
    assert ask().ok
    for wrong in (
        {"audience": "other"},
        {"audience": ["api", "other"]},
        {"resource": "https://other.test/"},
    ):
        assert error(ask(**wrong)) == "invalid_target"
        assert login(**wrong)["error"] == "invalid_target"
        assert error(post(server.device_authorization_uri, **wrong)) == "invalid_target"


# Implicit


def test_the_implicit_grant(server, session, login, callback):
    assert login(response_type="token")["error"] == "unauthorized_client"
    server.add_client("id", grants=["implicit"], redirect_uris=[callback])
    back = login(response_type="token", scope="read", authorization_details=json.dumps(DETAILS))
    token = back.pop("access_token")
    assert json.loads(back.pop("authorization_details")) == DETAILS
    assert back == {
        "token_type": "Bearer",
        "expires_in": "300",
        "scope": "read",
        "state": "s1",
        "iss": server.issuer,
    }
    assert server.token(token).grant_type == "implicit"
    headers = {"Authorization": f"Bearer {token}"}
    assert session.get(server.api_uri, headers=headers).json()["subject"] == "alice"
    assert login(response_type="code")["error"] == "unauthorized_client"


def test_errors_of_the_implicit_grant(server, login, callback):
    server.add_client("id", grants=["implicit"], redirect_uris=[callback])
    server.audiences = ()
    wrong = {"audience": "x"}, {"scope": "admin"}, {"authorization_details": "{"}
    errors = ["invalid_target", "invalid_scope", "invalid_authorization_details"]
    assert [login(response_type="token", **each)["error"] for each in wrong] == errors
    server.login = None
    back = login(response_type="token")
    assert (back["error"], back["state"]) == ("access_denied", "s1")
    assert error(login(response_type="token", client_id="nobody")) == "invalid_client"
    elsewhere = "https://evil.test/"
    assert error(login(response_type="token", redirect_uri=elsewhere)) == "invalid_request"


# Pushed requests


def test_authorization_requests_may_have_to_be_pushed(server, session, login, push):
    server.require_pushed_authorization_requests = True
    metadata = session.get(server.metadata_uri).json()
    assert metadata["require_pushed_authorization_requests"] is True
    assert error(login()) == "invalid_request"
    assert login(**push().json())["code"]
