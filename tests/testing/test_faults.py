from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from oauthreg.testing import AuthorizationServer, Fault

GET_METADATA = b"GET /.well-known/openid-configuration HTTP/1.1\r\nHost: x\r\n\r\n"


def raw(server, request=GET_METADATA):
    """Everything that comes back on a fresh connection, until the server closes it."""
    with socket.create_connection((server.host, server.port), timeout=5) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(65536), b""))


# Answers


@pytest.mark.parametrize(
    ("fault", "status", "headers", "body"),
    [
        (Fault(status=503), 503, {"Content-Length": "0"}, b""),
        (Fault(body={"error": "x"}), 200, {"Content-Type": "application/json"}, b'{"error": "x"}'),
        (Fault(body=[]), 200, {"Content-Type": "application/json"}, b"[]"),
        (Fault(body="", status=403), 403, {"Content-Length": "0"}, b""),
        (Fault(body="é"), 200, {"Content-Type": "text/plain; charset=utf-8"}, "é".encode()),
        (
            Fault(body=b"<html>", content_type="text/html"),
            200,
            {"Content-Type": "text/html"},
            b"<html>",
        ),
        (Fault(status=429, retry_after=30), 429, {"Retry-After": "30"}, b""),
        (
            Fault(status=503, retry_after="Fri, 13 Nov 2026 00:00:00 GMT"),
            503,
            {"Retry-After": "Fri, 13 Nov 2026 00:00:00 GMT"},
            b"",
        ),
        (Fault(redirect_to="https://a.test/"), 307, {"Location": "https://a.test/"}, b""),
        (Fault(status=302, redirect_to="/x"), 302, {"Location": "/x"}, b""),
        (Fault(status=204), 204, {}, b""),
    ],
)
def test_a_fault_is_the_whole_answer(server, ask, *, fault, status, headers, body):
    server.inject(fault)
    answer = ask()
    assert (answer.status_code, answer.content) == (status, body)
    assert headers.items() <= answer.headers.items()
    assert server.token_requests == 1
    assert not server.tokens
    server.heal()
    assert ask().ok


def test_a_fault_may_dress_the_real_answer(server, ask):
    server.inject(
        Fault(headers={"DPoP-Nonce": "n1", "cache-control": "public"}, content_type="text/html")
    )
    answer = ask()
    assert answer.json()["access_token"]
    assert answer.headers["DPoP-Nonce"] == "n1"
    assert answer.headers["Cache-Control"] == "public"
    assert answer.headers["Content-Type"] == "text/html"
    server.inject(Fault(headers=[("X", "1"), ("X", "2")]))
    assert ask().headers["X"] == "1, 2"


def test_an_answer_may_lie_about_its_length(server):
    server.inject(
        Fault(headers={"Content-Length": "5", "Connection": "close"}, drop="body"), path="*"
    )
    assert b"Content-Length: 5\r\n" in raw(server)


def test_an_oversized_answer_stays_valid(server, ask):
    server.inject(Fault(oversized=2_000_000))
    answer = ask()
    assert len(answer.content) == 2_000_000
    assert answer.json()["access_token"]


# Time


def test_a_delay(server, ask):
    server.inject(Fault(delay=0.05))
    begun = time.monotonic()
    assert ask().ok
    assert time.monotonic() - begun >= 0.05


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_dripping_answer(server, part):
    server.inject(Fault(status=418, body="x" * 20, drip=0.002, drip_part=part), path="metadata")
    with socket.create_connection((server.host, server.port), timeout=5) as client:
        client.sendall(GET_METADATA)
        pieces = [client.recv(4096)]
        while b"x" * 20 not in b"".join(pieces):
            pieces.append(client.recv(4096))
    assert len(pieces) > 10
    head = b"".join(pieces).partition(b"\r\n\r\n")[0]
    assert (len(pieces[0]) > len(head)) is (part == "body")


@pytest.mark.parametrize("fault", [Fault(delay=9), Fault(drip=9), Fault(hang=True)])
def test_closing_the_server_ends_slow_answers(fault):
    with AuthorizationServer() as server, ThreadPoolExecutor(1) as pool:
        server.inject(fault, path="*")
        waiting = pool.submit(raw, server)
        server.wait_for_requests(1, "metadata")
        begun = time.monotonic()
        server.close()
        assert time.monotonic() - begun < 0.5
        assert b"token_endpoint" not in waiting.result()


def test_a_hanging_request_ends_with_its_fault(server):
    with ThreadPoolExecutor(1) as pool:
        with server.inject(Fault(hang=True), path="metadata"):
            waiting = pool.submit(raw, server)
            server.wait_for_requests(1, "metadata")
            assert not waiting.done()
        assert waiting.result() == b""


def test_a_hanging_request_times_out_at_the_client(server, session):
    server.inject(Fault(hang=True), times=1)
    with pytest.raises(requests.ReadTimeout):
        session.post(server.token_uri, timeout=0.05)


# Broken connections


def test_a_connection_closed_before_the_answer(server, ask):
    server.inject(Fault(drop="before"))
    with pytest.raises(requests.ConnectionError, match="closed connection without response"):
        ask()
    assert not server.tokens


def test_a_connection_reset_before_the_answer(server):
    server.inject(Fault(reset=True), path="metadata")
    with pytest.raises(ConnectionResetError):
        raw(server)


def test_a_connection_closed_in_the_headers(server, ask):
    server.inject(Fault(drop="headers"), path="*")
    answer = raw(server)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"\r\n\r\n" not in answer


def test_a_connection_closed_in_the_body_after_the_token_was_issued(server, ask):
    server.inject(Fault(drop="body"))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask()
    assert len(server.tokens) == 1


def test_a_kept_alive_connection_may_be_closed_after_an_answer(server):
    server.inject(Fault(close_idle=True), path="metadata")
    answer = raw(server)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"Connection: close" not in answer


def test_only_a_reused_connection_may_fail(server, ask):
    server.inject(lambda request: Fault(reset=True) if request.reused else None)
    assert ask().ok
    with pytest.raises(requests.ConnectionError):
        ask()
    assert ask().ok


# Who is hit


def test_faults_are_counted_and_undone(server, ask):
    undo = server.inject(Fault(status=500), times=2)
    assert [ask().status_code for _ in range(3)] == [500, 500, 200]
    assert undo.used == 2
    with server.inject(Fault(status=503)):
        assert ask().status_code == 503
    undo = server.inject(Fault(status=502))
    undo()
    assert ask().ok


def test_the_fault_injected_last_hits(server, ask):
    server.inject(Fault(status=500))
    server.inject(Fault(status=501), times=1)
    assert [ask().status_code for _ in range(2)] == [501, 500]
    server.heal()
    assert ask().ok


def test_a_script_of_answers(server, ask):
    server.inject(Fault(status=500))
    server.script("token", [Fault(status=503), None, Fault(body={})])
    answers = [ask() for _ in range(4)]
    assert [answer.status_code for answer in answers] == [503, 200, 200, 500]
    assert answers[2].json() == {}


def test_a_fault_may_depend_on_the_request(server, ask):
    def fault(request):
        return Fault(status=400) if ("scope", "read") in request.form else None

    server.inject(fault)
    assert [ask(scope=scope).status_code for scope in ("read", "write")] == [400, 200]


def test_faults_are_kept_to_their_path(server, ask, session):
    server.inject(Fault(body={"custom": 1}), path="/vendor/login")
    assert session.get(f"{server.base_uri}/vendor/login").json() == {"custom": 1}
    assert ask().ok
    server.inject(Fault(status=500), path="metadata")
    assert session.get(server.metadata_uri).status_code == 500
    assert ask().ok


def test_a_fault_that_is_over_stays_over(server, ask):
    undo = server.inject(Fault(status=500))
    undo()
    undo()
    with server.script("token", [Fault(status=500)]):
        pass
    assert ask().ok


def test_a_fault_may_undo_itself(server, ask):
    def fault(request):
        undo()
        return Fault(status=500)

    undo = server.inject(fault)
    assert [ask().status_code for _ in range(2)] == [500, 200]


def test_a_broken_fault_function_shows_in_the_log(server, ask, caplog):
    server.inject(lambda request: request.nonsense)
    with pytest.raises(requests.ConnectionError):
        ask()
    assert "AttributeError" in caplog.text


def test_a_broken_server_answers_500(server, ask, caplog, monkeypatch):
    monkeypatch.setattr(server._endpoints, "answer", None)
    assert ask().status_code == 500
    assert "TypeError" in caplog.text


def test_each_fault_of_a_script_hits_once_under_load(server):
    server.script("metadata", [Fault(status=500)] * 20)
    statuses = []

    def client():
        with requests.Session() as session:
            statuses.extend(session.get(server.metadata_uri).status_code for _ in range(10))

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 60 + [500] * 20
