"""One token for all processes of a server, a pool or a crontab, through a store."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from oauthreg._shared.seal import new_key

PROGRAMS = Path(__file__).resolve().parent / "programs"
GUNICORN = ("gunicorn", "--bind", "127.0.0.1:PORT", "-w", "4", "--log-level", "warning")
UVICORN = ("uvicorn", "--port", "PORT", "--workers", "2", "--log-level", "warning")


@pytest.fixture(params=["sqlite", "valkey"])
def store(request, tmp_path):
    """Where the programs of a test share their token."""
    if request.param == "sqlite":
        folder = tmp_path / "store"
        folder.mkdir(mode=0o700)
        return {"type": "sqlite", "path": str(folder / "tokens.db")}
    server = request.getfixturevalue("shared_valkey")
    return {
        "type": "redis",
        "url": server.url(),
        "keys": [new_key()],
        "prefix": f"oauthreg-{tmp_path.name}"[:60],
    }


def ask_workers(ask):
    """Ask until two workers answered, with one token; return their pids."""
    answers = []
    deadline = time.monotonic() + 60
    while len({answer["pid"] for answer in answers}) < 2:
        assert time.monotonic() < deadline, "one worker answers everything"
        answers += ask()
    assert len({answer["token"] for answer in answers}) == 1
    return {answer["pid"] for answer in answers}


@pytest.mark.parametrize(
    "command",
    [(*GUNICORN, "flask_app:app"), (*UVICORN, "fastapi_app:app")],
    ids=["gunicorn and Flask", "uvicorn and FastAPI"],
)
def test_the_workers_of_a_web_server_share_one_token(serve, token_server, command):
    application = serve(*command)
    first = ask_workers(lambda: application.get_all(["/app"] * 40, callers=16))
    killed = first.pop()
    os.kill(killed, signal.SIGKILL)  # the one that takes its place finds the token
    others = ask_workers(lambda: application.get_all_again(["/app"] * 40, callers=8))
    assert others - {killed}
    assert token_server.token_requests == 1
    application.process.send_signal(signal.SIGTERM)


def test_the_processes_of_a_celery_pool_share_one_token(celery, token_server):
    worker = celery("celery_cold_app", 4)
    results = [worker.send_task("token") for _ in range(40)]
    answers = [result.get(timeout=60, interval=0.05) for result in results]
    assert len({token for _, token in answers}) == 1
    assert len({pid for pid, _ in answers}) > 1
    assert token_server.token_requests == 1


def test_a_script_that_runs_fifty_times_makes_one_token_request(environment, token_server):
    def run(_number):
        command = [sys.executable, "-W", "error", PROGRAMS / "cron_job.py"]
        return subprocess.run(
            command, env=environment(), capture_output=True, text=True, check=True, timeout=60
        ).stdout

    with ThreadPoolExecutor(4) as pool:
        tokens = set(pool.map(run, range(50)))
    assert len(tokens) == 1
    assert token_server.token_requests == 1
