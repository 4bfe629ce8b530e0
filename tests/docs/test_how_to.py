"""The how-to pages do what they say. Those of other libraries: tests/servers."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from oauthreg import AuthorizedClientManager

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/how-to"
PAGES = (
    *("first-token", "from-spring", "notebooks", "on-behalf-of"),
    *("testing", "troubleshooting", "web-login"),
)
ELSEWHERE = {"README", "kubernetes"}


@pytest.mark.parametrize("page", PAGES)
def test_the_page_does_what_it_says(runner, page):
    document = f"docs/how-to/{page}.md"
    shown = [b for b in runner.blocks(document) if b.language in {"output", "console"}]
    runner.run(document)
    assert runner.compared == len(shown) > 0


def test_every_page_is_run_and_stands_on_the_first():
    there = {path.stem for path in FOLDER.glob("*.md")}
    text = (ROOT / "tests/servers/test_how_to_pages.py").read_text("utf-8")
    run_there = set(re.findall(r'"([a-z-]+)"', text.partition("PAGES = (")[2].partition("\n)")[0]))
    assert there == {*PAGES, *ELSEWHERE, *run_there}
    first = (FOLDER / "README.md").read_text("utf-8")
    assert set(re.findall(r"\]\(([\w-]+)\.md\)", first)) == there - {"README"}


def test_the_tests_of_the_page_pass(runner):
    runner.write("docs/how-to/testing.md")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_orders.py"],
        env={**os.environ, "PYTHONPATH": str(runner.folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_the_server_of_the_first_page_starts_as_the_page_says(runner):
    (block,) = [b for b in runner.blocks("docs/how-to/first-token.md") if b.language == "sh"]
    command = shlex.split(block.text.splitlines()[-1].replace("9000", "0"))
    assert command[0] == "python"
    with subprocess.Popen(
        [sys.executable, *command[1:]], stdout=subprocess.PIPE, text=True
    ) as process:
        word, _, addresses = process.stdout.readline().partition(" ")
        settings = {
            "registration": {"a": {"client-id": "my-client", "client-secret": "my-secret"}},
            "provider": {"local": {"issuer-uri": json.loads(addresses)["issuer"]}},
        }
        with AuthorizedClientManager.from_settings(settings) as manager:
            assert manager.authorize("a", scope="read").access_token.scopes == ("read",)
        process.terminate()
    assert word == "READY"


@pytest.fixture
def mounted(runner, monkeypatch):
    """`mounted("kubernetes.yaml")`: the files and variables of a pod, in this folder."""
    texts = {}
    for block in runner.blocks("docs/how-to/kubernetes.md"):
        if named := re.match(r"# (\w+\.yaml)\n", block.text):
            texts[named[1]] = runner.replaced(block.text)

    def mount(name):
        folder = runner.folder / "etc"
        documents = list(
            yaml.safe_load_all(texts[name].replace("/etc/oauthreg", f"{folder}/oauthreg"))
        )
        data = {d["kind"]: d.get("data") or d.get("stringData") for d in documents}
        for kind, below in (("ConfigMap", "config"), ("Secret", "secrets")):
            for file, text in (data.get(kind) or {}).items():
                path = folder / "oauthreg" / below / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
                path.chmod(0o600)
        for pod in (d["spec"] for d in documents if d["kind"] == "Pod"):
            (container,) = pod["containers"]
            for one in container["env"]:
                monkeypatch.setenv(one["name"], one["value"])
            volumes = {volume["name"] for volume in pod["volumes"]}
            assert {mount["name"] for mount in container["volumeMounts"]} == volumes
        return folder / "oauthreg"

    return mount


def test_a_pod_finds_its_settings_and_a_rotated_secret(mounted, server):
    folder = mounted("kubernetes.yaml")
    with AuthorizedClientManager.from_settings() as manager:
        assert manager.authorize("my-client").access_token
        server.change_secret("my-client", "rotated")
        (folder / "secrets/my-client").write_text("rotated")
        assert manager.authorize("my-client", force=True).access_token
    assert server.token_requests == 2


def test_a_folder_of_secrets_is_found(mounted, runner, server, monkeypatch):
    folder = mounted("kubernetes.yaml")
    (folder / "secrets/my-client").unlink()
    settings = folder / "config/settings.toml"
    lines = settings.read_text().splitlines(keepends=True)
    settings.write_text("".join(line for line in lines if "secret" not in line))
    mounted("folder.yaml")
    monkeypatch.setenv("OAUTHREG_SECRETS_DIR", str(folder / "secrets"))
    with AuthorizedClientManager.from_settings() as manager:
        assert manager.authorize("my-client").access_token


def test_the_variables_of_the_compose_file_are_settings(runner, monkeypatch):
    (block,) = [b for b in runner.blocks("docs/how-to/kubernetes.md") if "services:" in b.text]
    document = yaml.safe_load(block.text)
    (path,) = {"/run/secrets/" + name for name in document["secrets"]}
    for name, value in document["services"]["app"]["environment"].items():
        if name != "OAUTHREG_SETTINGS":
            monkeypatch.setenv(name, value.replace(path, "my-client.secret"))
    monkeypatch.setenv("OAUTHREG_REGISTRATION__MY_CLIENT__CLIENT_ID", "my-client")
    monkeypatch.setenv("OAUTHREG_PROVIDER__COMPANY__TOKEN_URI", "https://auth.example.com/token")
    (one,) = AuthorizedClientManager.from_settings().registrations["my-client"].client_secrets
    assert one.reference.endswith("/my-client.secret")
