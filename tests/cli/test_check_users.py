"""`oauthreg check`: of grants of users and callers, what can be known without spending anything."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from oauthreg import AuthorizedClientManager
from oauthreg._settings import usable

SECRET = "s3cret-of-the-cli"
CLIENT = f'client-id = "my-client"\nclient-secret = "{SECRET}"\n'


def steps(result):
    return {step["name"]: step for step in result["steps"]}


def outcomes(result):
    return {step["name"]: step["outcome"] for step in result["steps"]}


def registration(name, provider, more="", client=CLIENT):
    return f'[registration.{name}]\nprovider = "{provider}"\n{client}{more}\n'


def provider(name, server):
    return f'[provider.{name}]\nissuer-uri = "{server.issuer}"\n'


def test_of_a_users_grant_nothing_is_spent(found, server, login_settings):
    login_settings()
    results, code = found()
    assert (code, server.token_requests, server.metadata_requests) == (0, 0, 1)
    assert outcomes(results["web"])["login"] == "skipped"


def test_a_refresh_token_of_the_settings_is_spent_only_by_renew(
    found, oauthreg, login_server, login_settings, tmp_path
):
    login_settings()
    login_server.add_user("alice", "secret of alice")
    (tmp_path / "refresh.secret").write_text("a-refresh-token")
    login_settings(authorization_grant_type="refresh_token", refresh_token_file="refresh.secret")
    results, code = found()
    assert (code, login_server.token_requests) == (0, 0)
    assert "refresh.secret" in steps(results["web"])["login"]["seen"]
    results, code = found("--renew")
    assert (code, login_server.token_requests) == (1, 1)
    assert "invalid_grant" in steps(results["web"])["token"]["seen"]


def test_a_password_is_sent_only_where_that_is_asked_for(found, server, write):
    server.add_client("my-client", SECRET, grants=("password",))
    server.add_user("alice", "password of alice")
    more = 'authorization-grant-type = "password"\nallow-insecure-grants = true\n'
    more += 'username = "alice"\npassword = "password of alice"'
    write(registration("legacy", "company", more), provider("company", server))
    results, code = found()
    assert (code, server.token_requests) == (0, 0)
    assert outcomes(results["legacy"])["login"] == "skipped"
    results, code = found("--password-grants")
    assert (code, server.token_requests) == (0, 1)
    assert outcomes(results["legacy"])["token"] == "ok"


def test_an_exchange_uses_the_token_of_the_check_that_it_needs(found, server, write):
    server.add_client(
        "my-client",
        SECRET,
        grants=("client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"),
    )
    more = 'authorization-grant-type = "token-exchange"\n'
    write(
        registration("second", "company", f'{more}subject-token = "registration:first"'),
        registration("incoming", "company", more),
        registration("first", "company"),
        provider("company", server),
    )
    results, code = found()
    assert (code, [*results]) == (0, ["second", "incoming", "first"])
    assert server.token_requests == 2
    assert outcomes(results["second"])["token"] == "ok"
    assert outcomes(results["incoming"])["login"] == "skipped"
    server.change_secret("my-client", "another")
    results, _ = found()
    assert server.token_requests == 3
    assert "the check of first" in steps(results["second"])["token"]["seen"]


def test_a_login_is_looked_up_in_the_store(found, login_server, login_settings, tmp_path):
    (tmp_path / "state").mkdir(0o700)
    login_settings()
    path = tmp_path / "settings.toml"
    with path.open("a") as file:
        file.write('\n[store]\ntype = "sqlite"\npath = "state/tokens.db"\n')
    results, code = found()
    assert (code, outcomes(results["web"])["login"]) == (0, "skipped")
    results, code = found("--principal", "alice")
    step = steps(results["web"])["login"]
    assert (code, step["outcome"]) == (1, "failed")
    assert "oauthreg login web --principal alice" in step["remedy"]
    by_device = {"registration": {"web": {"authorization-grant-type": "device_code"}}}
    with AuthorizedClientManager.from_settings(path, arguments=by_device) as manager:
        began = manager.device_authorization("web")
        login_server.approve_device(began.user_code)
        manager.poll("web", began, principal="alice")
    asked = login_server.token_requests
    results, code = found("--principal", "alice")
    assert (code, outcomes(results["web"])["login"]) == (0, "ok")
    assert login_server.token_requests == asked
    results, code = found("--principal", "alice", "--renew")
    assert (code, login_server.token_requests) == (0, asked + 1)


def test_a_refused_assertion_is_not_tried_with_another_audience(found, server, write, tmp_path):
    key = generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    client = 'client-id = "my-client"\nprivate-key-file = "key.pem"\n'
    method = 'client-authentication-method = "private_key_jwt"\n'
    write(registration("one", "company", method, client=client), provider("company", server))
    results, code = found()
    assert (code, server.token_requests) == (1, 1)
    assert "assertion-audience" in steps(results["one"])["token"]["remedy"]


def test_implicit_is_left_to_the_browser(found, server, login_settings):
    login_settings(
        authorization_grant_type="implicit",
        allow_insecure_grants=True,
        redirect_uri="https://app.example/cb",
    )
    results, code = found("--renew")
    assert (code, server.token_requests) == (0, 0)
    assert outcomes(results["web"])["login"] == "skipped"


def test_a_refresh_token_that_is_gone_since_the_settings_were_read_is_found(
    found, login_settings, tmp_path, monkeypatch
):
    path = tmp_path / "refresh.secret"
    path.write_text("a-refresh-token")
    login_settings(authorization_grant_type="refresh_token", refresh_token_file="refresh.secret")
    load = usable.load_usable

    def loaded_and_removed(*arguments, **options):
        found_now = load(*arguments, **options)
        path.unlink()
        return found_now

    monkeypatch.setattr(usable, "load_usable", loaded_and_removed)
    results, code = found()
    assert (code, outcomes(results["web"])["login"]) == (1, "failed")


def test_a_store_that_cannot_be_asked_is_named(found, login_server, login_settings, tmp_path):
    login_settings()
    with (tmp_path / "settings.toml").open("a") as file:
        file.write('\n[store]\ntype = "redis"\nurl = "redis://127.0.0.1:1"\nencryption = "off"\n')
    results, code = found("--principal", "alice")
    step = steps(results["web"])["login"]
    assert (code, step["outcome"]) == (1, "failed")
    assert "oauthreg store status" in step["remedy"]
