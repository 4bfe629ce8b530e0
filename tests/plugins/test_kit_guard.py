"""The kit's guard: a plugin that does I/O, reads a clock or waits is caught, wherever it does."""

import datetime as dt
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from functools import cache
from pathlib import Path
from time import monotonic, perf_counter

import pytest

from oauthreg.plugin import ProviderPlugin, ProviderSettings
from oauthreg.testing import ProviderPluginTests


class Acme(ProviderPlugin[ProviderSettings]):
    token_uri = "https://id.acme.example/token"
    client_authentication_method = "client_secret_basic"


class OpensASocket(Acme):
    def parameters(self, context):
        with socket.socket():
            return ()


class LooksUpAName(Acme):
    def parse_response(self, context, response):
        socket.getaddrinfo("localhost", 443)
        return super().parse_response(context, response)


class ReadsAFile(Acme):
    def authenticate(self, context, request):
        Path(__file__).read_bytes()
        return super().authenticate(context, request)


class LooksForAFile(Acme):
    def flow(self, context):
        Path("/var/run/secrets/token").exists()
        return (yield from super().flow(context))


class RunsAProgram(Acme):
    def explain_error(self, error):
        subprocess.run(["true"], check=True)
        return super().explain_error(error)


class Sleeps(Acme):
    def explain_error(self, error):
        time.sleep(0.001)
        return super().explain_error(error)


class ReadsTheEnvironment(Acme):
    def parameters(self, context):
        return [("region", os.environ.get("ACME_REGION", "eu"))]


class AsksGetenv(Acme):
    def check(self, registration):
        yield from os.getenv("ACME_PROBLEMS", "")


class EnvironmentInASetting(Acme):
    def __init__(self, settings):
        super().__init__(settings)
        self._region = os.environ.get("ACME_REGION")


def clock(read):
    class ReadsAClock(Acme):
        def parse_response(self, context, response):
            read()
            return super().parse_response(context, response)

    return ReadsAClock


class Prints(Acme):
    def authenticate(self, context, request):
        print(context.secret)
        return super().authenticate(context, request)


@cache
def region():
    return Path("/etc/hostname").read_text(encoding="utf-8")


class ReadsAFileOnce(Acme):
    def parameters(self, context):
        return [("region", region())]


class WritesToTheTerminal(Acme):
    def authenticate(self, context, request):
        sys.__stderr__.write("")
        return super().authenticate(context, request)


class WaitsForAnEvent(Acme):
    def parameters(self, context):
        threading.Event().wait(0.001)
        return ()


class DrawsAnId(Acme):
    def parameters(self, context):
        return [("jti", str(uuid.uuid4()))]


MISTAKES = [
    (OpensASocket, "network"),
    (LooksUpAName, "network"),
    (ReadsAFile, "a file"),
    (LooksForAFile, "a file"),
    (RunsAProgram, "another program"),
    (Sleeps, "sleeps"),
    (ReadsTheEnvironment, "environment"),
    (AsksGetenv, "environment"),
    (EnvironmentInASetting, "environment"),
    (clock(time.time), "clock"),
    (clock(monotonic), "clock"),
    (clock(perf_counter), "clock"),
    (clock(lambda: dt.datetime.now(dt.UTC)), "clock"),
    (clock(dt.date.today), "clock"),
    (clock(time.gmtime), "clock"),
    (clock(lambda: time.strftime("%Y")), "clock"),
    (Prints, "prints"),
    (ReadsAFileOnce, "a file"),
    (WritesToTheTerminal, "write"),
    (WaitsForAnEvent, "waits"),
    (DrawsAnId, "draws at random"),
]


@pytest.mark.parametrize(
    ("plugin_class", "words"),
    [
        pytest.param(*each, id=f"{each[0].__name__}-{number}")
        for number, each in enumerate(MISTAKES)
    ],
)
def test_it_is_caught(plug, plugin_class, words):
    plug(plugin_class)
    kit = {"plugin": plugin_class, "name": "acme"}
    with pytest.raises(AssertionError, match=words):
        type("Kit", (ProviderPluginTests,), kit)().test_it_does_no_io()
