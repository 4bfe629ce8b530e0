"""Programs that serve requests or tasks with a manager in them, and the server they ask."""

import contextlib
import importlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from oauthreg.testing import AuthorizationServer, Fault

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
BIN = Path(sys.executable).parent
START_SECONDS = 30
STOP_SECONDS = 10
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
TROUBLE = ("Traceback", "CRITICAL", "WORKER TIMEOUT", "Error:", "Connection pool is full")


def _load(name, folder):
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))


_SERVING = _load("serving", HERE.parent)
_STORE_FIXTURES = _load("store_fixtures", HERE.parents[1] / "stores")
session_stack = _STORE_FIXTURES.session_stack
started = _STORE_FIXTURES.started
shared_valkey = _STORE_FIXTURES.shared_valkey


@pytest.fixture
def serving():
    """The module that starts and ends child processes."""
    return _SERVING


@pytest.fixture
def token_server():
    """A token endpoint that gives each user a token of their name."""
    numbers = itertools.count(1)

    def token(request):
        user = dict(request.form).get("subject_token", "app")
        answer = {"access_token": f"{user}.{next(numbers)}", "token_type": "Bearer"}
        return Fault(body={**answer, "expires_in": server.lifetime})

    with AuthorizationServer() as server:
        server.lifetime = 3600
        server.inject(token)
        yield server


@pytest.fixture
def store():
    """The store of the settings; none, unless a test says otherwise."""
    return {}


@pytest.fixture
def settings(token_server, store):
    """`settings(**keys)`: two registrations, of the application and of its users."""

    def build(total=10, **keys):
        client = {"provider": "as", "client-id": "app", "client-secret": "secret", **keys}
        times = dict.fromkeys(("connect-timeout", "read-timeout", "total-timeout"), total)
        return {
            "registration": {
                "app": client,
                "user": {**client, "authorization-grant-type": EXCHANGE},
            },
            "provider": {"as": {"token-uri": token_server.token_uri}},
            "http": {"default": times},
            "store": store,
        }

    return build


@pytest.fixture
def environment(settings):
    """`environment(**variables)`: of a program, which finds its settings there."""

    def build(*, total=10, keys=(), **variables):
        return {
            **os.environ,
            "PYTHONPATH": str(PROGRAMS),
            "PYTHONUNBUFFERED": "1",
            "MANAGER_SETTINGS": json.dumps(settings(total, **dict(keys))),
            **variables,
        }

    return build


class Application:
    """A web application in a server of its own process."""

    def __init__(self, process, port, log):
        self.process = process
        self.port = port
        self.log = log

    def get(self, path):
        """Return what the application answers."""
        with requests.Session() as session:
            session.trust_env = False
            return session.get(f"http://127.0.0.1:{self.port}{path}", timeout=20).json()

    def get_all(self, paths, callers):
        """Return what it answers to all of them, asked by so many callers at once."""
        with ThreadPoolExecutor(callers) as pool:
            return list(pool.map(self.get, paths))

    def get_all_again(self, paths, callers):
        """Likewise, while a worker is replaced."""
        with ThreadPoolExecutor(callers) as pool:
            return list(pool.map(self.get_again, paths))

    def get_again(self, path):
        """Return what it answers, once more if the worker that was asked is gone."""
        try:
            return self.get(path)
        except requests.ConnectionError:
            return self.get(path)

    def wait(self):
        """Return when it answers."""
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(requests.ConnectionError):
                return self.get("/app")
            time.sleep(0.05)
        raise AssertionError(f"it did not start: {self.log.read_text()}")

    def stop(self):
        """End it, and see that it had no trouble."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(STOP_SECONDS) in (0, -signal.SIGTERM)
        text = self.log.read_text()
        assert [word for word in TROUBLE if word in text] == [], text


@pytest.fixture
def serve(environment, tmp_path, serving, unavailable):
    """`serve("gunicorn", "...")`: start a server whose port stands as PORT in its arguments."""
    with contextlib.ExitStack() as stack:

        def start(program, *arguments):
            if not (BIN / program).exists():
                unavailable(f"{program} has no wheel for this machine")
            (port,) = serving.free_ports(1)
            words = [word.replace("PORT", str(port)) for word in arguments]
            log = tmp_path / "log"
            process = stack.enter_context(
                serving.child(
                    [BIN / program, *words],
                    stdin=subprocess.DEVNULL,
                    stdout=stack.enter_context(log.open("w")),
                    stderr=subprocess.STDOUT,
                    env=environment(),
                    cwd=tmp_path,
                )
            )
            application = Application(process, port, log)
            application.wait()
            return application

        yield start


@pytest.fixture
def program(environment, serving):
    """`program("name.py", *arguments)`: a program that talks by its standard input and output."""
    with contextlib.ExitStack() as stack:

        def start(name, *arguments, **how):
            process = stack.enter_context(
                serving.child(
                    [sys.executable, "-W", "error", PROGRAMS / name, *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    env=environment(**how),
                )
            )
            process.tell = lambda: print("go", file=process.stdin, flush=True)
            process.heard = lambda: process.stdout.readline().strip()
            return process

        yield start


@pytest.fixture
def celery(environment, tmp_path, serving):
    """`celery("module", 4)`: a worker with so many processes; what is given it tasks."""
    with contextlib.ExitStack() as stack:

        def start(module, processes):
            for folder in ("queue", "control", "results"):
                (tmp_path / folder).mkdir()
            queue = str(tmp_path / "queue")
            settings = {
                "broker_url": "filesystem://",
                "result_backend": f"file://{tmp_path}/results",
                "broker_transport_options": {
                    "data_folder_in": queue,
                    "data_folder_out": queue,
                    "control_folder": str(tmp_path / "control"),
                },
            }
            command = [sys.executable, "-m", "celery", "-A", module, "worker", "--without-gossip"]
            pool = ["--pool", "prefork", "--concurrency", str(processes), "--loglevel", "WARNING"]
            worker = stack.enter_context(
                serving.child(
                    [*command, *pool],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env=environment(CELERY_SETTINGS=json.dumps(settings)),
                    cwd=tmp_path,
                    start_new_session=True,
                )
            )
            # asked to stop, it takes six seconds
            stack.callback(os.killpg, worker.pid, signal.SIGKILL)
            from celery import Celery

            return Celery("client", set_as_current=False, changes=settings)

        yield start
