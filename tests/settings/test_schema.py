"""The JSON Schema: what it refuses, the loader refuses; what the loader takes, it takes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated

import pytest
from jsonschema import Draft7Validator
from pydantic import BeforeValidator

from oauthreg._plugins import BUILT_IN, Installed
from oauthreg._provider import ProviderPlugin
from oauthreg._provider_data import ProviderSettings
from oauthreg._settings import schema
from oauthreg._settings.load import assemble
from oauthreg._settings.models import (
    HttpSettings,
    ProviderAddresses,
    RegistrationSettings,
    TopLevelSettings,
    aliases,
)
from oauthreg._settings.schema import UNREAD, installed_plugins, json_schema
from oauthreg._settings.store import StoreSettings
from oauthreg._sources import read

ROOT = Path(__file__).parents[2]
BeforeShape = Annotated[str | None, BeforeValidator(str)]
OWN = Draft7Validator(json_schema())
INSTALLED = Draft7Validator(json_schema(installed_plugins()))
BASE = """
[registration.a]
client-id = "a"
client-secret = "s"
provider = "p"
[provider.p]
token-uri = "https://auth.example/token"
"""
GOOD = [
    BASE,
    'environment = "staging"' + BASE,
    BASE.replace("client-id", "CLIENT_ID"),
    BASE.replace("[registration.a]", '[Registration."My Client"]\nscope = "read write"'),
    BASE + "[http.default]\nconnect-timeout = 3\nread-timeout = '2.5'\nmax-connections = 8\n",
    BASE + "[http.other]\nconnect_timeout = 3\n",
    BASE + '[defaults]\nscope = ["read"]\neager = false\nrefresh-before = 0\n',
    BASE + '[registration.a.parameters]\nnumber = 1\ntruth = true\nMixed_Case = "x"\n',
    BASE.replace("a]", "a]\nauthorization-grant-type = 'Client-Credentials'"),
    BASE.replace("a]", "a]\nclient-authentication-method = 'CLIENT-SECRET-POST'"),
    BASE.replace("a]", "a]\ndpop = 'Optional'\neager = 'TRUE'\nbasic-encoding = ' raw '"),
    BASE.replace('client-secret = "s"', 'client-secrets = ["s", { ref = "env:PATH" }]'),
    BASE + '[provider.p.answer]\naccess_token = "data.token"\n',
    BASE + '[provider.p.error-hints]\ninvalid_client = "Ask."\n',
    "[oauthreg]\n" + BASE.replace("[", "[oauthreg.") + '[other]\nkey = "of another program"\n',
    """
[registration.google]
client-id = "a"
client-secret = "s"
redirect-uri = "https://app.example/cb"
""",
]
BAD = [
    BASE.replace("client-id", "client-idd"),
    BASE.replace('"a"', "1"),
    BASE.replace('client-id = "a"', 'client-id = ""'),
    BASE.replace("token-uri", "token-url"),
    BASE.replace("[registration.a]", "[registrations.a]"),
    BASE.replace("a]", "a]\nauthorization-grant-type = 'magic'"),
    BASE.replace("a]", "a]\nclient-authentication-method = 'basic'"),
    BASE.replace("a]", "a]\nsigning-algorithm = 'rs256'"),
    BASE.replace("a]", "a]\neager = 'maybe'"),
    BASE.replace("a]", "a]\nscope = 5"),
    BASE.replace("a]", "a]\nbasic-encoding = 'base64'"),
    BASE.replace("a]", "a]\nmax-lifetime = 'soon'"),
    BASE + "[http.default]\nread-timeout = 0\n",
    BASE + "[http.default]\nread-timeout = true\n",
    BASE + "[http.default]\nmax-connections = 0\n",
    BASE + '[store]\nencryption = "none"\n',
    BASE + "[store]\nurls = 'redis://x'\n",
    BASE + '[defaults]\nclient-id = "a"\n',
    BASE + "[timeouts]\nread = 1\n",
    BASE + '[provider.p.token-types]\nbearer = ["x"]\n',
    "[oauthreg]\n" + BASE.replace("[", "[oauthreg.").replace("client-id", "client-idd"),
    "registration = 1\n",
]
KEYCLOAK = BASE.replace(
    'token-uri = "https://auth.example/token"',
    'type = "keycloak"\nbase-url = "https://auth.example"\nrealm = "r"',
)


def problems(text):
    document = tomllib.loads(text)
    document = document.get("oauthreg", document)
    return assemble(read(document))[1]


def refusals(validator, text):
    return [error.message for error in validator.iter_errors(tomllib.loads(text))]


def test_it_is_a_schema():
    for each in (OWN.schema, INSTALLED.schema):
        Draft7Validator.check_schema(each)


@pytest.mark.parametrize("validator", [OWN, INSTALLED], ids=["own", "installed"])
@pytest.mark.parametrize("text", GOOD)
def test_a_good_file_passes_both(validator, text):
    assert problems(text) == []
    assert refusals(validator, text) == []


@pytest.mark.parametrize("validator", [OWN, INSTALLED], ids=["own", "installed"])
@pytest.mark.parametrize("text", BAD)
def test_a_broken_file_passes_neither(validator, text):
    assert refusals(validator, text)
    assert problems(text)


def test_the_settings_of_installed_plugins_are_in_it():
    assert problems(KEYCLOAK) == []
    assert refusals(INSTALLED, KEYCLOAK) == []
    assert refusals(INSTALLED, KEYCLOAK.replace("realm", "relm"))
    named = KEYCLOAK.replace('type = "keycloak"\n', "").replace(
        "[provider.p]", "[provider.Keycloak]"
    )
    named = named.replace('provider = "p"', 'provider = "keycloak"')
    assert problems(named) == []
    assert refusals(INSTALLED, named) == []
    assert refusals(INSTALLED, named.replace("realm", "relm"))
    realm = INSTALLED.schema["definitions"]["provider-keycloak"]["properties"]["realm"]
    assert realm["type"] == "string"


def test_a_registration_may_have_the_settings_of_a_plugin_that_is_not_installed():
    text = KEYCLOAK.replace("keycloak", "of-another-machine")
    text = text.replace("[registration.a]", "[registration.a]\ninstallation-id = 5")
    assert refusals(OWN, text) == []
    assert refusals(OWN, text.replace("of-another-machine", "generic"))
    assert refusals(OWN, text.replace("client-secret = ", "client-secret = 5 #")), "of a known key"


def test_a_plugin_that_is_not_installed_may_have_any_setting():
    text = KEYCLOAK.replace("keycloak", "of-another-machine").replace("realm", "anything")
    assert refusals(OWN, text) == []
    assert refusals(OWN, KEYCLOAK) == []


MODELS = {
    "registration": RegistrationSettings,
    "provider": ProviderAddresses,
    "http": HttpSettings,
    "store": StoreSettings,
    "": TopLevelSettings,
}
VALUES = ["x", "", " x ", "1", "-1", 0, 1, -3, 2.5, 1e12, True, False, [], ["x"], [1], {}, {"x": 1}]
VALUES += [["x", {"file": "y"}], {"x": "y"}, "on", "POST", [{}]]
CASES = [(section, key) for section, model in MODELS.items() for key in aliases(model)]


@pytest.mark.parametrize(("section", "key"), CASES, ids=str)
def test_what_it_refuses_of_a_key_the_loader_refuses(section, key):
    seen = 0
    for value in VALUES:
        document = tomllib.loads(BASE)
        name = {"registration": "a", "provider": "p", "http": "default"}.get(section)
        table = document.setdefault(section, {}) if section else document
        table = table.setdefault(name, {}) if name else table
        if key.startswith("client-secret"):
            table.pop("client-secret")
        table[key] = value
        if not OWN.is_valid(document):
            seen += 1
            assert assemble(read(document))[1], f"{key} = {value!r}"
    assert seen or key in UNREAD or (section, key) == ("provider", "type")


def test_what_it_shows_of_a_key():
    scope = OWN.schema["definitions"]["registration"]["properties"]["scope"]
    assert scope["description"].startswith("what is asked for")
    properties = OWN.schema["definitions"]["http"]["properties"]
    assert properties["read-timeout"]["default"] == 10.0
    grant = OWN.schema["definitions"]["registration"]["properties"]["authorization-grant-type"]
    assert grant["default"] == "client_credentials"
    assert {"device_code", "token-exchange"} <= set(grant["anyOf"][0]["enum"])


def test_every_key_has_a_description():
    for section, key in CASES:
        definition = "provider-generic" if section == "provider" else section
        owner = OWN.schema["definitions"][definition] if section else OWN.schema
        assert owner["properties"][key]["description"], f"{section}.{key}"


SETTING = re.compile(r"#?[a-z][a-z-]* = ")


def test_the_example_passes_also_where_every_setting_in_it_is_on():
    text = (ROOT / "settings.example.toml").read_text("utf-8")
    lines = [line.removeprefix("#") if SETTING.match(line) else line for line in text.splitlines()]
    assert refusals(OWN, text) == refusals(OWN, "\n".join(lines)) == []


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/**/*.md")), ids=lambda path: path.name)
def test_the_settings_of_the_documents_pass(page):
    for text in re.findall(
        r"^```toml\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
    ):
        if "\n[registration." in f"\n{text}" and not text.startswith("# typo"):
            assert refusals(OWN, text) == refusals(INSTALLED, text) == [], text


class NumberSettings(ProviderSettings):
    """Settings of a plugin.

    Attributes:
        retries: How often.
    """

    retries: int = 3
    share: float = 0.5
    on: bool = False
    shape: BeforeShape = None


class Numbers(ProviderPlugin[NumberSettings]):
    token_uri = "https://auth.example/token"


def test_the_settings_of_a_plugin_are_forgiven_as_pydantic_forgives_them():
    validator = Draft7Validator(json_schema({**installed_plugins(BUILT_IN), "numbers": Numbers}))
    known = validator.schema["definitions"]["provider-numbers"]["properties"]
    assert known["retries"]["description"] == "How often."
    assert known["retries"]["default"] == 3
    for good in ("retries = '3'", "share = 1", "on = 'off'", "shape = [1]", "Retries = true"):
        assert refusals(validator, f'[provider.n]\ntype = "numbers"\n{good}\n') == [], good
    for bad in ("retries = 'three'", "share = true", "on = 'maybe'", "tries = 1"):
        assert refusals(validator, f'[provider.n]\ntype = "numbers"\n{bad}\n'), bad


def test_a_plugin_that_does_not_import_is_left_out(monkeypatch):
    broken = Installed("broken", "no_such_module:Plugin", "broken 1.0")
    monkeypatch.setattr(schema, "installed", lambda _group: (broken,))
    assert set(installed_plugins()) == set(BUILT_IN)
