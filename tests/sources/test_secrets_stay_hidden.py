"""A secret planted in every place is in no problem and in no repr."""

from __future__ import annotations

import logging

import pytest

SECRET = "s3cr3t-Zq9"
P = "spring.security.oauth2.client."
LEAF = f'client-secret = "{SECRET}"'
VARIABLE = "OAUTHREG_REGISTRATION__A__CLIENT_SECRET"

FILES = {
    "good.toml": f"[registration.a]\n{LEAF}\nparameters = {{ password = '{SECRET}' }}",
    "twice.toml": f'[registration.a]\n{LEAF}\nclient_secret = "{SECRET}"',
    "both.toml": f'[registration.a]\n{LEAF}\nclient-secret-file = "{SECRET}"',
    "section.toml": f'registration = "{SECRET}"',
    "unknown.toml": f'registratoin = "{SECRET}"',
    "flat.toml": f'[registration]\na = "{SECRET}"',
    "headers.toml": f'[registration.a]\nheaders = "{SECRET}"',
    "own.toml": f'oauthreg = "{SECRET}"',
    "broken.toml": f'[registration.a]\nclient-secret = "{SECRET}',
    "bare.toml": f"[registration.a]\nclient-secret = {SECRET}",
    "escape.toml": f'[registration.a]\nclient-secret = "\\q{SECRET}"',
    "good.yml": f"{P}registration.a.client-secret: {SECRET}",
    "broken.yml": f"client-secret: {SECRET}: '",
    "tab.yml": f"a:\n\tclient-secret: {SECRET}",
    "alias.yml": f"a: *{SECRET}",
    "unknown.yml": f"{P}registration.a.client-secrett: {SECRET}",
    "list.yml": f"{P}registration.a.client-secret: [{SECRET}]",
    "flat.yml": f"{P}registration.a: {SECRET}",
    "cond.yml": f"spring.config.activate.x: {SECRET}\n{P}registration.a.client-secret: {SECRET}",
    "default.yml": f"{P}registration.a.client-secret: ${{NO${{X:{SECRET}}}}}",
    "inner.yml": f"p: {SECRET}\n{P}registration.a.client-secret: ${{${{p}}}}",
    "import.yml": f"spring.config.import: {SECRET}\n{P}registration.a.client-id: ${{NO}}",
    "twice.properties": f"{P}provider.a.token-uri={SECRET}\n{P}provider.a.tokenUri={SECRET}2",
    "escape.properties": f"{P}registration.a.client-secret=\\u00{SECRET}",
}
ENVIRONMENTS = {
    "good": {VARIABLE: SECRET},
    "unknown": {"OAUTHREG_CLIENT_SECRET": SECRET},
    "both": {VARIABLE: SECRET, f"{VARIABLE}_FILE": SECRET},
    "twice": {VARIABLE: SECRET, VARIABLE.lower(): SECRET},
    "json": {f"{VARIABLE}S": f'["{SECRET}'},
    "list": {"OAUTHREG_DEFAULTS__HEADERS": f'["{SECRET}"]'},
    "table": {"OAUTHREG_DEFAULTS__PARAMETERS": SECRET},
}


def shown(result):
    return "\n".join([repr(result), *map(str, result.problems)])


@pytest.fixture(autouse=True)
def listening(caplog, monkeypatch):
    """Have pydantic-settings log all it is given, and read that too."""
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    with caplog.at_level(logging.DEBUG):
        yield
    assert SECRET not in caplog.text


@pytest.mark.parametrize("name", FILES)
def test_in_a_file(folder, name):
    folder.write(name, FILES[name])
    result = folder.read(name)
    assert SECRET not in shown(result)
    assert bool(result.problems) is not name.startswith("good")


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_in_the_environment_a_dot_env_and_a_secrets_directory(folder, name):
    environ = ENVIRONMENTS[name]
    folder.write("settings.toml", "")
    folder.write(".env", "".join(f"{key}='{value}'\n" for key, value in environ.items()))
    for variable, text in environ.items():
        folder.write(f"s/{variable.removeprefix('OAUTHREG_')}", text)
    results = [folder.read([], environ), folder.read(), folder.read([], secrets_dir="s")]
    for result in results:
        assert SECRET not in shown(result)
    assert bool(results[0].problems) is bool(results[1].problems) is (name != "good")


def test_in_a_broken_line_of_a_dot_env(folder):
    folder.write(".env", f"{VARIABLE}='{SECRET}\n{VARIABLE} {SECRET}")
    result = folder.read([], env_file=".env")
    assert len(result.problems) == 2
    assert SECRET not in shown(result)


@pytest.mark.parametrize(
    "settings",
    [
        {"registration": SECRET},
        {"registration": {"a": SECRET}},
        {"registration": {"a": {1: SECRET, "client-secret": SECRET}}},
        {"registration": {"a": {"client-secret": SECRET, "Client-Secret": SECRET}}},
        {"store": {"headers": [SECRET]}},
    ],
)
def test_in_a_dict_or_in_arguments(folder, settings):
    for result in (folder.read(settings), folder.read([], arguments=settings)):
        assert result.problems
        assert SECRET not in shown(result)
