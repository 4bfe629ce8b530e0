"""Celery's prefork pool: the application is loaded, and has a token, before the workers fork."""

import json
import os
import signal
import subprocess
import sys

import pytest

USERS = [f"user{number}" for number in range(12)]


@pytest.fixture
def celery(environment, tmp_path, serving):
    """A running worker with two processes, and the application that gives it tasks."""
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
    command = [sys.executable, "-m", "celery", "-A", "celery_app", "worker", "--without-gossip"]
    with serving.child(
        [*command, "--pool", "prefork", "--concurrency", "2", "--loglevel", "WARNING"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=environment(CELERY_SETTINGS=json.dumps(settings)),
        cwd=tmp_path,
        start_new_session=True,
    ) as worker:
        from celery import Celery

        yield Celery("client", set_as_current=False, changes=settings)
        os.killpg(worker.pid, signal.SIGKILL)  # asked to stop, it takes six seconds


def test_every_user_is_given_their_own_token(celery, token_server):
    for task in ("token", "token-of-a-loop"):
        results = [celery.send_task(task, [user]) for user in USERS]
        answers = [result.get(timeout=30, interval=0.05) for result in results]
        assert [token.partition(".")[0] for _, token in answers] == USERS
