"""How `oauthreg check` looks on a terminal, and how it ends before its time."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys

import pytest

from oauthreg._cli.app import app


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("columns", ["40", "200"])
def test_a_terminal_of_any_width_shows_progress_and_colour(
    oauthreg, server, settings, monkeypatch, columns
):
    for name, value in {"COLUMNS": columns, "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(name, value)
    streams = {"stdout": Terminal(), "stderr": Terminal()}
    for name, stream in streams.items():
        monkeypatch.setattr(sys, name, stream)
    with pytest.raises(SystemExit) as ended:
        app(["check"])
    assert ended.value.code == 0
    assert "\x1b[" in streams["stdout"].getvalue()
    assert "1 of 1" in streams["stderr"].getvalue() + streams["stdout"].getvalue()


@pytest.mark.parametrize("closed", [False, True])
def test_ctrl_c_and_a_closed_pipe_end_a_check(server, settings, environment, closed):
    reader, writer = os.pipe()
    with server.hold() as gate:
        program = subprocess.Popen(
            [sys.executable, "-m", "oauthreg._cli", "check"],
            cwd=settings.parent,
            env=environment,
            stdout=writer,
            stderr=subprocess.PIPE,
        )
        os.close(writer)
        server.wait_for_requests(1, timeout=60)
        if closed:
            os.close(reader)
            gate.open()
        else:
            program.send_signal(signal.SIGINT)
        _, said = program.communicate(timeout=60)
    if not closed:
        os.close(reader)
    expected = (141, b"") if closed else (130, b"Interrupted.\n")
    assert (program.returncode, said) == expected


def test_on_a_terminal_long_words_stay_in_their_column(oauthreg, server, settings, monkeypatch):
    server.change_secret("my-client", "another")
    monkeypatch.setenv("COLUMNS", "80")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    with pytest.raises(SystemExit, match="1"):
        app(["check"])
    lines = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue()).splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line.startswith(" " * 9) for line in lines[1:-1])
    words = " ".join(" ".join(lines).split())
    assert "-> Check registration.my-client.client-id, client-secret and" in words
