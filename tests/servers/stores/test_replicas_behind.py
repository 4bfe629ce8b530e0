"""A primary that dies, and a replica that takes its place without the newest saves."""

from __future__ import annotations

import contextlib
import shutil
from types import SimpleNamespace

import databases
import pytest
import requests
from programs import run, until
from valkey_server import running as valkey_running

from oauthreg import AuthorizedClientManager
from oauthreg._shared.seal import new_key
from oauthreg.testing import AuthorizationServer

REDIRECT = "http://127.0.0.1:9/callback"
SECONDS = 60


@pytest.fixture
def stack():
    with contextlib.ExitStack() as one:
        yield one


@pytest.fixture
def valkeys(shared_valkey, stack, proxy):
    """A primary and a replica that follows it through a proxy."""
    primary = stack.enter_context(valkey_running(on_port=True))
    link = proxy(("127.0.0.1", primary.port))
    follow = ("--replicaof", f"127.0.0.1 {link.port}")
    replica = stack.enter_context(valkey_running(*follow, on_port=True))

    def caught_up():
        with primary.client() as one, replica.client() as other:
            sent, read = one.info("replication"), other.info("replication")
        up = read["master_link_status"] == "up"
        return up and read["slave_repl_offset"] >= sent["master_repl_offset"]

    def promote():
        with replica.client() as client:
            client.replicaof("NO", "ONE")

    return SimpleNamespace(
        primary=primary, replica=replica, link=link, caught_up=caught_up, promote=promote
    )


@pytest.fixture
def databases_of_two(shared_postgres, stack, proxy):
    """The same with PostgreSQL's streaming replication."""
    primary = stack.enter_context(databases.postgres(tcp=True))
    link = proxy(("127.0.0.1", primary.port))
    replica = stack.enter_context(databases.postgres(tcp=True))
    replica.kill()
    data = replica.place / "data"
    shutil.rmtree(data)
    backup = [str(databases.binaries() / "pg_basebackup"), "-D", str(data), "-U", databases.SUPER]
    run([*backup, "-h", str(primary.place), "-p", str(primary.port)], **replica.how)
    (data / "standby.signal").touch()
    follow = f"primary_conninfo=host=127.0.0.1 port={link.port} user={databases.SUPER}"
    replica.command += ["-c", follow]
    replica.start()

    def caught_up():
        with primary.connect() as one, replica.connect() as other:
            (sent,) = one.execute("SELECT pg_current_wal_lsn()").fetchone()
            asked = other.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", (sent,))
            return asked.fetchone() == (True,)

    def promote():
        with replica.connect() as connection:
            connection.execute("SELECT pg_promote()")

    return SimpleNamespace(
        primary=primary, replica=replica, link=link, caught_up=caught_up, promote=promote
    )


@pytest.fixture(params=["valkeys", "databases_of_two"])
def pair(request, proxy):
    """A primary, its replica, and what leads to one of them."""
    pair = request.getfixturevalue(request.param)
    pair.front = proxy(("127.0.0.1", pair.primary.port))
    scheme, where = ("redis", "0") if request.param == "valkeys" else ("sql", databases.SUPER)
    begin = "redis://" if scheme == "redis" else f"postgresql://{databases.SUPER}@"
    pair.store = {
        "type": scheme,
        "url": f"{begin}127.0.0.1:{pair.front.port}/{where}",
        "keys": [new_key()],
    }
    return pair


def fail_over(pair):
    """Put the replica in the primary's place."""
    pair.front.cut_off()
    pair.primary.kill()
    pair.promote()
    pair.front.target = ("127.0.0.1", pair.replica.port)
    pair.front.cut = False


@pytest.fixture
def server():
    with AuthorizationServer() as server:
        grants = ("authorization_code", "refresh_token", "client_credentials")
        server.add_client("web", "secret", grants=grants, redirect_uris=(REDIRECT,))
        server.add_user("alice", "her-password")
        yield server


@pytest.fixture
def manager(pair, server, stack):
    """`manager()`: one of another process."""
    client = {"client-id": "web", "client-secret": "secret", "provider": "as"}
    web = {"authorization-grant-type": "authorization_code", "redirect-uri": REDIRECT}
    settings = {
        "registration": {"web": {**client, **web}, "app": client},
        "provider": {
            "as": {
                "token-uri": server.token_uri,
                "authorization-uri": server.authorization_uri,
                "issuer-uri": server.issuer,
            }
        },
        "store": pair.store,
    }
    return lambda: stack.enter_context(AuthorizedClientManager.from_settings(settings))


def log_in(manager):
    request = manager.authorization_request("web")
    answer = requests.get(request.url, allow_redirects=False, timeout=5)
    manager.complete("web", answer.headers["Location"], request=request, principal="alice")


def renewed(manager, name="web", **options):
    return manager.authorize(name, force=True, timeout=SECONDS, **options).access_token.token_value


def sent_refresh_tokens(server):
    forms = [dict(one.form) for one in server.requests_to("token")]
    return [form["refresh_token"] for form in forms if "refresh_token" in form]


def test_who_saw_the_newer_login_goes_on_with_it_and_puts_it_back(pair, manager, server):
    first = manager()
    log_in(first)
    until(pair.caught_up, "the replica follows")
    pair.link.cut_off()
    renewed(first, principal="alice")
    fail_over(pair)
    renewed(first, principal="alice")
    sent = sent_refresh_tokens(server)
    assert len(sent) == len(set(sent)) == 2, "the older refresh token is not sent again"
    assert renewed(manager(), principal="alice"), "others find the newer login"
    sent = sent_refresh_tokens(server)
    assert len(sent) == len(set(sent)) == 3


def test_an_access_token_that_was_lost_is_fetched_once_more(pair, manager, server):
    first = manager()
    renewed(first, "app")
    until(pair.caught_up, "the replica follows")
    pair.link.cut_off()
    newer = renewed(first, "app")
    fail_over(pair)
    assert first.authorize("app").access_token.token_value == newer
    renewed(first, "app")
    before = server.token_requests
    other = manager().authorize("app", timeout=SECONDS).access_token.token_value
    assert other == first.authorize("app").access_token.token_value
    assert server.token_requests == before
