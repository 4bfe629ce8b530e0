"""The steps of a check below HTTP: names, and TLS."""

from __future__ import annotations

import socket
from concurrent.futures import Future

import pytest

from oauthreg._check import network
from oauthreg._check.network import reach
from oauthreg._registration import HttpProfile
from oauthreg.testing import AuthorizationServer

PROFILE = HttpProfile(connect_timeout=20.0)


def reached(url, profile=PROFILE, seconds=20.0):
    return {step.name: step for step in reach(url, profile, None, seconds)}


def found(*numbers):
    done = Future()
    done.set_result([(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in numbers])
    return done


def test_plain_http_to_elsewhere_is_refused_before_anything_is_looked_up():
    (step,) = reached("http://auth.example.com/token").values()
    assert (step.name, step.outcome) == ("name", "failed")
    assert "https" in step.remedy


def test_a_name_server_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr(network, "lookup", lambda _host, _port: Future())
    (step,) = reached("https://auth.example.com/token", seconds=0.01).values()
    assert "no answer about the name auth.example.com" in step.seen
    assert "DNS" in step.remedy


def test_a_local_name_that_means_another_machine_is_refused(monkeypatch):
    monkeypatch.setattr(network, "lookup", lambda _host, _port: found("10.0.0.1"))
    (step,) = reached("http://localhost:1/token").values()
    assert (step.name, step.outcome) == ("name", "failed")


def test_of_many_addresses_a_few_are_shown(monkeypatch):
    numbers = [f"127.0.0.{n}" for n in range(1, 7)]
    monkeypatch.setattr(network, "lookup", lambda _host, _port: found(*numbers))
    seen = reached("http://localhost:1/token")["name"].seen
    assert seen == "localhost is 127.0.0.1, 127.0.0.2, 127.0.0.3, 127.0.0.4 and 2 more"


def test_a_port_where_nobody_listens_is_no_fault_of_a_certificate():
    step = reached("https://127.0.0.1:1/token")["tls"]
    assert "refused the connection" in step.seen
    assert "certificate" not in step.seen


def test_a_port_that_speaks_no_tls_shows_no_certificate():
    with AuthorizationServer() as server:
        step = reached(server.token_uri.replace("http://", "https://"))["tls"]
    assert step.outcome == "failed"
    assert "It shows a certificate" not in step.seen
    assert step.remedy


@pytest.mark.parametrize(
    "subject", [(), ((("commonName", "a"),),), ((("organizationName", "b"),),)]
)
def test_whom_a_certificate_names_is_always_said(subject):
    names = {(): "somebody without a name"}
    expected = names.get(subject) or subject[0][0][1]
    parsed = {"subject": subject, "issuer": subject, "notAfter": "Jan  1 00:00:00 2100 GMT"}
    step = network._judged(parsed, "TLSv1.3", b"", seconds=0.1)
    assert f"certificate of {expected} issued by {expected}" in step.seen
    assert step.outcome == "ok"
