"""What is one user's stays that user's, and what names a registration is never a token's text."""

from __future__ import annotations

import logging

import pytest
import requests

from oauthreg import (
    AuthorizationError,
    AuthorizedClientManager,
    CallbackError,
    ConfigurationError,
    ConnectionFailedError,
    InvalidTokenResponseError,
    LoginRequiredError,
    TokenEndpointError,
    TokenOf,
)
from oauthreg.testing import Fault

SECRET = "planted-secret-value"
REDIRECT = "http://127.0.0.1:9/callback"
WEB = {
    "authorization-grant-type": "authorization_code",
    "redirect-uri": REDIRECT,
    "scope": "read",
}
DEVICE = {"authorization-grant-type": "device_code", "scope": "read"}
EXCHANGE = {"authorization-grant-type": "token-exchange"}


def token(client) -> str:
    return client.access_token.token_value


def log_in(manager, principal: str, name: str = "web"):
    request = manager.authorization_request(name)
    answer = requests.get(request.url, allow_redirects=False, timeout=5)
    return manager.complete(name, answer.headers["Location"], request=request, principal=principal)


def test_an_implicit_token_is_served_to_its_user_alone(manage, server):
    server.add_client("spa", SECRET, grants=("implicit",), redirect_uris=(REDIRECT,))
    manager = manage(
        web={
            **WEB,
            "client-id": "spa",
            "authorization-grant-type": "implicit",
            "allow-insecure-grants": True,
        }
    )
    alice = log_in(manager, "alice")
    assert token(manager.authorize("web", principal="alice")) == token(alice)
    for options in ({"principal": "bob"}, {}):
        with pytest.raises(LoginRequiredError):
            manager.authorize("web", **options)


def test_an_insecure_grant_that_is_allowed_is_warned_of(manage, caplog):
    with caplog.at_level(logging.WARNING, "oauthreg"):
        manage(web={**WEB, "authorization-grant-type": "implicit", "allow-insecure-grants": True})
    assert "better use authorization_code" in caplog.text


@pytest.mark.parametrize("given", ["registration:up", lambda: "registration:up"])
def test_a_token_that_reads_like_a_registration_is_a_token(manage, server, given):
    manager = manage(up={}, down=EXCHANGE)
    server.inject(Fault(status=400, body={"error": "invalid_request"}))
    with pytest.raises(TokenEndpointError):
        manager.authorize("down", subject_token=given)
    assert dict(server.last_token_request.form)["subject_token"] == "registration:up"


def test_a_flow_may_have_more_time_for_a_token_than_a_call_may_ask_for(server):
    own = {"client-id": "id", "client-secret": SECRET}
    settings = {"registration": {"up": own}, "provider": {"p": {"issuer-uri": server.issuer}}}
    with AuthorizedClientManager.from_settings(settings) as manager:
        assert manager._runner.run(manager._core.token_of("up", 86_401.0))


def test_a_call_names_another_registration_by_token_of(manage, server):
    manager = manage(up={}, down=EXCHANGE)
    tokens = {token(manager.authorize("down", subject_token=TokenOf(id_))) for id_ in ("up", "Up")}
    assert dict(server.last_token_request.form)["subject_token"] == token(manager.authorize("up"))
    assert len(tokens) == 1
    with pytest.raises(AuthorizationError, match="no such registration"):
        manager.authorize("down", subject_token=TokenOf("nobody"))


def test_a_file_never_names_a_registration(manage, server, tmp_path):
    path = tmp_path / "subject"
    path.write_text("registration:up")
    manager = manage(up={}, down={**EXCHANGE, "subject-token-file": str(path)})
    server.inject(Fault(status=400, body={"error": "invalid_request"}))
    with pytest.raises(TokenEndpointError):
        manager.authorize("down")
    assert dict(server.last_token_request.form)["subject_token"] == "registration:up"


def test_no_login_replaces_the_token_of_a_machine(manage):
    manager = manage(app={"redirect-uri": REDIRECT}, web=WEB, device=DEVICE)
    for name in ("app", "device"):
        with pytest.raises(AuthorizationError, match=f"{name}: its grant is"):
            manager.authorization_request(name)
    for name in ("app", "web"):
        with pytest.raises(AuthorizationError, match=f"{name}: its grant is"):
            manager.device_authorization(name)


@pytest.mark.parametrize("principal", [None, "", " ", 0, False, b"alice", "\ud800"])
def test_nobody_logs_in_as_nobody(manage, server, principal):
    manager = manage(web=WEB, device=DEVICE)
    request, device = manager.authorization_request("web"), manager.device_authorization("device")
    sent = len(server.requests)
    back = f"{REDIRECT}?code=x&state={request.state}"
    for call in (
        lambda: manager.complete("web", back, request=request, principal=principal),
        lambda: manager.poll("device", device, principal=principal),
    ):
        with pytest.raises(TypeError, match="the option principal must be a non-empty string"):
            call()
    for call in (manager.authorize, manager.introspect, manager.revoke):
        with pytest.raises(LoginRequiredError if principal is None else TypeError):
            call("web", principal=principal)
    assert len(server.requests) == sent


def test_a_registration_may_name_its_user(manage):
    manager = manage(web={**WEB, "principal": "me"})
    mine = log_in(manager, "me")
    assert token(manager.authorize("web")) == token(mine)
    assert manager.authorize("web").principal == "me"
    assert manager.introspect("web")["active"] is True
    with pytest.raises(LoginRequiredError):
        manager.authorize("web", principal="somebody else")


def test_revoking_one_users_token_leaves_the_others(manage, server):
    manager = manage(web=WEB)
    alice, bob = log_in(manager, "alice"), log_in(manager, "bob")
    with pytest.raises(LoginRequiredError):
        manager.revoke("web")
    manager.revoke("web", principal="alice")
    revoked = [dict(request.form)["token"] for request in server.requests_to("revocation")]
    assert revoked == [alice.refresh_token.token_value, token(alice)]
    with pytest.raises(LoginRequiredError):
        manager.authorize("web", principal="alice")
    assert token(manager.authorize("web", principal="bob")) == token(bob)
    assert manager.introspect("web", principal="bob")["active"] is True
    assert manager.introspect("web", token(bob))["active"] is True
    manager.revoke("web", token(bob))
    assert manager.introspect("web", token(bob)) == {"active": False}


def test_revoking_another_token_leaves_ones_own(manage):
    manager = manage(app={})
    first = token(manager.authorize("app"))
    second = token(manager.authorize("app", force=True))
    manager.revoke("app", first)
    assert token(manager.authorize("app")) == second


def test_what_two_registrations_share_outlives_one_of_them(manage, server):
    manager = manage(one={}, two={})
    shared = token(manager.authorize("one"))
    assert token(manager.authorize("two")) == shared
    manager.remove("one")
    assert token(manager.authorize("two")) == shared
    assert server.token_requests == 1


def test_a_chain_may_be_registered_and_a_circle_may_not(manage, server):
    manager = manage(up={})
    base = {"client-id": "id", "client-secret": SECRET}
    manager.register("down", {**base, **EXCHANGE, "subject-token": "registration:up"})
    manager.authorize("down")
    with pytest.raises(ConfigurationError, match="is a circle: down -> up -> down"):
        manager.register("up", {**base, **EXCHANGE, "subject-token": "registration:down"})


def test_a_token_got_for_another_registrations_changes_with_that_registration(manage, server):
    manager = manage(up={}, down={**EXCHANGE, "subject-token": "registration:up"})
    before = token(manager.authorize("down"))
    assert token(manager.authorize("down")) == before
    manager.register("up", {"client-id": "id", "client-secret": SECRET, "scope": "write"})
    assert token(manager.authorize("down")) != before
    up = token(manager.authorize("up"))
    assert dict(server.last_token_request.form)["subject_token"] == up


def test_errands_take_the_next_secret_too(manage, server):
    manager = manage(app={"client-secret": None, "client-secrets": ["old", SECRET]})
    manager.authorize("app")
    assert manager.introspect("app")["active"] is True
    manager.revoke("app")


def test_an_override_needs_no_login_and_goes_with_its_registration(manage, server):
    manager = manage(web=WEB, app={})
    manager.override("web", "fixed-token")
    assert manager.authorize("web").authorization == "Bearer fixed-token"
    assert manager.authorize("web", principal="alice").authorization == "Bearer fixed-token"
    for value in ("", "two\r\nlines"):
        with pytest.raises(ValueError, match="printable"):
            manager.override("app", value)
    manager.remove("web")
    assert server.requests == []


@pytest.mark.parametrize("name", ["grant_type", "client_secret", "scope"])
def test_a_call_may_not_replace_what_has_a_setting_of_its_own(manage, server, name):
    with pytest.raises(TypeError, match=f"parameters.*{name}"):
        manage(app={}).authorize("app", parameters={name: "x"})
    assert server.requests == []


def test_none_is_no_change_and_a_scope_is_read_as_in_settings(manage, server):
    manager = manage(app={"audience": "api"})
    manager.authorize("app", audience=None, scope=None, resource=None, parameters=None)
    assert dict(server.last_token_request.form)["audience"] == "api"
    manager.authorize("app", scope="read,write")
    assert dict(server.last_token_request.form)["scope"] == "read write"
    with pytest.raises(TypeError, match="option resource"):
        manager.authorize("app", resource="relative")


def test_an_unknown_option_is_found_where_it_is_written(manage):
    manager = manage(app={})
    for method in ("auth", "token_source"):
        with pytest.raises(TypeError, match="'audience'"):
            getattr(manager, method)("app", audiance="x")


def test_a_reload_keeps_the_dpop_key_that_was_made(manage, server):
    server.add_client("bound", SECRET, dpop_bound=True)
    manager = manage(app={"client-id": "bound", "dpop": True})
    before = token(manager.authorize("app"))
    manager.reload()
    assert token(manager.authorize("app")) == before
    assert server.token_requests == 1


def test_a_rotated_refresh_token_is_kept_when_its_access_token_is_of_no_use(manage, server):
    manager = manage(web=WEB)
    log_in(manager, "alice")
    server.extra_fields = {"token_type": "DPoP"}
    with pytest.raises(InvalidTokenResponseError):
        manager.authorize("web", principal="alice", force=True)
    server.extra_fields = {}
    manager.authorize("web", principal="alice", force=True)
    sent = [dict(r.form).get("refresh_token") for r in server.requests_to("token")[1:]]
    assert len(set(sent)) == len(sent) == 2


@pytest.mark.parametrize("where", ["http://plain.example.com/authorize", "file:///etc/passwd"])
def test_no_browser_is_sent_where_no_request_would_go(manage, server, where):
    server.metadata_overrides = {"authorization_endpoint": where}
    with pytest.raises(ConnectionFailedError):
        manage(web=WEB).authorization_request("web")


def test_a_callback_without_a_code_is_told(manage, server):
    manager = manage(web=WEB)
    request = manager.authorization_request("web")
    with pytest.raises(CallbackError, match="no code"):
        manager.complete(
            "web",
            f"{REDIRECT}?state={request.state}&iss={server.issuer}",
            request=request,
            principal="alice",
        )


@pytest.mark.parametrize("fields", [{"interval": -1}, {"expires_in": 0}, {"expires_in": "NaN"}])
def test_a_device_answer_out_of_reason_is_refused(manage, server, fields):
    body = {
        "device_code": "d",
        "user_code": "u",
        "verification_uri": "https://auth.example.com/go",
        "expires_in": 60,
        **fields,
    }
    server.inject(Fault(status=200, body=body), path="device_authorization")
    with pytest.raises(InvalidTokenResponseError):
        manage(device=DEVICE).device_authorization("device")


def test_what_a_server_echoes_shows_no_secret_in_any_spelling(manage, server):
    secret = "pass word+x~y" + "z" * 400
    server.add_client("odd", secret, client_authentication_methods=("client_secret_post",))

    def echo(request):
        said = f"{'x' * 150} {request.body.decode()} {secret}"
        return Fault(status=400, body={"error": "invalid_request", "error_description": said})

    server.inject(echo)
    manager = manage(
        app={
            "client-id": "odd",
            "client-secret": secret,
            "client-authentication-method": "client_secret_post",
        }
    )
    with pytest.raises(TokenEndpointError) as caught:
        manager.authorize("app")
    assert "pass" not in str(caught.value)
    assert "zzzz" not in str(vars(caught.value))
