"""The README and the guides do what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from zipfile import ZipFile

import pytest
from typer.testing import CliRunner

import oauthreg
from oauthreg import AuthorizedClientManager, _plugins, events
from oauthreg._cli.app import app
from oauthreg.testing import AuthorizationServer

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/*.md")]
PLUGINS = ["oauthreg_acme.py", "oauthreg_bank.py", "oauthreg_ticket.py"]
WRONG = """\
# wrong.toml: a registration with a misspelt setting
[registration.my-client]
client-idd = "my-client"
client-id = "my-client"
client-secret = "a secret"
[provider.my-provider]
token-uri = "https://auth.example.com/token"
"""


INCOMING = """\
[registration.caller]
client-id = "my-client"
client-secret = "a secret"
[provider.p]
token-uri = "{}"
"""
DOWNSTREAM = {
    "CLIENT_ID": "my-client",
    "CLIENT_SECRET": "a secret",
    "AUTHORIZATION_GRANT_TYPE": "token-exchange",
}


def test_the_readme_does_what_it_says(runner, server, monkeypatch):
    (runner.folder / "wrong.toml").write_text(WRONG)
    caller = tomllib.loads(INCOMING.format(server.token_uri))
    with AuthorizedClientManager.from_settings(caller) as manager:
        incoming = manager.authorize("caller")
    for name, value in DOWNSTREAM.items():
        monkeypatch.setenv(f"OAUTHREG_REGISTRATION__DOWNSTREAM__{name}", value)
    headers = {"Authorization": incoming.authorization}
    runner.namespace["request"] = SimpleNamespace(headers=headers)
    runner.run("README.md")
    assert runner.compared == 2
    assert runner.namespace["answer"].status_code == 200
    (exchanged,) = [
        request for request in server.requests_to("token") if "subject_token" in dict(request.form)
    ]
    assert dict(exchanged.form)["subject_token"] == incoming.access_token.token_value
    assert runner.namespace["client"].registration.registration_id == "downstream"


def test_the_readme_fits_on_150_lines():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


def test_the_readme_says_the_same_in_toml_and_by_the_environment(runner, monkeypatch):
    monkeypatch.setenv("ORDERS_SECRET", "a secret")
    runner.write("README.md")
    by_file = AuthorizedClientManager.from_settings("company.toml").registrations
    (runner.folder / "settings.toml").unlink()
    (block,) = [b for b in runner.blocks("README.md") if "OAUTHREG_REGISTRATION" in b.text]
    for line in block.text.splitlines():
        name, _, value = line.partition("=")
        monkeypatch.setenv(name, runner.replaced(value.strip("'")))
    by_environment = AuthorizedClientManager.from_settings().registrations
    assert by_file == by_environment
    assert [*by_file] == ["orders"]


def test_the_plugin_guide_does_what_it_says(runner):
    runner.run("docs/plugins.md")
    assert runner.compared == 3


def test_the_walk_of_the_plugin_guide_leads_from_an_empty_folder_to_a_token(runner):
    """Made and installed, tried by its own tests (tests/cli/test_plugin_new.py), and used."""
    blocks = runner.blocks("docs/plugins.md")
    (made,) = [block for block in blocks if block.language == "console"]
    (used,) = [block for block in blocks if block.language == "sh"]
    runner.console(made.text, "docs/plugins.md")
    folder = runner.folder / "oauthreg-acme-id"
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (wheel,) = folder.glob("dist/*.whl")
    ZipFile(wheel).extractall(runner.folder)
    _plugins._listed.cache_clear()  # what follows is another process's, in life
    shown, token = (line.partition("#")[0].split() for line in used.text.splitlines())
    assert "base-url, required" in CliRunner().invoke(app, shown[1:]).stdout
    with AuthorizationServer(layout={"token": "/oauth2/token"}) as server:
        server.add_client("my-client", "a secret")
        runner.instead = {"https://auth.example.com": server.base_uri}
        runner.write_file(next(one for one in blocks if one.text.startswith("# acme-id.toml")))
        done = CliRunner().invoke(app, token[1:])
        assert done.stdout.strip() == server.tokens[-1].value, done.output


@pytest.mark.parametrize("tests", ["test_acme.py", "test_ticket.py"])
def test_the_plugins_of_the_guide_pass_the_conformance_kit(runner, tests):
    runner.write("docs/plugins.md")
    path = os.pathsep.join([str(runner.folder), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests],
        env={**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_the_plugins_of_the_guide_can_be_built(runner):
    runner.write("docs/plugins.md")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run(command, cwd=runner.folder, check=True, capture_output=True)
    (wheel,) = runner.folder.glob("dist/*.whl")
    names = ZipFile(wheel).namelist()
    assert [name for name in names if "/" not in name] == PLUGINS


def test_the_plugin_guide_is_well_typed(runner):
    """Its files as they are, what is in no file as one module, and what `plugin new` writes."""
    runner.write("docs/plugins.md")
    blocks = [
        block.text for block in runner.blocks("docs/plugins.md") if block.language == "python"
    ]
    loose = [
        "from oauthreg_acme import *\n",
        *(text for text in blocks if not text.startswith("# ")),
    ]
    (runner.folder / "loose.py").write_text("".join(loose))
    files = sorted(path.name for path in runner.folder.glob("*.py"))
    assert files == [
        *("loose.py", *PLUGINS),
        *("test_acme.py", "test_ticket.py"),
    ]
    for name, kind in {
        "acme-data": [],
        "acme-flow": ["--flow"],
        "acme-table": ["--preset"],
    }.items():
        CliRunner().invoke(app, ["plugin", "new", name, *kind])
        files.append(f"oauthreg-{name}/oauthreg_{name.replace('-', '_')}")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--no-error-summary"),
            *("--cache-dir", str(runner.folder / "cache"), "--config-file", ""),
            *("--follow-imports", "silent", *files),
        ],
        cwd=runner.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_the_events_page_lists_every_event_with_every_field():
    text = (ROOT / "docs/events.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*)$", text, re.MULTILINE))
    kinds = [kind for kind in vars(events).values() if isinstance(kind, type)]
    kinds = [kind for kind in kinds if issubclass(kind, events.Event) and kind is not events.Event]
    assert set(rows) == {kind.__name__ for kind in kinds}
    for kind in kinds:
        own = {field for field in kind.__annotations__ if kind.__bases__ == (events.Event,)}
        assert own <= set(re.findall(r"`(\w+)`", rows[kind.__name__])), kind


def test_links_lead_somewhere():
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_links_of_the_readme_lead_somewhere_from_a_package_index_too():
    """An index shows it without the other files, so that it names them by whole addresses."""
    text = (ROOT / "README.md").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    source = project["urls"]["Source"]
    addresses = dict(re.findall(r"^\[([\w-]+)\]: (\S+)$", text, re.MULTILINE))
    assert set(re.findall(r"\[([a-z-]+)\](?![\[:])", text)) == set(addresses)
    for address in addresses.values():
        assert (ROOT / address.removeprefix(f"{source}/blob/main/")).exists(), address


def test_the_files_that_contributors_are_sent_to_are_there():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    named = re.findall(r"`((?:oauthreg|tests|docs|plugins)/[\w./]+|[\w.]+\.(?:md|toml))`", text)
    assert len(named) > 20
    for path in named:
        here = Path(oauthreg.__file__).parents[1] if path.startswith("oauthreg/") else ROOT
        packaged = re.fullmatch(r"plugins/[\w-]+/(oauthreg_\w+)/([\w.]+)", path)
        found = resources.files(packaged[1]) / packaged[2] if packaged else here / path
        assert found.is_file() or found.is_dir(), path


def test_documents_name_no_machine_and_no_registry():
    for document in (*DOCUMENTS, ROOT / "settings.example.toml"):
        text = document.read_text("utf-8")
        for word in ("/home/", "/work/", "/tmp", "pypi.org", "localhost:"):  # noqa: S108 - a word
            assert word not in text, f"{document.name}: {word}"
