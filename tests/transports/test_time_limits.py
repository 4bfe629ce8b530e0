"""Each time limit holds, the total whatever the server does."""

from __future__ import annotations

import time
from contextlib import contextmanager

import pytest

from oauthreg._errors import TimedOutError
from oauthreg._flow import TokenRequest

TOTAL = 0.8  # the first request of a test has to be through by then, on a busy machine too
SLACK = 2.0  # and less than a server hangs or drips
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n" + b"x" * 4000


@contextmanager
def ends_within(seconds, *said):
    started = time.monotonic()
    with pytest.raises(TimedOutError) as caught:
        yield
    assert time.monotonic() - started < seconds + SLACK
    for words in said:
        assert words in str(caught.value)
    assert caught.value.retryable


def drip_header(line):
    line.request()
    line.drip(ANSWER)


def drip_body(line):
    line.request()
    line.send(ANSWER[:60])
    line.drip(ANSWER[60:])


def drip_chunks(line):
    line.request()
    line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    line.drip(b"1\r\nx\r\n" * 1000)


@pytest.mark.parametrize("script", [drip_header, drip_body, drip_chunks])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_dripped_answer_ends_at_the_total(sender, serve, authority, script, tls):
    server = serve(script, context=authority.server_context() if tls else None)
    send = sender(total_timeout=TOTAL, ca_bundle=authority.bundle)
    send_warm(send, serve, tls, authority)
    with ends_within(TOTAL, "within 0.8 s (total timeout)", "http.default.total-timeout"):
        send(TokenRequest(url=server.url()))


def send_warm(send, serve, tls, authority):
    """Let the first use, which imports and reads the roots, not count."""
    send(TokenRequest(url=serve(context=authority.server_context() if tls else None).url()))


def test_a_dripped_answer_ends_on_a_reused_connection_too(sender, serve):
    def script(line):
        line.request()
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        drip_header(line)

    server = serve(script)
    send = sender(total_timeout=TOTAL)
    send(TokenRequest(url=server.url()))
    with ends_within(TOTAL, "(total timeout)"):
        send(TokenRequest(url=server.url()))
    assert len(server.requests) == 2
    assert server.connections == 1


def test_silence_ends_at_the_read_timeout(sender, serve):
    def script(line):
        line.request()
        line.hold()

    send = sender(read_timeout=0.1, name="slow")
    with ends_within(0.1, "sent nothing for 0.1 s (read timeout)", "http.slow.read-timeout"):
        send(TokenRequest(url=serve(script).url()))


def test_silence_after_the_header_ends_at_the_read_timeout(sender, serve):
    def script(line):
        line.request()
        line.send(ANSWER[:60])
        line.hold()

    with ends_within(0.1, "(read timeout)"):
        sender(read_timeout=0.1)(TokenRequest(url=serve(script).url()))


def test_a_connection_that_hangs_ends_at_the_connect_timeout(sender, full_listener):
    send = sender(connect_timeout=0.1)
    with ends_within(0.1, "no connection", "within 0.1 s (connect timeout)"):
        send(TokenRequest(url=f"http://127.0.0.1:{full_listener}/"))


def test_a_handshake_that_hangs_ends_at_the_connect_timeout(sender, serve, authority):
    server = serve(lambda line: line.hold())
    send = sender(connect_timeout=0.1, ca_bundle=authority.bundle)
    with ends_within(0.1, "(connect timeout)"):
        send(TokenRequest(url=server.url().replace("http", "https")))


def test_what_is_left_of_a_flight_is_a_limit_where_it_is_less_than_the_total(sender, serve):
    server = serve(drip_header)
    with ends_within(0.1, "(total timeout)"):
        sender()(TokenRequest(url=server.url()), within=0.1)
    with ends_within(0.1, "(total timeout)"):
        sender(total_timeout=0.1)(TokenRequest(url=server.url()), within=9)


def test_a_total_that_is_over_before_it_begins(sender, serve):
    server = serve()
    with ends_within(0, "(total timeout)"):
        sender(total_timeout=0)(TokenRequest(url=server.url()))
    assert server.requests == []
