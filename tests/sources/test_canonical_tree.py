"""One source's statements become canonical, and what contradicts itself is a problem."""

from __future__ import annotations

from pathlib import Path

import pytest

from oauthreg._sources import Sourced
from oauthreg._sources.tree import ALTERNATIVES, BASES


def test_ids_and_leaf_names_are_canonical_and_values_are_kept(folder):
    folder.write(
        "settings.toml",
        """
        [registration.My_Client]
        Client_Id = "a"
        scope = ["x", "y"]
        [provider.p]
        TOKEN_URI = "https://as/token"
        [HTTP.default]
        connect_timeout = 2.5
        [store]
        type = "memory"
        [defaults]
        refresh_before = 5
        """,
    )
    assert folder.values() == {
        "registration": {"my-client": {"client-id": "a", "scope": ["x", "y"]}},
        "provider": {"p": {"token-uri": "https://as/token"}},
        "http": {"default": {"connect-timeout": 2.5}},
        "store": {"type": "memory"},
        "defaults": {"refresh-before": 5},
    }


def test_all_five_tables_are_always_there(folder):
    assert list(folder.read({}).tree) == ["registration", "provider", "http", "store", "defaults"]


def test_an_empty_registration_exists(folder):
    assert folder.read({"registration": {"a": {}}}).tree["registration"] == {"a": {}}


def test_keys_of_parameters_and_headers_are_the_users_own(folder):
    settings = {"registration": {"a": {"parameters": {"Key_A": "1", "key-a": "2"}}}}
    assert folder.values(settings) == settings


@pytest.mark.parametrize("leaf", [leaf for leaves in ALTERNATIVES.values() for leaf in leaves])
def test_alternatives_live_under_their_base_key(folder, leaf):
    result = folder.read({"registration": {"a": {leaf.replace("-", "_"): "v"}}})
    (key,) = result.tree["registration"]["a"]
    assert (key, result.tree["registration"]["a"][key].leaf) == (BASES[leaf], leaf)


def test_two_alternatives_in_one_source_are_a_problem(folder):
    folder.write("settings.toml", '[registration.a]\nclient-secret = "x"\nclient-secret-file = "y"')
    assert folder.problem() == (
        "registration.a.client-secret-file (settings.toml line 3): "
        "client-secret and client-secret-file stand in one place: keep one\n"
        "    One of client-secret, client-secret-file, client-secret-ref, client-secrets is enough."
    )


def test_two_spellings_of_a_leaf_are_a_problem(folder):
    folder.write("settings.toml", '[registration.a]\nclient-id = "x"\nclient_id = "y"')
    assert folder.problem() == (
        "registration.a.client_id (settings.toml line 3): "
        "is set twice, by registration.a.client-id and registration.a.client_id: keep one"
    )


def test_two_spellings_of_an_id_are_a_problem(folder):
    folder.write("settings.toml", "[registration.my_client]\n[registration.my-client]\n")
    assert folder.problem() == (
        "registration.my-client (settings.toml line 2): "
        "is spelled 'my_client' and 'my-client' in one place: keep one spelling"
    )


def test_two_spellings_of_a_table_of_entries_are_a_problem(folder):
    leaves = {"parameters": {"a": "1"}, "Parameters": {"b": "2"}}
    assert "is spelled 'parameters' and 'Parameters'" in folder.problem(
        {"registration": {"a": leaves}}
    )


def test_two_spellings_in_two_sources_are_one_setting(folder):
    folder.write("a.toml", '[registration.my_client]\nclient_id = "low"')
    folder.write("b.toml", '[registration.my-client]\nclient-id = "high"')
    assert folder.values(["a.toml", "b.toml"]) == {
        "registration": {"my-client": {"client-id": "high"}}
    }


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"registrations": {}}, "there is no such section\n    Did you mean 'registration'?"),
        ({"zzz": 1}, "Known: defaults, environment, http, provider, registration, store"),
        ({"registration": "x"}, "registration (the dict of settings): must be a table"),
        ({"store": ["x"]}, "must be a table\n    Write it as [store]."),
        (
            {"registration": {"a": "x"}},
            "it holds a\n    Write them below [registration.my-client].",
        ),
        ({"registration": {"a": {"headers": "x"}}}, "registration.a.headers"),
        ({1: {}}, "the dict of settings: has a int as a key"),
        ({"registration": {"": {}}}, "registration (the dict of settings): has an empty name"),
        ({"registration": {"a": {None: 1}}}, "has a NoneType as a key"),
        ({"registration": {"a": {"parameters": {2: 1}}}}, "has a int as a key"),
    ],
)
def test_misshapen_settings_are_problems(folder, settings, text):
    assert text in folder.problem(settings)


def test_a_dict_keeps_values_as_they_are_and_is_hermetic(folder):
    folder.write("settings.toml", "this is not TOML")
    folder.write(".env", "OAUTHREG_NONSENSE=1")
    scopes = ["a"]
    leaves = {"certificate-file": Path("c.pem"), "scope": scopes, "refresh-before": 3}
    settings = {"registration": {"a": leaves}}
    result = folder.read(settings, {"OAUTHREG_SETTINGS": "no", "OAUTHREG_WRONG": "1"})
    assert result.problems == ()
    assert result.looked_at == ("a dict of settings",)
    assert result.tree["registration"]["a"]["scope"].value is scopes
    assert result.tree["registration"]["a"]["certificate-file"].value == Path("c.pem")
    assert result.tree["registration"]["a"]["scope"].origin.base == folder.path


@pytest.mark.parametrize("name", ["profile", "env_file", "secrets_dir"])
def test_a_dict_goes_with_no_other_source(folder, name):
    assert folder.problem({}, **{name: "x"}).startswith(f"{name}: cannot be given with a dict")


def test_a_leaf_does_not_show_its_value():
    from oauthreg._sources import Origin

    sourced = Sourced("s3cr3t", Origin("environment", "OAUTHREG_X"), "client-secret")
    assert repr(sourced) == "Sourced(client-secret from environment OAUTHREG_X)"
