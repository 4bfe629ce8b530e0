"""Real web servers, which fork and patch as they please, with one manager at module level."""

from concurrent.futures import ThreadPoolExecutor

import pytest

USERS = [f"user{number}" for number in range(60)]
GUNICORN = ("--bind", "127.0.0.1:PORT", "--log-level", "warning", "--graceful-timeout", "2")
UWSGI = ("--http-socket", "127.0.0.1:PORT", "--master", "--die-on-term", "--need-app")
SERVERS = {
    "gunicorn sync": ("gunicorn", *GUNICORN, "-w", "2", "wsgi_app"),
    "gunicorn sync preload": ("gunicorn", *GUNICORN, "-w", "2", "--preload", "wsgi_app"),
    "gunicorn gthread preload": (
        *("gunicorn", *GUNICORN, "-w", "2", "-k", "gthread", "--threads", "4"),
        *("--preload", "wsgi_app"),
    ),
    "gunicorn gevent": ("gunicorn", *GUNICORN, "-k", "gevent", "wsgi_app"),
    "gunicorn gevent preload": ("gunicorn", *GUNICORN, "-k", "gevent", "--preload", "wsgi_app"),
    "uwsgi": ("uwsgi", *UWSGI, "--processes", "2", "--module", "wsgi_app"),
    "uwsgi threads": (
        *("uwsgi", *UWSGI, "--processes", "2", "--threads", "4", "--module", "wsgi_app"),
    ),
    "uwsgi lazy": (
        *("uwsgi", *UWSGI, "--processes", "2", "--enable-threads", "--lazy-apps"),
        *("--module", "wsgi_app"),
    ),
    "uvicorn": (
        "uvicorn",
        "--port",
        "PORT",
        "--workers",
        "2",
        "--log-level",
        "warning",
        "asgi_app:app",
    ),
}
GREEN = ("gunicorn gevent", "gunicorn gevent preload")


@pytest.mark.parametrize("command", SERVERS.values(), ids=SERVERS)
def test_every_user_is_given_their_own_token(serve, token_server, command):
    application = serve(*command)
    answers = application.get_all([f"/user/{user}" for user in USERS], callers=8)
    assert [answer["token"].partition(".")[0] for answer in answers] == USERS
    forced = application.get_all(["/force"] * 6, callers=2)
    assert [answer["token"].partition(".")[0] for answer in forced] == ["app"] * 6
    application.stop()


@pytest.mark.parametrize("name", GREEN)
def test_twenty_cold_users_ask_at_once_where_all_threads_are_greenlets(serve, token_server, name):
    application = serve(*SERVERS[name])
    with token_server.hold() as gate, ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(application.get, f"/user/{user}") for user in USERS[:20]]
        gate.wait_for(20)
        gate.open()
        assert [one.result()["token"].partition(".")[0] for one in answers] == USERS[:20]
    application.stop()


@pytest.mark.parametrize("name", GREEN)
def test_twenty_cold_callers_for_one_user_make_one_request(serve, token_server, name):
    application = serve(*SERVERS[name])
    token_server.reset_counters()
    with token_server.hold() as gate, ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(application.get, "/user/alice") for _ in range(20)]
        gate.wait_for(1)
        gate.open()
        assert len({one.result()["token"] for one in answers}) == 1
    assert token_server.token_requests == 1
    application.stop()


def test_both_managers_share_one_token_in_each_worker(serve, token_server):
    application = serve(*SERVERS["uvicorn"])
    answers = application.get_all(["/app", "/thread"] * 10, callers=4)
    pids = {answer["pid"] for answer in answers}
    assert len({answer["token"] for answer in answers}) == len(pids)
    application.stop()
