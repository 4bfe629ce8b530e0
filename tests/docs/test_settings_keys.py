"""The models, settings.example.toml and docs/settings.md name the same keys."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from oauthreg import AuthorizedClientManager
from oauthreg._provider_data import GenericSettings
from oauthreg._settings.models import (
    NOT_IN_DEFAULTS,
    HttpSettings,
    ProviderAddresses,
    RegistrationSettings,
    TopLevelSettings,
    aliases,
)
from oauthreg._settings.store import StoreSettings

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "settings.example.toml"
VENDOR_DATA = aliases(GenericSettings)
"""Keys of a provider without a plugin."""

MODELS = {
    "Top": TopLevelSettings,
    "registration": RegistrationSettings,
    "provider": ProviderAddresses,
    "http": HttpSettings,
    "store": StoreSettings,
}
HEADER = re.compile(r"\[(\w+)")
SETTING = re.compile(r"#?([a-z][a-z-]*) = ")
ROW = re.compile(r"\| `([a-z-]+)` \|")


def keys_of_the_example():
    """Return the keys of each section, on or off; those of [defaults] are a registration's."""
    found = {section: [] for section in MODELS}
    section = "Top"
    for line in EXAMPLE.read_text("utf-8").splitlines():
        if header := HEADER.match(line):
            section = header[1]
        elif setting := SETTING.match(line):
            found["registration" if section == "defaults" else section].append(setting[1])
    return found


def keys_of_the_reference():
    """Return the keys of the tables below `## `section`` and `## Top level` headings."""
    found = {section: [] for section in MODELS}
    parts = (ROOT / "docs/settings.md").read_text("utf-8").split("\n## ")
    for part in parts:
        section = re.split(r"\W", part.lstrip("`"), maxsplit=1)[0]
        if section in MODELS:
            found[section] = [row[1] for line in part.splitlines() if (row := ROW.match(line))]
    return found


def keys_of_the_model(section):
    return sorted((*aliases(MODELS[section]), *(VENDOR_DATA if section == "provider" else ())))


@pytest.mark.parametrize("section", MODELS)
def test_the_example_has_each_key_once(section):
    assert sorted(keys_of_the_example()[section]) == keys_of_the_model(section)


@pytest.mark.parametrize("section", MODELS)
def test_the_reference_has_each_key_once(section):
    plugins = {"keycloak", "auth0", "okta"} if section == "provider" else set()
    listed = [key for key in keys_of_the_reference()[section] if key not in plugins]
    assert sorted(listed) == keys_of_the_model(section)


def test_the_reference_and_the_example_are_in_one_order():
    example, reference = keys_of_the_example(), keys_of_the_reference()
    assert reference["http"] == example["http"]


def test_the_example_is_loadable_as_it_is():
    registrations = AuthorizedClientManager.from_settings(
        EXAMPLE, env_file=None, profile=None
    ).registrations
    assert [*registrations] == ["my-client"]
    assert registrations["my-client"].provider.issuer_uri == "https://auth.example.com"


def test_every_setting_that_is_off_is_valid_when_it_is_on():
    lines = EXAMPLE.read_text("utf-8").splitlines()
    document = tomllib.loads(
        "\n".join(line.removeprefix("#") if SETTING.match(line) else line for line in lines)
    )
    TopLevelSettings.model_validate({"environment": document["environment"]})
    RegistrationSettings.model_validate({**document["registration"]["my-client"]})
    provider = document["provider"]["my-provider"]
    GenericSettings.model_validate({key: provider.pop(key) for key in VENDOR_DATA})
    ProviderAddresses.model_validate(provider)
    own_file = {"ca-bundle": __file__}  # which has to be there
    HttpSettings.model_validate({**document["http"]["default"], **own_file})
    StoreSettings.model_validate({**document["store"], **own_file})
    assert not document["defaults"].keys() & NOT_IN_DEFAULTS
    RegistrationSettings.model_validate({"client-id": "x", **document["defaults"]})


def test_what_the_example_says_is_off_is_the_default():
    """Where a line shows a default, it is the model's."""
    lines = EXAMPLE.read_text("utf-8").splitlines()
    shown = tomllib.loads(
        "\n".join(line.removeprefix("#") if SETTING.match(line) else line for line in lines)
    )
    tables = {
        "registration": {**shown["registration"]["my-client"], **shown["defaults"]},
        "http": shown["http"]["default"],
        "store": shown["store"],
    }
    for section, table in tables.items():
        for name, field in MODELS[section].model_fields.items():
            key = field.alias or name
            if isinstance(field.default, bool | int | float) and not field.is_required():
                assert table[key] == field.default, f"{section}.{key}"
