"""One token request by each transport against a bare keep-alive `requests.Session.post`.

Run it with `python tests/bench/cold_fetch.py`; `measure()` is for other scripts.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import requests

from oauthreg._flow import TokenRequest
from oauthreg._registration import HttpProfile
from oauthreg._transports.httpx2 import Httpx2Transport
from oauthreg._transports.requests import RequestsTransport

if TYPE_CHECKING:
    from collections.abc import Callable

SERVER = """
import socket, threading
BODY = b'{"access_token":"' + b'a' * 600 + b'","token_type":"Bearer","expires_in":300}'
ANSWER = (b'HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nCache-Control: no-store\\r\\n'
          b'Content-Length: %d\\r\\n\\r\\n' % len(BODY)) + BODY

def serve(sock):
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    data = b''
    while more := sock.recv(65536):
        data += more
        if data.endswith(b'bench'):
            sock.sendall(ANSWER)
            data = b''

listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""
FORM = (("grant_type", "client_credentials"), ("scope", "read"), ("audience", "bench"))
BASIC = "Basic Y2xpZW50OnNlY3JldA=="
ROUNDS, PER_ROUND = 15, 100


def measure() -> dict[str, float]:
    """Return the median milliseconds of each way, and their ratio to the Session's."""
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    with server:
        try:
            return _measured(f"http://127.0.0.1:{int(server.stdout.readline())}/token")
        finally:
            server.terminate()


def _measured(url: str) -> dict[str, float]:
    request = TokenRequest(url=url, form=FORM, headers=(("Authorization", BASIC),))
    session = requests.Session()
    transport, awaited = RequestsTransport(HttpProfile()), Httpx2Transport(HttpProfile())
    with session, asyncio.Runner() as runner:

        def post() -> None:
            session.post(url, data=list(FORM), headers={"Authorization": BASIC}, timeout=10)

        async def many() -> None:
            for _ in range(PER_ROUND):
                await awaited.send(request)

        ways: dict[str, Callable[[], object]] = {
            "session": lambda: [post() for _ in range(PER_ROUND)],
            "requests": lambda: [transport.send(request) for _ in range(PER_ROUND)],
            "httpx2": lambda: runner.run(many()),
        }
        times = _timed(ways)
        transport.close()
    result = {f"{name}_ms": taken for name, taken in times.items()}
    for name in ("requests", "httpx2"):
        result[f"{name}_ratio"] = times[name] / times["session"]
    return result


def _timed(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Take turns, so that whatever else the machine does hits every way alike."""
    for way in ways.values():
        way()
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            taken[name].append((time.perf_counter() - started) / PER_ROUND * 1000)
    return {name: statistics.median(values) for name, values in taken.items()}


if __name__ == "__main__":
    for label, figure in measure().items():
        print(f"{label:16} {figure:.3f}")
