"""`oauthreg check` against Keycloak: six planted faults are named, and the good ones pass."""

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text
from typer.testing import CliRunner

from oauthreg._cli.app import app

PICTURES = Path(__file__).parents[2] / ".build" / "pictures"
REMOTE_FONT = re.compile(r",\s*url\(\"https://[^)]*\) format\(\"\w+\"\)")
FAULTS = {
    "wrong-secret": ("token", "client-secret"),
    "wrong-realm": ("metadata", "provider.wrong-realm.issuer-uri"),
    "untrusted": ("tls", "ca-bundle"),
    "scope": ("token", "scope"),
    "no-service": ("token", "client"),
    "misspelt": ("settings", "Did you mean 'client-secret'?"),
}


@pytest.fixture
def settings(keycloak, tmp_path):
    """Settings with good registrations, and one for each fault."""
    known = keycloak.clients
    lines = []

    def registration(name, client, provider="plain", **more):
        keys = {"provider": provider, "client-id": client.client_id} | more
        if client.client_secret and "client-secrte" not in more:
            keys.setdefault("client-secret", client.client_secret)
        if client.key_file:
            keys["private-key-file"] = client.key_file
            keys["key-id"] = client.key_id
            keys["signing-algorithm"] = client.algorithm
        if client.certificate_file:
            keys["certificate-file"] = client.certificate_file
            keys["certificate-key-file"] = client.certificate_key_file
        lines.append(f"[registration.{name}]")
        lines.extend(f"{key} = {json.dumps(value)}" for key, value in keys.items())

    def method(client):
        return {"client-authentication-method": client.method}

    for name in ("basic", "post", "odd", "secret-jwt", "key-rsa", "key-ec"):
        registration(name, known[name], **method(known[name]), scope="read")
    registration("dpop", known["dpop"], dpop=True)
    registration("mtls", known["mtls"], "tls", http="own-ca", **method(known["mtls"]))
    registration("wrong-secret", known["basic"], **{"client-secret": "another"})
    registration("wrong-realm", known["basic"], "wrong-realm")
    registration("untrusted", known["basic"], "tls")
    registration("scope", known["basic"], scope="read delete")
    registration("no-service", known["none"], **method(known["none"]))
    registration("misspelt", known["basic"], **{"client-secrte": "x"})
    lines += [
        "[provider.plain]",
        f'issuer-uri = "{keycloak.issuer}"',
        "[provider.tls]",
        f'issuer-uri = "{keycloak.mtls_issuer}"',
        "[provider.wrong-realm]",
        f'issuer-uri = "{keycloak.issuer}-of-others"',
        "[http.own-ca]",
        f'ca-bundle = "{keycloak.ca_bundle}"',
    ]
    path = tmp_path / "settings.toml"
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_six_planted_faults_are_named_and_the_others_are_well(settings, keycloak):
    done = CliRunner().invoke(app, ["check", "--json", "--settings", str(settings)])
    results = {one["id"]: one for one in json.loads(done.stdout)}
    assert done.exit_code == 2
    failed = {
        id_: [step for step in one["steps"] if not step["ok"]] for id_, one in results.items()
    }
    assert {id_ for id_, steps in failed.items() if steps} == FAULTS.keys(), failed
    for id_, (name, word) in FAULTS.items():
        (step,) = failed[id_]
        assert (step["name"], word in f"{step['seen']} {step['remedy']}") == (name, True), step
        assert step["remedy"]
    secrets = [client.client_secret for client in keycloak.clients.values() if client.client_secret]
    assert not any(secret in done.output for secret in secrets)


@pytest.mark.parametrize("words", ["check", "explain basic --online"])
def test_people_see_it_in_colour(settings, monkeypatch, words):
    monkeypatch.chdir(settings.parent)
    environment = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    done = CliRunner().invoke(app, words.split(), env=environment)
    assert "\x1b[" in done.stdout
    picture(done.stdout, f"$ oauthreg {words}", PICTURES / f"{words.split()[0]}.svg")
    if words == "check":
        verdict = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout).rstrip().splitlines()[-1]
        assert verdict.startswith("8 of 14 registrations well; not well: wrong-secret")


def picture(text, title, path):
    """Draw what a terminal shows, for docs/images."""
    path.parent.mkdir(parents=True, exist_ok=True)
    terminal = Console(record=True, width=120, file=io.StringIO())
    terminal.print(Text.from_ansi(text))
    drawn = terminal.export_svg(title=title, unique_id=path.stem)
    path.write_text(REMOTE_FONT.sub("", drawn), "utf-8")
