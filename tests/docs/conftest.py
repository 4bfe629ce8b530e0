"""Documents are run: their code blocks in order, in one namespace, against the test server."""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import os
import re
import shlex
import sys
import tomllib
from asyncio import run
from dataclasses import dataclass
from pathlib import Path

import pytest
import stevedore._cache
from stevedore.extension import ExtensionManager
from typer.testing import CliRunner

from oauthreg import AuthorizedClientManager
from oauthreg._cli.app import app
from oauthreg.testing import AuthorizationServer

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NAMED = re.compile(r"# ([\w.-]+\.(?:toml|py|properties|yml))\n")


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, the line it starts at."""

    language: str
    text: str
    line: int


class Runner:
    """Runs a document's blocks: files are written, Python and `$ oauthreg` run, output compared.

    A block whose first line is a comment with a file's name is that file.
    """

    def __init__(self, folder, instead):
        self.folder = folder
        self.instead = instead
        self.namespace = {"__name__": "document"}
        self.managers = []
        self.printed = ""
        self.compared = 0

    @staticmethod
    def blocks(document):
        """Return the fenced blocks of a document."""
        text = (ROOT / document).read_text("utf-8")
        return [
            Block(found[1], found[2], text.count("\n", 0, found.start()) + 2)
            for found in BLOCK.finditer(text)
        ]

    def write(self, document):
        """Write the document's files, and install its project."""
        for block in self.blocks(document):
            text = self.replaced(block.text)
            if named := NAMED.match(text):
                (self.folder / named[1]).write_text(text, "utf-8")
                if named[1] == "pyproject.toml":
                    self.install(tomllib.loads(text))

    def run(self, document):
        """Do what the document does, and count the outputs compared."""
        self.write(document)
        for block in self.blocks(document):
            if hasattr(self, block.language):
                perform = getattr(self, block.language)
                perform(self.replaced(block.text), f"{document}:{block.line}")

    def replaced(self, text):
        """Put the test server in the place of the examples' addresses."""
        for words, what in self.instead.items():
            text = text.replace(words, what)
        return text

    def python(self, text, place):
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile(text, place, "exec", flags, dont_inherit=True)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            result = eval(code, self.namespace)  # noqa: S307 - the document is ours
            if inspect.iscoroutine(result):
                run(result)
        self.printed = out.getvalue()
        values = self.namespace.values()
        self.managers += [value for value in values if isinstance(value, AuthorizedClientManager)]

    def output(self, text, place):
        assert self.printed == text, place
        self.compared += 1

    def console(self, text, place):
        for part in text.split("$ ")[1:]:
            command, _, expected = part.partition("\n")
            words = shlex.split(command)
            assert words[0] == "oauthreg", place
            assert CliRunner().invoke(app, words[1:]).output == expected, place
            self.compared += 1

    def install(self, project):
        """Do what installing the project would do for importlib.metadata."""
        info = self.folder / "documented-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: documented\nVersion: 1.0\n")
        points = project["project"]["entry-points"]
        lines = [f"[{group}]\n{_lines(names)}" for group, names in points.items()]
        (info / "entry_points.txt").write_text("\n".join(lines))


def _lines(names):
    return "".join(f"{name} = {target}\n" for name, target in names.items())


@pytest.fixture
def server():
    with AuthorizationServer() as server:
        server.add_client("my-client", "a secret", grants=("client_credentials", TOKEN_EXCHANGE))
        yield server


@pytest.fixture
def runner(server, tmp_path, monkeypatch):
    """A runner in an empty working directory, with the test server in the examples' place."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(ExtensionManager, "ENTRY_POINT_CACHE", {})  # of what was there before
    monkeypatch.setattr(stevedore._cache._c, "_internal", {})
    for name in [*os.environ]:
        if name.startswith("OAUTHREG_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    (tmp_path / "my-client.secret").write_text("a secret\n")
    runner = Runner(
        tmp_path,
        {"https://auth.example.com": server.issuer, "https://api.example.com/": server.api_uri},
    )
    yield runner
    for manager in runner.managers:
        manager.close()
    for name in ("oauthreg_acme", "oauthreg_ticket"):
        sys.modules.pop(name, None)
