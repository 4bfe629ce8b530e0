"""A token goes to loopback in the clear: past no proxy, and to no `localhost` elsewhere."""

from __future__ import annotations

import asyncio
import socket
from functools import partial, partialmethod

import aiohttp
import httpx
import httpx2
import pytest
import requests

import oauthreg.auth.aiohttp
import oauthreg.auth.httpx
import oauthreg.auth.httpx2
from oauthreg import AsyncAuthorizedClientManager, AuthorizedClientManager, UrlNotAllowedError
from oauthreg.auth import _netrc

HTTPX = ["httpx", "httpx-async", "httpx2", "httpx2-async"]
ELSEWHERE = "::ffff:127.0.0.1"  # no loopback by the rule, but the test's server answers there


@pytest.fixture
def proxy(other, monkeypatch):
    """A proxy that the environment names for plain http."""
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, other.base_uri)
    return other


@pytest.fixture
def localhost(monkeypatch):
    """Decide what `localhost` resolves to, one look-up after the other."""
    real = socket.getaddrinfo

    def resolve_to(*answers):
        left = list(answers)

        def getaddrinfo(host, port, *args, **options):
            if host not in {"localhost", b"localhost"}:
                return real(host, port, *args, **options)
            ip = left.pop(0) if len(left) > 1 else left[0]
            if ip is None:
                raise socket.gaierror(socket.EAI_NONAME, "no such name")
            kind = socket.AF_INET6 if ":" in ip else socket.AF_INET
            address = (ip, port, 0, 0) if ":" in ip else (ip, port)
            return [(kind, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return resolve_to


def by_name(server):
    return server.api_uri.replace("127.0.0.1", "localhost")


def test_no_adapter_sends_a_token_through_a_proxy_in_the_clear(caller, server, proxy):
    made = caller(trust_env=True)
    with pytest.raises(UrlNotAllowedError, match="through a proxy") as caught:
        made.call("GET", server.api_uri)
    assert "no_proxy" in caught.value.hint
    assert proxy.requests == []
    assert server.requests_to("api") == []


def test_no_proxy_lets_a_token_go_to_loopback(caller, server, proxy, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert caller(trust_env=True).call("GET", server.api_uri).status == 200
    assert proxy.requests == []


def test_no_redirect_leads_a_token_through_a_proxy(caller, server, proxy, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    named = by_name(server)
    made = caller(trust_env=True, urls=[server.api_uri, named])
    with pytest.raises(UrlNotAllowedError, match="through a proxy"):
        made.call("GET", f"{server.api_uri}/redirect?to={named}")
    assert proxy.requests == []
    assert server.api_requests == 1


def test_a_listed_address_elsewhere_may_be_behind_a_proxy(caller, proxy, tokens_seen):
    made = caller(trust_env=True, urls=["http://api.internal.example"])
    made.call("GET", "http://api.internal.example/x")
    assert "Bearer" in proxy.requests[-1].headers["Authorization"]


def test_localhost_may_be_loopback(caller, server, localhost):
    localhost("127.0.0.1")
    made = caller()
    assert [made.call("GET", by_name(server)).status for _ in range(2)] == [200, 200]


def test_a_localhost_elsewhere_gets_no_token(caller, server, localhost):
    localhost(ELSEWHERE)
    made = caller()
    with pytest.raises(UrlNotAllowedError, match=r"here localhost is ::ffff:127\.0\.0\.1"):
        made.call("GET", by_name(server))
    assert server.requests_to("api") == []


def test_a_redirect_to_a_localhost_elsewhere_gets_no_token(caller, server, localhost):
    localhost(ELSEWHERE)
    made = caller(urls=[server.api_uri, by_name(server)])
    with pytest.raises(UrlNotAllowedError, match="which is not loopback"):
        made.call("GET", f"{server.api_uri}/redirect?to={by_name(server)}")
    assert server.api_requests == 1


def test_a_localhost_that_nobody_knows_is_the_librarys_error(caller, server, localhost):
    localhost(None)
    with pytest.raises(Exception, match=r"(?i)localhost|no such name|resolve") as caught:
        caller().call("GET", by_name(server))
    assert not isinstance(caught.value, UrlNotAllowedError)


@pytest.fixture
def session(settings):
    with (
        AuthorizedClientManager.from_settings(settings()) as manager,
        manager.session("my-client") as session,
    ):
        yield session


def in_client(settings, work):
    """Do some work with an authorized httpx2 client."""

    async def run():
        async with (
            AsyncAuthorizedClientManager.from_settings(settings) as manager,
            manager.client("my-client") as client,
        ):
            return await work(client)

    return asyncio.run(run())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2", "[::1]"])
def test_a_session_needs_no_proxy_for_loopback(session, proxy, host):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://{host}:{unused.getsockname()[1]}/x"
        with pytest.raises(OSError, match="refused"):
            session.get(url, timeout=5, proxies={"http": proxy.base_uri})
    assert proxy.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2", "[::1]"])
def test_a_client_needs_no_proxy_for_loopback(settings, proxy, host):
    async def work(client):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            await client.get(f"http://{host}:{unused.getsockname()[1]}/x")

    with pytest.raises(Exception, match="connection attempts failed"):
        in_client(settings(), work)
    assert proxy.requests == []


def test_a_session_and_a_client_reach_loopback_past_a_proxy(session, settings, server, proxy):
    async def work(client):
        return (await client.get(server.api_uri)).status_code

    assert session.get(server.api_uri, timeout=5).status_code == 200
    assert in_client(settings(), work) == 200
    assert proxy.requests == []


def test_a_session_checks_where_localhost_is_connected(session, server, localhost):
    localhost("127.0.0.1", ELSEWHERE)
    with pytest.raises(UrlNotAllowedError, match="not loopback"):
        session.get(by_name(server), timeout=5)
    assert server.requests_to("api") == []
    localhost("127.0.0.1")
    assert session.get(by_name(server), timeout=5).status_code == 200
    assert session.get(server.api_uri, timeout=5).status_code == 200


@pytest.mark.parametrize("library", HTTPX, indirect=True)
def test_httpx_checks_every_new_connection_to_localhost(caller, server, localhost):
    made = caller()
    localhost(ELSEWHERE)
    with pytest.raises(UrlNotAllowedError):
        made.call("GET", by_name(server))
    localhost("127.0.0.1")
    assert made.call("GET", by_name(server)).status == 200


def test_aiohttp_may_reach_localhost_by_a_local_socket(settings, tmp_path):
    path = str(tmp_path / "api.sock")

    async def answer(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        status = b"200 OK" if b"\r\nAuthorization: Bearer " in head else b"400 Bad"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async def work():
        async with (
            await asyncio.start_unix_server(answer, path),
            AsyncAuthorizedClientManager.from_settings(settings()) as manager,
            aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(path),
                middlewares=[oauthreg.auth.aiohttp.middleware(manager, "my-client")],
            ) as session,
            session.get("http://localhost/x") as response,
        ):
            return response.status

    assert asyncio.run(work()) == 200


@pytest.mark.parametrize("library", ["requests"], indirect=True)
def test_a_socks_proxy_of_the_environment_is_a_proxy(caller, server, proxy, monkeypatch):
    monkeypatch.delenv("http_proxy")
    monkeypatch.delenv("HTTP_PROXY")
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:1")
    with pytest.raises(UrlNotAllowedError, match="through a proxy"):
        caller(trust_env=True).call("GET", server.api_uri)


@pytest.mark.parametrize("library", ["requests"], indirect=True)
@pytest.mark.parametrize("of", ["session", "call", "prepared"])
def test_a_proxy_of_a_session_or_call_gets_no_token_for_loopback(
    caller, server, other, of, monkeypatch
):
    real = requests.Session.send
    traced = partialmethod(real)  # as tracing libraries wrap it
    monkeypatch.setattr(requests.Session, "send", traced)
    session, proxies = caller().session, {"http": other.base_uri}
    send = partial(session.get, server.api_uri, timeout=5)
    if of == "session":
        session.proxies = proxies
    elif of == "call":
        send = partial(send, proxies=proxies)
    else:
        prepared = session.prepare_request(requests.Request("GET", server.api_uri))
        send = partial(session.send, prepared, timeout=5, proxies=proxies)
    with pytest.raises(UrlNotAllowedError, match="through a proxy"):
        send()
    assert other.requests == server.requests_to("api") == []


@pytest.mark.parametrize("library", ["requests"], indirect=True)
def test_a_redirect_leads_no_token_through_a_sessions_proxy(caller, server, other):
    made = caller(urls=[server.api_uri, by_name(server)])
    made.session.proxies = {"http://localhost": other.base_uri}
    with pytest.raises(UrlNotAllowedError, match="through a proxy"):
        made.call("GET", f"{server.api_uri}/redirect?to={by_name(server)}")
    assert other.requests == []


@pytest.mark.parametrize("library", ["requests"], indirect=True)
def test_a_callers_own_header_may_go_through_a_sessions_proxy(caller, server, other):
    made = caller()
    made.session.proxies = {"http": other.base_uri}
    made.call("GET", server.api_uri, headers={"Authorization": "Basic mine"})
    assert other.requests[-1].headers["Authorization"] == "Basic mine"


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_proxy_of_an_httpx_client_gets_no_token_for_loopback(library, settings, server, other):
    adapter = oauthreg.auth.httpx if library is httpx else oauthreg.auth.httpx2
    with (
        AuthorizedClientManager.from_settings(settings()) as manager,
        library.Client(proxy=other.base_uri, auth=adapter.Auth(manager, "my-client")) as client,
        pytest.raises(UrlNotAllowedError, match="through a proxy"),
    ):
        client.get(server.api_uri)
    assert other.requests == []


@pytest.mark.parametrize("of", ["session", "call"])
def test_a_proxy_of_an_aiohttp_session_gets_no_token_for_loopback(settings, server, other, of):
    async def work():
        options = {"proxy": other.base_uri} if of == "session" else {}
        async with (
            AsyncAuthorizedClientManager.from_settings(settings()) as manager,
            aiohttp.ClientSession(
                middlewares=[oauthreg.auth.aiohttp.middleware(manager, "my-client")], **options
            ) as session,
            session.get(server.api_uri, **({} if options else {"proxy": other.base_uri})),
        ):
            pass

    with pytest.raises(UrlNotAllowedError, match="through a proxy"):
        asyncio.run(work())
    assert other.requests == []


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_socks_proxy_of_an_httpx_client_gets_no_token_for_loopback(library, settings, server):
    class Socks(library.BaseTransport):
        """Reports what httpx's own transport does with a SOCKS proxy."""

        def handle_request(self, request):
            if trace := request.extensions.get("trace"):
                trace("socks.connect_tcp.started", {"host": "proxy.example", "port": 1080})
            return library.Response(200)

    adapter = oauthreg.auth.httpx if library is httpx else oauthreg.auth.httpx2
    with (
        AuthorizedClientManager.from_settings(settings()) as manager,
        library.Client(transport=Socks(), auth=adapter.Auth(manager, "my-client")) as client,
    ):
        with pytest.raises(UrlNotAllowedError, match="through a proxy"):
            client.get(server.api_uri)
        assert client.get("https://api.example.com").status_code == 200


def test_a_session_leaves_other_schemes_to_requests(session):
    prepared = requests.Request("GET", "ftp://127.0.0.1/x").prepare()
    with pytest.raises(requests.exceptions.InvalidSchema):
        session.send(prepared, timeout=5)


NETRC = "machine 127.0.0.1 login me password planted-password\n"


@pytest.fixture
def netrc(monkeypatch, tmp_path):
    path = tmp_path / "netrc"
    path.write_text(NETRC)
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))


@pytest.mark.parametrize("urls", [[], ["http://127.0.0.1:{port}"]])
def test_netrc_never_replaces_the_token(caller, server, netrc, tokens_seen, urls):
    listed = [text.format(port=server.port) for text in urls]
    made = caller(trust_env=True, urls=listed)
    token = made.authorize().authorization
    assert made.call("GET", f"{server.api_uri}/redirect?to={server.api_uri}").status == 200
    assert tokens_seen(server) == [token, token]


def test_netrc_never_replaces_a_renewed_token(caller, server, netrc, tokens_seen):
    made = caller(trust_env=True)
    made.authorize()
    server.revoke_all()
    assert made.call("GET", f"{server.api_uri}/redirect?to={server.api_uri}").status == 200
    assert all(token.startswith("Bearer ") for token in tokens_seen(server))


def test_the_callers_own_header_is_not_taken_for_netrcs(
    caller, library, server, netrc, tokens_seen
):
    made = caller(trust_env=library != "aiohttp")  # which refuses both at once
    made.call("GET", server.api_uri, headers={"Authorization": "Basic mine"})
    assert tokens_seen(server) == ["Basic mine"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_aiohttp_tells_the_callers_credentials_from_netrcs(
    settings, server, netrc, tokens_seen, monkeypatch
):
    async def work(login, *, trust_env=True):
        async with (
            AsyncAuthorizedClientManager.from_settings(settings()) as manager,
            aiohttp.ClientSession(trust_env=trust_env) as session,
            session.get(
                server.api_uri,
                auth=login,
                middlewares=[oauthreg.auth.aiohttp.middleware(manager, "my-client")],
            ) as answer,
        ):
            return answer.status

    assert asyncio.run(work(aiohttp.BasicAuth("another", "password"))) == 401
    mine = aiohttp.BasicAuth("me", "planted-password")
    assert asyncio.run(work(mine, trust_env=False)) == 401
    monkeypatch.setenv("NETRC", "/nonexistent")
    assert asyncio.run(work(mine)) == 401
    assert asyncio.run(work(None)) == 200
    assert [token.split()[0] for token in tokens_seen(server)] == ["Basic"] * 3 + ["Bearer"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("machine a.example login me password pw", "Basic bWU6cHc="),
        ("machine a.example account us password pw", "Basic dXM6cHc="),
        ("default login me password pw", "Basic bWU6cHc="),
        ("machine b.example login me password pw", None),
        ("machine a.example login \u20ac password pw", None),
        ("what is this", None),
    ],
)
def test_what_netrc_says_of_a_host(monkeypatch, tmp_path, text, expected):
    (tmp_path / ".netrc").write_text(text, "utf-8")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.delenv("NETRC", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _netrc.authorization("a.example") == expected
