"""A login that is kept: made by `oauthreg login`, used by programs, ended by `oauthreg logout`."""

from __future__ import annotations

import pytest

from oauthreg import AuthorizedClientManager, LoginRequiredError, SecretUnavailableError
from oauthreg._shared import codec
from oauthreg.testing import Fault


@pytest.fixture
def store(oauthreg, monkeypatch, tmp_path, login_server):
    """The settings name a store, and the user of the machine is bob."""
    monkeypatch.setenv("OAUTHREG_STORE__TYPE", "sqlite")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LOGNAME", "bob")
    return tmp_path / "state" / "oauthreg" / "tokens.db"


@pytest.fixture
def login(oauthreg, browser):
    """`login(*arguments)`: alice is at the browser."""

    def run(*arguments):
        done = oauthreg("login", "web", *arguments)
        assert browser.page.status_code == 200
        return done

    return run


def script(**options):
    """Return the token of a program that starts now."""
    with AuthorizedClientManager.from_settings() as manager:
        return manager.authorize("web", **options).access_token.token_value


def asked_for(server, grant):
    return [one for one in server.requests_to("token") if ("grant_type", grant) in one.form]


@pytest.mark.usefixtures("store")
def test_a_login_serves_scripts_under_the_name_that_it_says(login, login_settings, login_server):
    login_settings(scope="openid read")
    done = login()
    assert done.returncode == 0
    assert "Logged in as alice." in done.stderr
    assert 'authorize("web", principal="bob")' in done.stderr
    assert 'principal = "bob" in registration.web' in done.stderr
    assert script(principal="bob") == script(principal="bob")
    assert login_server.token_requests == 1
    with pytest.raises(LoginRequiredError):
        script()


@pytest.mark.usefixtures("store")
def test_with_a_principal_in_the_settings_nobody_needs_a_name(login, login_settings, oauthreg):
    login_settings(principal="me")
    assert 'from now on: authorize("web").' in login().stderr
    assert oauthreg("token", "web").stdout == f"{script()}\n"
    assert oauthreg("logout", "web").returncode == 0
    assert oauthreg("token", "web").returncode == 1


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    "change",
    [
        {"scope": "read write"},
        {"client_secret": "another"},
        {"refresh_before": 10},
        {"client_authentication_method": "client_secret_post"},
    ],
)
def test_a_login_outlives_a_change_of_the_settings(login, login_settings, login_server, change):
    login_settings(principal="me")
    assert login().returncode == 0
    if "client_secret" in change:
        login_server.change_secret("web", "another")
    login_settings(principal="me", **change)
    assert script()
    assert len(asked_for(login_server, "authorization_code")) == 1


@pytest.mark.usefixtures("store")
def test_logout_ends_the_login_here_and_at_the_server(
    login, login_settings, login_server, oauthreg
):
    login_settings()
    login("--principal", "alice")
    token = script(principal="alice")
    done = oauthreg("logout", "web", "--principal", "alice")
    assert (done.returncode, done.stdout) == (0, "")
    assert "alice is logged out of web." in done.stderr
    assert not login_server.token(token).live
    with pytest.raises(LoginRequiredError, match="the login of 'alice' has ended: by a logout"):
        script(principal="alice")
    with pytest.raises(LoginRequiredError, match="nobody has logged in as 'bob'"):
        script(principal="bob")
    assert asked_for(login_server, "refresh_token") == []
    assert login("--principal", "alice").returncode == 0
    assert script(principal="alice") != token


@pytest.mark.usefixtures("store")
def test_logout_of_nobody_is_exit_1_and_says_whom_it_looked_for(login, login_settings, oauthreg):
    login_settings()
    login("--principal", "alice")
    done = oauthreg("logout", "web")
    assert done.returncode == 1
    assert "No login of bob is kept for web" in done.stderr
    assert script(principal="alice")


@pytest.mark.usefixtures("store")
def test_logout_ends_the_login_that_the_settings_give(
    login, login_settings, login_server, oauthreg, tmp_path
):
    login_settings()
    (tmp_path / "first").write_text(login("--show-refresh-token").stdout.strip())
    login_settings(authorization_grant_type="refresh_token", refresh_token_file="first")
    token = script()
    done = oauthreg("logout", "web")
    assert done.returncode == 0
    assert "The user of the settings is logged out of web." in done.stderr
    assert not login_server.token(token).live
    with pytest.raises(LoginRequiredError):
        script()
    again = oauthreg("logout", "web")
    assert again.returncode == 1
    assert "No login of the settings is kept for web" in again.stderr


@pytest.mark.usefixtures("store")
def test_logout_removes_the_login_even_if_the_server_is_away(
    login, login_settings, login_server, oauthreg
):
    login_settings(principal="me")
    login()
    with login_server.inject(Fault(status=500), path="revocation"):
        done = oauthreg("logout", "web")
    assert done.returncode == 1
    assert "me is logged out of web here, but not at the server" in done.stderr
    with pytest.raises(LoginRequiredError):
        script()


def test_a_store_that_fails_keeps_no_login_and_ends_none(store, login, login_settings, oauthreg):
    login_settings(principal="me")
    assert login().returncode == 0
    store.write_bytes(b"noise" * 2000)
    done = login()
    assert done.returncode == 1
    assert "It was not kept: the store failed" in done.stderr
    done = oauthreg("logout", "web")
    assert done.returncode == 1
    assert "the store with its tokens is not available" in done.stderr


@pytest.mark.usefixtures("store")
def test_a_login_of_a_newer_version_is_neither_replaced_nor_ended(
    login, login_settings, oauthreg, monkeypatch, caplog
):
    login_settings(principal="me")
    login()
    with monkeypatch.context() as newer:
        newer.setattr(codec, "FORMAT", codec.FORMAT + 1)
        newer.setattr(codec, "NEEDS", "9.9.0")
        login()
    needed = "written by a newer version of oauthreg: it needs oauthreg 9.9.0"
    with pytest.raises(SecretUnavailableError, match=needed):
        script()
    done = oauthreg("logout", "web")
    assert done.returncode == 1
    assert needed in done.stderr
    assert "later" not in done.stderr
    caplog.clear()
    done = login()
    assert done.returncode == 1
    assert (
        f"a login is not kept, and ends with this process: its login in the store was {needed}"
        in (caplog.text)
    )
    assert f"It was not kept: its login in the store was {needed}" in done.stderr
    assert "from now on" not in done.stderr
    monkeypatch.setattr(codec, "FORMAT", codec.FORMAT + 1)
    assert script()


def test_without_a_store_login_says_how_to_keep_it(login, login_settings, oauthreg):
    login_settings()
    done = login()
    assert done.returncode == 0
    assert 'It ends with this command: store.type = "sqlite"' in done.stderr
    done = oauthreg("logout", "web")
    assert done.returncode == 1
    assert "No login is kept" in done.stderr


@pytest.mark.usefixtures("store")
def test_what_is_not_shared_is_not_kept_and_says_why(login, login_settings):
    login_settings(shared=False)
    assert "registration.web.shared is false" in login().stderr
    login_settings(dpop="optional")
    assert "set registration.web.dpop-key-file" in login().stderr


def test_nobody_logs_out_of_a_grant_without_users(oauthreg, settings):
    done = oauthreg("logout", "my-client")
    assert done.returncode == 2
    assert "is client_credentials, by which nobody logs in" in done.stderr


@pytest.mark.usefixtures("store")
def test_revoke_without_a_token_ends_what_the_store_keeps(login, login_settings, oauthreg):
    login_settings(principal="me")
    login()
    assert oauthreg("revoke", "web").returncode == 0
    done = oauthreg("revoke", "web")
    assert done.returncode == 1
    assert "Nothing was revoked" in done.stderr
