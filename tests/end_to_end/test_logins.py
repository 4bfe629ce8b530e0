"""Logins on both managers against the embedded server."""

from __future__ import annotations

import pytest

from oauthreg import (
    AuthorizationError,
    CallbackError,
    LoginRequiredError,
    SecretUnavailableError,
    TokenEndpointError,
    TokenOf,
)
from oauthreg.testing import Fault

REDIRECT = "http://127.0.0.1:9/callback"
WEB = {
    "authorization-grant-type": "authorization_code",
    "redirect-uri": REDIRECT,
    "scope": "read",
}
DEVICE = {"authorization-grant-type": "device_code", "scope": "read"}
PASSWORD = {
    "authorization-grant-type": "password",
    "username": "alice",
    "password": "her-password",
    "allow-insecure-grants": True,
}


def token(client) -> str:
    return client.access_token.token_value


@pytest.fixture
def logged_in(manage, browse):
    manager = manage(web=WEB)
    request = manager.authorization_request("web")
    client = manager.complete("web", browse(request.url), request=request, principal="alice")
    return manager, client


def test_nobody_is_served_before_a_login(manage, server):
    manager = manage(web=WEB, device=DEVICE, password=PASSWORD)
    for name in ("web", "device", "password"):
        with pytest.raises(LoginRequiredError, match="principal="):
            manager.authorize(name)
    for name in ("web", "device"):
        with pytest.raises(LoginRequiredError, match="nobody has logged in as 'alice'"):
            manager.authorize(name, principal="alice")
    assert server.requests == []


def test_a_login_serves_its_principal_and_nobody_else(logged_in, server):
    manager, client = logged_in
    assert token(manager.authorize("web", principal="alice")) == token(client)
    assert server.token_requests == 1
    with pytest.raises(LoginRequiredError):
        manager.authorize("web", principal="bob")


def test_a_renewal_uses_each_refresh_token_once(logged_in, server):
    manager, _ = logged_in
    sent = []
    for _ in range(3):
        manager.authorize("web", principal="alice", force=True)
        sent.append(dict(server.last_token_request.form)["refresh_token"])
    assert len(set(sent)) == 3


def test_a_herd_at_expiry_uses_the_refresh_token_once(logged_in, server):
    manager, _ = logged_in
    clients = manager.herd(20, "web", principal="alice", force=True)
    assert len(clients) == 20
    refreshes = [dict(r.form)["refresh_token"] for r in server.requests_to("token")[1:]]
    assert len(refreshes) == len(set(refreshes))


def test_a_dead_refresh_token_asks_for_a_new_login_and_is_not_sent_again(logged_in, server):
    manager, _ = logged_in
    server.revoke_all()
    with pytest.raises(TokenEndpointError, match="invalid_grant"):
        manager.authorize("web", principal="alice", force=True)
    manager.invalidate("web")
    count = server.token_requests
    with pytest.raises(LoginRequiredError):
        manager.authorize("web", principal="alice")
    assert server.token_requests == count


def test_a_lost_answer_to_a_refresh_is_not_repeated_at_once(logged_in, server):
    manager, _ = logged_in
    count = server.token_requests
    server.inject(Fault(drop="before"))
    with pytest.raises(AuthorizationError):
        manager.authorize("web", principal="alice", force=True)
    assert server.token_requests == count + 1


def test_a_callback_of_another_login_is_refused(manage, browse):
    manager = manage(web=WEB)
    mine, other = manager.authorization_request("web"), manager.authorization_request("web")
    with pytest.raises(CallbackError, match="web: the callback's state"):
        manager.complete("web", browse(other.url), request=mine, principal="alice")


def test_a_refused_login_says_so(manage, browse, server):
    server.login = None
    manager = manage(web=WEB)
    request = manager.authorization_request("web")
    with pytest.raises(CallbackError, match="access_denied"):
        manager.complete("web", browse(request.url), request=request, principal="alice")


def test_a_login_needs_an_address_to_come_back_to(manage):
    manager = manage(web={name: WEB[name] for name in WEB if name != "redirect-uri"})
    with pytest.raises(AuthorizationError, match="address to come back to"):
        manager.authorization_request("web")
    request = manager.authorization_request("web", redirect_uri=REDIRECT)
    assert request.redirect_uri == REDIRECT


def test_a_device_login_waits_for_its_user(manage, server):
    manager = manage(device=DEVICE)
    device = manager.device_authorization("device")
    server.approve_device(device.user_code)
    client = manager.poll("device", device, principal="alice")
    assert token(manager.authorize("device", principal="alice")) == token(client)


def test_a_device_login_may_be_refused(manage, server):
    manager = manage(device=DEVICE)
    device = manager.device_authorization("device")
    server.deny_device(device.user_code)
    with pytest.raises(TokenEndpointError, match="access_denied"):
        manager.poll("device", device, principal="alice")


def test_the_password_grant_works_where_it_is_allowed(manage, server):
    manager = manage(password=PASSWORD)
    manager.authorize("password", principal="alice")
    assert dict(server.last_token_request.form)["username"] == "alice"


def test_a_refresh_token_in_the_settings_needs_no_principal(logged_in, manage, server):
    _, client = logged_in
    refresh_token = client.refresh_token.token_value
    manager = manage(
        job={"authorization-grant-type": "refresh_token", "refresh-token": refresh_token}
    )
    manager.authorize("job")
    assert dict(server.last_token_request.form)["refresh_token"] == refresh_token
    manager.authorize("job", force=True)
    assert dict(server.last_token_request.form)["refresh_token"] != refresh_token


def test_a_dead_refresh_token_in_the_settings_is_sent_once(manage, server):
    manager = manage(job={"authorization-grant-type": "refresh_token", "refresh-token": "dead"})
    with pytest.raises(TokenEndpointError, match="invalid_grant"):
        manager.authorize("job")
    manager.reject("job", "x")
    with pytest.raises((LoginRequiredError, TokenEndpointError)):
        manager.authorize("job", force=True)
    assert server.token_requests == 1


def test_a_token_is_exchanged_for_the_callers_subject(manage, server):
    manager = manage(
        app={}, exchange={"authorization-grant-type": "token-exchange", "audience": "api"}
    )
    first, second = token(manager.authorize("app")), token(manager.authorize("app", force=True))
    one = manager.authorize("exchange", subject_token=first)
    assert dict(server.last_token_request.form)["subject_token"] == first
    assert token(manager.authorize("exchange", subject_token=lambda: first)) == token(one)
    assert token(manager.authorize("exchange", subject_token=second)) != token(one)
    with pytest.raises(SecretUnavailableError, match="no subject token"):
        manager.authorize("exchange")


def test_one_registration_may_feed_another(manage, server):
    manager = manage(
        app={},
        exchange={
            "authorization-grant-type": "token-exchange",
            "subject-token": "registration:app",
        },
    )
    manager.authorize("exchange")
    app = token(manager.authorize("app"))
    assert dict(server.last_token_request.form)["subject_token"] == app
    per_call = manager.authorize("exchange", subject_token=TokenOf("app"), scope="read")
    assert token(per_call)
    with pytest.raises(AuthorizationError, match="there is no such registration"):
        manager.authorize("exchange", subject_token=TokenOf("nowhere"))


def test_a_token_can_be_asked_about_and_ended(manage, server):
    manager = manage(app={})
    client = manager.authorize("app")
    assert manager.introspect("app")["active"] is True
    assert manager.introspect("app", "garbage") == {"active": False}
    manager.revoke("app")
    assert manager.introspect("app", token(client)) == {"active": False}
    assert token(manager.authorize("app")) != token(client)
    manager.revoke("app", token(client))


def test_revoking_nothing_asks_nobody(manage, server):
    manager = manage(app={})
    manager.revoke("app")
    assert server.requests == []
