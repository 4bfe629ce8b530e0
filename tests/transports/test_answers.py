"""What is sent, to the byte, and what comes back."""

from __future__ import annotations

import contextlib
import gzip
import io
import logging
import zlib
from importlib.metadata import PackageNotFoundError

import httpx2
import pytest
import requests
import urllib3

from oauthreg._errors import ConnectionFailedError, InvalidTokenResponseError
from oauthreg._flow import TokenRequest
from oauthreg._registration import HttpProfile
from oauthreg._transports.message import user_agent
from oauthreg._transports.requests import RequestsTransport

SECRET = "planted-S3CRET"
MIB = 1024 * 1024


def ok(body, *fields):
    head = "".join(f"{field}\r\n" for field in (f"Content-Length: {len(body)}", *fields))
    return f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body


def ask(server, **changes):
    return TokenRequest(**{"url": server.url(), "form": (("grant_type", "x"),), **changes})


def test_a_form_is_sent_with_these_header_fields_and_no_others(send, serve):
    server = serve()
    send(ask(server, form=(("a", "1 2"), ("resource", "r1"), ("resource", "r2"))))
    head, body = server.requests[0].split(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    assert first == "POST /token HTTP/1.1"
    assert sorted(fields) == [
        "Accept-Encoding: gzip, deflate",
        "Accept: application/json",
        "Content-Length: 29",
        "Content-Type: application/x-www-form-urlencoded",
        f"Host: 127.0.0.1:{server.port}",
        f"User-Agent: {user_agent()}",
    ]
    assert body == b"a=1+2&resource=r1&resource=r2"


def test_the_header_fields_of_the_request_win_in_any_case_and_may_repeat(send, serve):
    server = serve()
    own = (("accept", "application/jwt"), ("USER-AGENT", "mine"), ("X-A", "1"), ("X-A", "\xfc"))
    send(ask(server, headers=own))
    head = server.requests[0].split(b"\r\n\r\n")[0].lower().split(b"\r\n")
    assert b"accept: application/jwt" in head
    assert b"user-agent: mine" in head
    assert [line for line in head if line.startswith(b"x-a")] == [b"x-a: 1", b"x-a: \xfc"]
    assert sum(line.startswith((b"accept:", b"user-agent:")) for line in head) == 2


def test_the_user_agent_names_the_version_where_there_is_one(monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: f"1.{len(name)}")
    assert user_agent.__wrapped__() == "oauthreg/1.8"

    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing)
    assert user_agent.__wrapped__() == "oauthreg"


def test_content_is_sent_as_it_is(send, serve):
    server = serve()
    send(ask(server, form=(), content=b'{"a":1}', headers=(("Content-Type", "application/json"),)))
    assert server.requests[0].endswith(b'\r\n\r\n{"a":1}')
    assert b"x-www-form" not in server.requests[0]


def test_a_post_without_body_says_so_and_a_get_says_nothing(send, serve):
    server = serve()
    send(ask(server, form=()))
    send(ask(server, form=(), method="GET", url=server.url("/a%20b?q=\xe9")))
    assert b"Content-Length: 0" in server.requests[0]
    assert server.requests[1].startswith(b"GET /a%20b?q=%C3%A9 HTTP/1.1\r\n")
    assert b"Content-" not in server.requests[1]


@pytest.mark.parametrize("field", [("X\r\nEvil", "evil"), ("X", "1\r\nEvil: 1"), ("X", "\u20ac")])
def test_a_field_that_http_does_not_allow_is_not_sent(send, serve, field):
    server = serve()
    with pytest.raises(ConnectionFailedError, match="nothing was sent: the header") as caught:
        send(ask(server, headers=(field,)))
    assert not caught.value.retryable
    assert field[1] not in str(caught.value)
    assert server.connections == 0


def test_names_of_the_answer_are_in_lower_case_and_repeated_ones_joined(send, serve):
    answer = send(ask(serve(ok(b"{}", "X-One: a", "x-oNe: b", "DPoP-Nonce: N"))))
    assert answer.status == 200
    assert answer.headers["x-one"] == "a, b"
    assert answer.headers["dpop-nonce"] == "N"
    assert answer.body == b"{}"


@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_redirect_is_returned_and_nothing_is_sent_to_its_target(send, serve, status):
    target = serve()
    line = f"HTTP/1.1 {status} Moved\r\nLocation: {target.url()}\r\nContent-Length: 0\r\n\r\n"
    answer = send(ask(serve(line.encode())))
    assert answer.status == status
    assert answer.headers["location"] == target.url()
    assert target.connections == 0


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nabcde",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde",
    ],
    ids=["chunked", "closing", "after 100"],
)
def test_each_framing_is_read(send, serve, answer):
    server = serve(answer)
    assert [send(ask(server)).body for _ in range(2)] == [b"abcde", b"abcde"]


def test_a_body_that_ends_with_the_connection_is_read(send, serve):
    def script(line):
        line.request()
        line.send(b"HTTP/1.0 200 OK\r\n\r\nabcde")

    assert send(ask(serve(script))).body == b"abcde"


def test_an_answer_without_body_is_read(send, serve):
    server = serve(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert [send(ask(server)).body for _ in range(2)] == [b"", b""]
    assert server.connections == 1


def deflated(body):
    worker = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return worker.compress(body) + worker.flush()


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", deflated),
        ("deflate, GZIP", lambda body: gzip.compress(zlib.compress(body))),
        ("identity", bytes),
        ("br", bytes),
    ],
)
def test_encodings_are_undone_and_unknown_ones_left(send, serve, coding, encode):
    body = b'{"access_token": "x"}'
    answer = send(ask(serve(ok(encode(body), f"Content-Encoding: {coding}"))))
    assert answer.body == body


@pytest.mark.parametrize(("count", "refused"), [(3, False), (4, True), (3000, True)])
def test_more_than_three_encodings_are_refused(send, serve, count, refused):
    body = b"{}"
    for _ in range(min(count, 4)):
        body = gzip.compress(body)
    server = serve(ok(body, f"Content-Encoding: {','.join(['gzip'] * count)}"))
    if not refused:
        assert send(ask(server)).body == b"{}"
        return
    with pytest.raises(InvalidTokenResponseError, match="more than 3 content codings") as caught:
        send(ask(server))
    assert (caught.value.status, caught.value.retryable) == (200, False)


def test_an_empty_body_needs_no_encoding(send, serve):
    assert send(ask(serve(ok(b"", "Content-Encoding: gzip")))).body == b""


@pytest.mark.parametrize(
    "body", [b"no gzip", gzip.compress(b"x" * 100, mtime=0)[:-9]], ids=["text", "cut"]
)
def test_a_broken_encoding_is_a_broken_answer(send, serve, body):
    with pytest.raises(ConnectionFailedError, match="not encoded as it says"):
        send(ask(serve(ok(body, "Content-Encoding: gzip"))))


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (b"x" * (MIB + 1), "identity"),
        (gzip.compress(b"x" * (MIB + 1)), "gzip"),
        (gzip.compress(gzip.compress(bytes(200 * MIB), 1), 1), "gzip, gzip"),
    ],
    ids=["plain", "gzip", "bomb"],
)
def test_a_body_of_more_than_a_mebibyte_is_refused(send, serve, body, coding):
    server = serve(ok(body, f"Content-Encoding: {coding}"))
    with pytest.raises(InvalidTokenResponseError, match="longer than 1 MiB") as caught:
        send(ask(server))
    assert (caught.value.status, caught.value.retryable) == (200, False)
    assert caught.value.endpoint == server.url()


def test_an_endless_body_is_refused_as_soon_as_it_is_too_long(send, serve):
    def script(line):
        line.request()
        line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            line.send(b"10000\r\n" + bytes(0x10000) + b"\r\n")

    with pytest.raises(InvalidTokenResponseError, match="longer than 1 MiB"):
        send(ask(serve(script)))


def test_a_mebibyte_is_not_too_long(send, serve):
    body = b"x" * MIB
    assert send(ask(serve(ok(body)))).body == body
    assert send(ask(serve(ok(gzip.compress(body), "Content-Encoding: gzip")))).body == body


def test_no_logger_shows_a_secret(send, serve, caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "httpx2", "httpcore2"):
        caplog.set_level(logging.DEBUG, logger=name)
    server = serve(ok(b"{}", f"Set-Cookie: a={SECRET}", f"Location: https://a/?code={SECRET}"))
    send(
        ask(
            server,
            form=(("client_secret", SECRET),),
            headers=(("Authorization", f"Basic {SECRET}"),),
        )
    )
    assert server.requests[0].count(SECRET.encode()) == 2
    assert SECRET not in caplog.text
    assert not [record for record in caplog.records if record.name.startswith("oauthreg")]


def test_a_broken_header_of_an_answer_is_not_logged(send, serve, caplog):
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{SECRET}\r\n\r\n{{}}".encode()
    server = serve(answer)
    with contextlib.suppress(ConnectionFailedError):  # h11 refuses it, http.client does not
        send(ask(server))
    assert server.requests
    assert SECRET not in caplog.text


def test_the_logs_of_others_stay_as_they_are(serve, caplog):
    caplog.set_level(logging.DEBUG, logger="httpcore2.http11")
    answer = ok(b"{}", "Set-Cookie: a=1")
    with httpx2.Client() as client:
        client.get(serve(answer).url())
    assert "Set-Cookie" in caplog.text


def test_a_test_that_answers_in_the_place_of_requests_is_believed(monkeypatch):
    def answer(_adapter, request, **_):
        assert request.body == b"grant_type=x"
        response = requests.Response()
        response.status_code, response.raw = (
            200,
            urllib3.HTTPResponse(body=io.BytesIO(b"{}"), preload_content=False),
        )
        response.headers["X-Mock"] = "yes"
        return response

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", answer)
    transport = RequestsTransport(HttpProfile())
    found = transport.send(TokenRequest(url="http://127.0.0.1:1/", form=(("grant_type", "x"),)))
    assert (found.status, found.body, found.headers["x-mock"]) == (200, b"{}", "yes")


def test_a_mock_that_knows_no_such_request_is_suspected(monkeypatch):
    def refuse(_adapter, request, **_):
        raise requests.ConnectionError(f"no mock for {request.body}")

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", refuse)
    with pytest.raises(ConnectionFailedError, match="before it was connected to") as caught:
        RequestsTransport(HttpProfile()).send(TokenRequest(url="http://127.0.0.1:1/"))
    assert "mock" in caught.value.hint
