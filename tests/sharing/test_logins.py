"""Logins in a store: made in one process, used in another, renewed once."""

from __future__ import annotations

import threading

import pytest

from oauthreg._errors import LoginRequiredError, SecretUnavailableError, TokenEndpointError
from oauthreg.testing import Fault


def refresh_tokens(server):
    """The refresh tokens that were sent, in order."""
    forms = [dict(request.form) for request in server.requests_to("token")]
    return [form["refresh_token"] for form in forms if "refresh_token" in form]


def test_a_login_serves_the_processes_that_come_after_it(web, log_in, server, time_):
    token = log_in(web()).access_token.token_value
    assert web().token(principal="alice") == token
    time_.advance(291)
    renewed = web().token(principal="alice")
    assert renewed != token
    assert web().token(principal="alice") == renewed
    assert len(refresh_tokens(server)) == 1


def test_a_login_outlives_a_change_of_scope_secret_and_lifetime(web, log_in, server):
    log_in(web())
    server.change_secret("app", "another")
    changed = {"scope": "read write", "client-secret": "another", "refresh-before": 10}
    assert web(changed).token(principal="alice")


def test_users_are_kept_apart(web, log_in, server):
    log_in(web(), "alice")
    assert isinstance(web().failure(principal="bob"), LoginRequiredError)


def test_a_refresh_token_is_used_once_by_all(web, log_in, server, time_):
    log_in(web())
    time_.advance(291)
    processes = [web() for _ in range(4)]
    with server.hold() as gate:
        calls = [one.start(principal="alice") for one in processes]
        gate.wait_for(1)
    assert len({call() for call in calls}) == 1
    sent = refresh_tokens(server)
    assert len(sent) == len(set(sent)) == 1


def test_each_renewal_sends_the_token_of_the_last_answer(web, log_in, server, time_):
    log_in(web())
    for _ in range(4):
        time_.advance(291)
        assert web().token(principal="alice")
    sent = refresh_tokens(server)
    assert len(sent) == len(set(sent)) == 4


def test_the_settings_refresh_token_is_one_chain_for_all(process, server, log_in, web, time_):
    first = log_in(web()).refresh_token.token_value
    job = {"authorization-grant-type": "refresh_token", "refresh-token": first}
    assert process(job).token()
    time_.advance(291)
    one = process(job)
    assert one.token()
    assert one.token(audience="other")
    sent = refresh_tokens(server)
    assert len(sent) == len(set(sent)) == 3
    assert sent[0] == first
    assert "RefreshTokenNotKept" not in one.seen()


def test_revoke_logs_out_everywhere(web, log_in, server):
    log_in(web())
    other = web()
    assert other.token(principal="alice")
    web().do("revoke", "app", principal="alice")
    assert isinstance(web().failure(principal="alice"), LoginRequiredError)


def test_revoke_without_a_login_ends_the_shared_token(process, server):
    token = process({}, provider={"issuer-uri": server.issuer}).token()
    process({}, provider={"issuer-uri": server.issuer}).do("revoke", "app")
    assert not server.token(token).live
    assert process({}, provider={"issuer-uri": server.issuer}).token() != token


def test_who_cannot_tell_the_store_does_not_revoke_in_silence(web, log_in, server, tmp_path):
    one = web()
    log_in(one)
    (tmp_path / "tokens.db").rename(tmp_path / "elsewhere")
    (tmp_path / "tokens.db").mkdir()
    with pytest.raises(SecretUnavailableError, match="the store with its tokens is not available"):
        one.do("revoke", "app", principal="alice")


def test_invalidate_and_reload_keep_the_login(web, log_in, server):
    log_in(web())
    one = web()
    one.token(principal="alice")
    one.do("invalidate", "app")
    one.do("reload")
    assert one.token(principal="alice")
    assert len(refresh_tokens(server)) == 1


def test_a_refused_refresh_token_ends_the_login_for_all(web, log_in, server, time_):
    log_in(web())
    server.revoke_all()
    time_.advance(291)
    assert isinstance(web().failure(principal="alice"), TokenEndpointError)
    assert isinstance(web().failure(principal="alice"), LoginRequiredError)
    assert len(refresh_tokens(server)) == 1


@pytest.mark.parametrize("status", [500, 503, 401])
def test_a_refresh_token_that_was_not_used_up_is_sent_again(web, log_in, server, time_, status):
    log_in(web())
    time_.advance(291)
    with server.inject(Fault(status=status)):
        for _ in range(4):
            web().failure(principal="alice")
            time_.advance(40)
    assert web().token(principal="alice")


def test_a_refresh_token_whose_answer_was_lost_is_sent_once_more(web, log_in, server, time_):
    log_in(web())
    time_.advance(291)
    with server.inject(Fault(drop="before")):
        web().failure(principal="alice")
        time_.advance(20)
        web().failure(principal="alice")
        time_.advance(20)
        error = web().failure(principal="alice")
    assert isinstance(error, LoginRequiredError)
    assert "sent twice without an answer" in str(error)
    assert len(refresh_tokens(server)) == 2


def test_a_refusal_after_a_lost_answer_says_what_happened(web, log_in, server, time_):
    log_in(web())
    time_.advance(291)
    with server.inject(Fault(drop="headers")):
        web().failure(principal="alice")
    time_.advance(20)
    error = web().failure(principal="alice")
    assert isinstance(error, LoginRequiredError)
    assert "an earlier renewal ended after its refresh token was sent" in str(error)


def test_nothing_was_sent_to_a_server_that_is_down(web, log_in, server, time_):
    log_in(web())
    time_.advance(291)
    server.stop()
    try:
        for _ in range(4):
            web().failure(principal="alice")
            time_.advance(40)
    finally:
        server.start()
    assert web().token(principal="alice")


def test_a_login_in_the_store_is_not_used_without_it(web, log_in, server, time_, tmp_path):
    one = web()
    token = log_in(one).access_token.token_value
    broken = tmp_path / "tokens.db"
    broken.rename(tmp_path / "elsewhere")
    broken.mkdir()
    assert one.token(principal="alice") == token
    time_.advance(291)
    error = one.failure(principal="alice")
    assert isinstance(error, SecretUnavailableError)
    assert error.retryable
    assert "store" in str(error)
    assert refresh_tokens(server) == []


def test_a_user_of_the_registration_needs_no_name(web, log_in, server):
    named = {"principal": "me"}
    log_in(web(named), "me")
    assert web(named).token()


def test_many_threads_of_many_processes_use_one_refresh_token(web, log_in, server, time_):
    log_in(web())
    time_.advance(291)
    processes = [web() for _ in range(3)]
    results = []

    def work(one, number):
        results.append(one.token(principal="alice", audience=str(number % 2)))

    threads = [
        threading.Thread(target=work, args=(one, number))
        for one in processes
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(results) == 12
    sent = refresh_tokens(server)
    assert len(sent) == len(set(sent))


def test_a_logout_ends_the_access_tokens_of_every_scope(web, log_in, server):
    log_in(web())
    wide = {"scope": "read write"}
    token = web(wide).token(principal="alice")
    assert web(wide).token(principal="alice") == token
    web().do("revoke", "app", principal="alice")
    assert isinstance(web(wide).failure(principal="alice"), LoginRequiredError)


def test_a_new_login_replaces_the_access_tokens_of_every_scope(web, log_in, server):
    log_in(web(), "me")
    wide = {"scope": "read write"}
    old = web(wide).token(principal="me")
    log_in(web(), "me")
    new = web(wide).token(principal="me")
    assert new != old
    assert web(wide).token(principal="me") == new


def test_another_refresh_token_in_the_settings_file_is_another_login(
    process, web, log_in, server, tmp_path
):
    file = tmp_path / "refresh-token"
    job = {"authorization-grant-type": "refresh_token", "refresh-token-file": str(file)}
    file.write_text(log_in(web(), "alice").refresh_token.token_value)
    file.chmod(0o600)
    old = process(job).token()
    assert process(job).token() == old
    file.write_text(log_in(web(), "bob").refresh_token.token_value)
    new = process(job).token()
    assert new != old
    assert process(job).token() == new
