"""What belongs to a process: connections after a fork, and what runs out."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from oauthreg._errors import ConnectionFailedError
from oauthreg._flow import TokenRequest

FORK_IN_C = """
import asyncio, ctypes, gc, os, sys, threading
from oauthreg._flow import TokenRequest
from oauthreg._registration import HttpProfile
from oauthreg._transports.httpx2 import Httpx2Transport
from oauthreg._transports.requests import RequestsTransport

kind, url, silent_url = sys.argv[1:]
profile = HttpProfile(max_connections=2, total_timeout=5.0)
request = TokenRequest(url=url, form=(("a", "b"),))
silent = TokenRequest(url=silent_url, form=(("a", "b"),))

if kind == "requests":
    transport = RequestsTransport(profile)
    send, close = transport.send, transport.close
    threading.Thread(target=send, args=(silent,), daemon=True).start()
else:
    transport = Httpx2Transport(profile)
    runner = asyncio.Runner()
    async def beside():
        beside.task = asyncio.create_task(transport.send(silent))
        await asyncio.sleep(0.05)
    run = runner.run
    run(beside())
    send = lambda request: run(transport.send(request))
    close = lambda: run(transport.aclose())

assert send(request).status == 200
while not os.path.exists(sys.argv[0] + ".arrived"):
    pass
child = ctypes.PyDLL(None).fork()  # as uWSGI forks: no hook of Python's runs
if not child:
    run = asyncio.run
    for _ in range(2):
        assert send(request).status == 200
    close()
    transport._by_pid.clear()  # also what the parent had is collected, and not closed
    gc.collect()
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert send(request).status == 200
print("served", flush=True)
os._exit(0)
"""


@pytest.mark.parametrize("kind", ["requests", "httpx2"])
def test_a_child_forked_in_c_has_connections_of_its_own_and_leaves_the_parents_alone(
    serve, tmp_path, kind
):
    script = tmp_path / "fork.py"
    script.write_text(FORK_IN_C)

    def silence(line):
        line.request()
        script.with_suffix(".py.arrived").touch()
        line.sock.recv(1)  # the end of the parent's connection
        ended.set()

    ended = threading.Event()
    server, silent = serve(), serve(silence)
    answer = subprocess.run(
        [sys.executable, script, kind, server.url(), silent.url()],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (answer.stdout, answer.returncode) == ("served\n", 0), answer.stderr
    assert ended.wait(5)
    assert len(server.requests) == 4
    assert server.connections == (2 if kind == "requests" else 3)  # two loops in the child


# --- What runs out ---


@contextmanager
def no_descriptor_left():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def ask(url):
    return TokenRequest(url=url, form=(("a", "b"),))


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "https://127.0.0.1:{port}/"],
    ids=["socket", "look-up", "trusted roots"],
)
def test_a_process_without_file_descriptors_is_not_the_servers_failure(send, serve, target):
    server, other = serve(), serve()
    send(ask(server.url()))
    with no_descriptor_left(), pytest.raises(ConnectionFailedError) as caught:
        send(ask(target.format(port=other.port)))
    error = caught.value
    assert error.local
    assert error.retryable
    assert error.message == "nothing was sent: this process has run out of file descriptors"
    assert "ulimit" in error.hint
    if target.startswith("http:"):
        assert send(ask(target.format(port=other.port))).status == 200


def test_a_name_that_cannot_be_resolved_for_lack_of_descriptors(send, serve, monkeypatch):
    def getaddrinfo(*_, **__):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    server = serve()
    send(ask(server.url()))
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with no_descriptor_left(), pytest.raises(ConnectionFailedError, match="file descriptors") as e:
        send(ask(server.url(host="localhost")))
    assert e.value.local
    with pytest.raises(ConnectionFailedError, match="cannot be resolved") as e:
        send(ask(server.url(host="localhost")))
    assert not e.value.local


def test_a_process_without_threads_is_not_the_servers_failure(send, serve, monkeypatch):
    def start(_thread):
        raise RuntimeError("can't start new thread")

    server = serve()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(ConnectionFailedError, match="has run out of threads") as caught:
            send(ask(server.url(host="localhost")))
    assert caught.value.local
    assert send(ask(server.url(host="localhost"))).status == 200


def test_a_process_without_memory_is_not_the_servers_failure(send, serve, monkeypatch):
    def connect(*_):
        raise MemoryError

    server = serve()
    monkeypatch.setattr(socket.socket, "setsockopt", connect)
    with pytest.raises(ConnectionFailedError, match="has run out of memory") as caught:
        send(ask(server.url()))
    assert caught.value.local


def test_a_server_that_fails_is_not_this_process(send, serve):
    server = serve(lambda line: line.request())
    with pytest.raises(ConnectionFailedError) as caught:
        send(ask(server.url()))
    assert not caught.value.local
