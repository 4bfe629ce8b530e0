"""The embedded authorization server: connections, TLS, and from the shell."""

import json
import signal
import socket
import ssl
import subprocess
import sys
import time

import pytest
import requests

from oauthreg.testing import AuthorizationServer

FORM = b"grant_type=client_credentials&client_id=id&client_secret=secret"
RAW_REQUEST = b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n" % len(FORM)
RAW_REQUEST += b"Content-Type: application/x-www-form-urlencoded\r\n\r\n" + FORM


def test_it_stops_and_starts_at_the_same_port(server, ask):
    token_uri = server.token_uri
    server.stop()
    with pytest.raises(requests.ConnectionError):
        ask()
    server.start()
    assert server.start().token_uri == token_uri
    assert ask().ok
    assert server.connections == 1


def test_two_hundred_clients_at_once(server):
    with server.hold() as gate:
        clients = [socket.create_connection((server.host, server.port)) for _ in range(200)]
        for client in clients:
            client.sendall(RAW_REQUEST)
        gate.wait_for(200)
    answers = [client.recv(4096) for client in clients]
    for client in clients:
        client.close()
    assert all(answer.startswith(b"HTTP/1.1 200 OK\r\n") for answer in answers)
    assert len({answer.partition(b"\r\n\r\n")[2] for answer in answers}) == 200


def test_a_keep_alive_request_takes_about_a_millisecond(server):
    with socket.create_connection((server.host, server.port)) as client:
        begun = time.perf_counter()
        for _ in range(100):
            client.sendall(RAW_REQUEST)
            assert client.recv(4096).endswith(b"}")
        assert time.perf_counter() - begun < 1


def test_garbage_on_the_wire_harms_nobody(server, ask):
    for garbage in (
        b"\x16\x03\x01\r\n\r\n",
        b"GET /\r\n\r\n",
        b"POST /token HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ):
        with socket.create_connection((server.host, server.port)) as client:
            client.sendall(garbage)
            client.shutdown(socket.SHUT_WR)
            client.recv(4096)
    with socket.create_connection((server.host, server.port)) as client:
        client.sendall(b"POST /token HTTP/1.1\r\nContent-Length: 9\r\n\r\nshort")
    assert ask().ok


def test_ipv6():
    with AuthorizationServer(host="::1") as server:
        assert server.issuer == f"http://[::1]:{server.port}"
        assert requests.get(server.metadata_uri, timeout=5).json()["issuer"] == server.issuer


# TLS


def test_tls_by_an_authority_of_its_own():
    with AuthorizationServer(tls=True) as server:
        server.add_client("id", "secret")
        assert server.issuer.startswith("https://127.0.0.1:")
        form = {"grant_type": "client_credentials"}

        def ask(uri=server.token_uri, verify=server.ca_bundle):
            return requests.post(uri, form, auth=("id", "secret"), verify=verify, timeout=5)

        assert ask().ok
        assert ask(server.token_uri.replace("127.0.0.1", "localhost")).ok
        with pytest.raises(requests.exceptions.SSLError):
            ask(verify=True)
        with pytest.raises(requests.ConnectionError):
            ask(server.token_uri.replace("https", "http"))
        server.stop()
        server.start()
        assert ask().ok


def test_tls_shows_the_clients_certificate():
    with AuthorizationServer(tls=True, request_client_certificate=True) as server:
        certificate, key = map(str, server.certificates.issue("a-client"))
        for cert, expected in ((None, False), ((certificate, key), True)):
            requests.get(server.metadata_uri, verify=server.ca_bundle, cert=cert, timeout=5)
            shown = server.requests[-1].client_certificate
            assert bool(shown) is expected
        with open(certificate) as file:  # noqa: PTH123 - the name is text here
            assert ssl.DER_cert_to_PEM_cert(shown).strip() == file.read().strip()


# From the shell


def test_it_runs_from_the_shell():
    command = [
        sys.executable,
        "-m",
        "oauthreg.testing",
        "--client",
        "id:se:cret",
        "--lifetime",
        "60",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            word, _, addresses = process.stdout.readline().partition(" ")
            assert word == "READY"
            token_uri = json.loads(addresses)["token"]
            form = {"grant_type": "client_credentials"}
            answer = requests.post(token_uri, form, auth=("id", "se%3Acret"), timeout=5)
            assert answer.json()["expires_in"] == 60
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
