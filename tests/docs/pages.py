"""Documents are run: their code blocks in order, in one namespace, against the test server.

`python tests/docs/pages.py docs/how-to/flask.md` runs one in a process of its own.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import os
import re
import shlex
import sys
import tempfile
import tomllib
from asyncio import run
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from typer.testing import CliRunner

from oauthreg import AuthorizedClientManager
from oauthreg._cli.app import app
from oauthreg.testing import AuthorizationServer

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
ROOT = Path(__file__).parents[2]
VARIABLES = {"MY_CLIENT_SECRET": "a secret"}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NAMED = re.compile(r"# ([\w./-]+\.(?:toml|py|properties|yml))\n")


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
        secret = folder / "my-client.secret"
        secret.write_text("a secret\n")
        secret.chmod(0o600)

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
            self.write_file(block)

    def write_file(self, block):
        """Write a block that is a file; install a project's."""
        text = self.replaced(block.text)
        if named := NAMED.match(text):
            path = self.folder / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
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

    def close(self):
        """Close the document's managers, and forget its modules."""
        for manager in self.managers:
            manager.close()
        for name, module in [*sys.modules.items()]:
            if Path(getattr(module, "__file__", None) or "/").is_relative_to(self.folder):
                del sys.modules[name]


def _lines(names):
    return "".join(f"{name} = {target}\n" for name, target in names.items())


@contextlib.contextmanager
def pages_server(**how):
    """The server behind `auth.example.com` and `api.example.com`, with the documents' clients."""
    with AuthorizationServer(device_interval=0.05, **how) as server:
        grants = ("client_credentials", "authorization_code", "refresh_token", TOKEN_EXCHANGE)
        server.add_client(
            "my-client",
            secrets=("a secret", "my-secret"),
            grants=(*grants, DEVICE_CODE),
            scopes=("openid", "read", "write"),
            redirect_uris=["https://app.example.com/callback"],
        )
        server.inject(partial(_approve, server), path="token")
        yield server


def _approve(server, request):
    """Log the user in at once who was shown a device's code."""
    if dict(request.form).get("grant_type") == DEVICE_CODE:
        for device in server._state.devices.values():
            device.subject = "alice"


def instead(server):
    """What stands in a document, and what is there when it is run."""
    return {
        "https://auth.example.com": server.issuer,
        "https://api.example.com": server.api_uri,
        "http://127.0.0.1:9000/api": server.api_uri,
        "http://127.0.0.1:9000": server.issuer,
    }


def _server_with_tls():
    """Every library takes this one: MSAL wants https, and an issuer with a path."""
    return pages_server(tls=True, path_prefix="/tenant")


def main():
    """Run one document, and fail as it fails."""
    document = sys.argv[1]
    for name in [*os.environ]:
        if name.startswith("OAUTHREG_") or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ |= VARIABLES
    with tempfile.TemporaryDirectory() as folder, _server_with_tls() as server:
        os.environ |= dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), server.ca_bundle)
        os.chdir(folder)
        sys.path.insert(0, folder)
        runner = Runner(Path(folder), instead(server))
        try:
            runner.run(document)
        finally:
            runner.close()
            os.chdir(ROOT)
    assert runner.compared > 0, "it shows no output"


if __name__ == "__main__":
    main()
