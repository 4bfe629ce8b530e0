"""Plugins are found by name, one at a time, and nothing that goes wrong is kept quiet."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

from oauthreg import PluginError, ProviderPlugin
from oauthreg._common_providers import Google
from oauthreg._plugins import (
    OWN_DISTRIBUTIONS,
    PROVIDERS,
    installed,
    known_distributions,
    own_plugin,
    provider_plugin,
)
from oauthreg._provider import GenericProvider

SOURCE = "from oauthreg import ProviderPlugin\nclass Acme(ProviderPlugin): pass\n"
ROOT = Path(__file__).parents[2]
MY = {"client-id": "my-client", "client-secret": "a secret"}


def test_a_plugin_is_found_by_its_name(install):
    install("acme", {"acme": "acme_plugin:Acme"}, acme_plugin=SOURCE)
    assert provider_plugin("acme") is sys.modules["acme_plugin"].Acme


def test_the_generic_and_the_common_providers_need_no_distribution(uninstall):
    uninstall("oauthreg", "oauthreg-keycloak", "oauthreg-auth0", "oauthreg-okta")
    assert provider_plugin("generic") is GenericProvider
    assert provider_plugin("google") is Google


def test_plugins_are_listed_without_being_imported(install):
    install("acme-oauth", {"acme": "acme_plugin:Acme"}, version="2.1", acme_plugin=SOURCE)
    (found,) = [each for each in installed(PROVIDERS) if each.name == "acme"]
    assert (found.target, found.distribution) == ("acme_plugin:Acme", "acme-oauth 2.1")
    assert "acme_plugin" not in sys.modules


def test_nothing_but_the_chosen_plugin_is_imported(install):
    points = {"acme": "acme_plugin:Acme", "acme-broken": "acme_broken:Acme"}
    install("acme", points, acme_plugin=SOURCE, acme_broken="raise RuntimeError('imported')")
    install("acme-other", {"acme-other": "acme_other:Acme"}, acme_other=SOURCE)
    provider_plugin("acme")
    assert "acme_plugin" in sys.modules
    assert not {"acme_broken", "acme_other"} & sys.modules.keys()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("keycloak", ["pip install oauthreg-keycloak"]),
        ("keyclok", ["Did you mean 'keycloak'?", "pip install oauthreg-keycloak"]),
        ("acm", ["Did you mean 'acme'?", "the closest are acme, "]),
        ("nobody", ["Leave the type out"]),
    ],
)
def test_a_missing_plugin_says_what_there_is_and_what_to_install(install, uninstall, name, words):
    uninstall(*(plugin.distribution.split()[0] for plugin in installed(PROVIDERS)))
    install("acme", {"acme": "acme_plugin:Acme"}, acme_plugin=SOURCE)
    with pytest.raises(PluginError) as caught:
        provider_plugin(name)
    text = str(caught.value)
    assert f"no provider plugin called {name!r}" in text
    assert "; oauthreg providers lists all" in text
    assert len(re.search("the closest are (.*);", text)[1].split(", ")) == 3
    assert all(word in text for word in words)
    assert "oauthreg-nobody" not in text, "somebody else may own that name"


def test_an_installed_plugin_is_not_to_be_installed_again(install):
    install("oauthreg-acme", {"acme": "acme_plugin:Acme"}, acme_plugin=SOURCE)
    with pytest.raises(PluginError) as caught:
        provider_plugin("acne")
    assert "Did you mean 'acme'?" in str(caught.value)
    assert "pip install" not in str(caught.value)


def test_two_plugins_of_one_name_are_an_error_before_either_is_imported(install):
    install("acme", {"acme": "acme_plugin:Acme"}, acme_plugin=SOURCE)
    install("acme-fork", {"acme": "acme_fork:Acme"}, version="3.0", acme_fork=SOURCE)
    with pytest.raises(PluginError) as caught:
        provider_plugin("acme")
    text = str(caught.value)
    assert "acme 1.0 (acme_plugin:Acme)" in text
    assert "acme-fork 3.0 (acme_fork:Acme)" in text
    assert not {"acme_plugin", "acme_fork"} & sys.modules.keys()


def test_two_distributions_of_one_target_are_two_plugins(install):
    install("acme", {"acme": "acme_plugin:Acme"}, acme_plugin=SOURCE)
    install("acme-fork", {"acme": "acme_plugin:Acme"})
    with pytest.raises(PluginError, match="twice"):
        provider_plugin("acme")


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("import a_module_that_is_not_there", ModuleNotFoundError),
        ("raise RuntimeError('the vendor SDK is too old')", RuntimeError),
        ("raise AssertionError('the vendor SDK is too old')", AssertionError),
        ("{}['key']", KeyError),
        ("no python", SyntaxError),
        ("Other = 1", AttributeError),
    ],
)
def test_a_plugin_that_does_not_import_is_the_cause_of_the_error(install, source, kind):
    install("acme", {"acme": "acme_plugin:Acme"}, acme_plugin=source)
    with pytest.raises(PluginError) as caught:
        provider_plugin("acme")
    assert type(caught.value.__cause__) is kind
    assert "acme 1.0 does not import" in str(caught.value)
    assert kind.__name__ in str(caught.value)


def test_a_plugin_that_does_not_import_is_a_problem_of_the_settings(install, problems):
    install("acme", {"acme": "acme_plugin:Acme"}, acme_plugin="import a_module_that_is_not_there")
    found = problems(provider={"p": {"type": "acme"}}, registration={"my-client": MY})
    assert "a_module_that_is_not_there" in found["provider.p.type"]


@pytest.mark.parametrize("content", ["class Acme: pass", "def Acme(): pass", "Acme = None"])
def test_a_plugin_has_to_be_a_subclass(install, content):
    install("acme", {"acme": "acme_plugin:Acme"}, acme_plugin=content)
    with pytest.raises(PluginError, match="is not a subclass of"):
        provider_plugin("acme")


def test_a_plugin_installed_meanwhile_needs_a_restart(install, monkeypatch):
    install("acme", {"acme": "acme_plugin:Acme"}, acme_plugin=SOURCE)
    provider_plugin("acme")
    (known,) = [each for each in installed(PROVIDERS) if each.name == "acme"]
    late = type(known)("acme-late", "acme_late:Acme", "acme-late 1.0")
    monkeypatch.setattr("oauthreg._plugins.installed", lambda _group: (known, late))
    with pytest.raises(PluginError, match="Restart it"):
        provider_plugin("acme-late")


@pytest.mark.parametrize("name", ["generic", "google", "x"])
def test_a_plugin_named_like_a_built_in_one_is_an_error_that_names_both(install, problems, name):
    install("acme", {name: "acme_plugin:Acme"}, acme_plugin=SOURCE)
    found = problems(
        provider={"p": {"type": name, "token-uri": "https://sso.example.com/token"}},
        registration={"my-client": MY},
    )["provider.p.type"]
    assert re.search(r"oauthreg [\d.]+, which has it built in \(", found)
    assert "acme 1.0 (acme_plugin:Acme)" in found
    assert "acme_plugin" not in sys.modules


def test_what_can_be_installed_is_what_our_distributions_have():
    found = {}
    for path in ROOT.glob("plugins/*/pyproject.toml"):
        project = tomllib.loads(path.read_text("utf-8"))["project"]
        found[project["name"]] = sorted(project["entry-points"]["oauthreg.providers"])
    known = {name: sorted(table["providers"]) for name, table in known_distributions().items()}
    assert known == found, "oauthreg/known.toml lists the distributions of plugins/"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    for name in known:
        assert extras[name.removeprefix("oauthreg-")] == [f"{name}>=0.1"], "pyproject.toml"


# -- a name is not enough for others than us


def test_our_plugin_is_chosen_by_the_providers_name(manager):
    clients = manager(
        provider={"keycloak": {"base-url": "https://sso.example.com", "realm": "demo"}},
        registration={"my-client": MY},
    )
    assert clients.registrations["my-client"].provider.type == "keycloak"


def test_a_foreign_plugin_is_not_chosen_by_the_providers_name(install, uninstall, manager):
    uninstall("oauthreg-keycloak")
    install("keycloak", {"keycloak": "acme_plugin:Acme"}, acme_plugin=SOURCE)
    assert own_plugin("keycloak") is None
    clients = manager(
        provider={"keycloak": {"token-uri": "https://sso.example.com/token"}},
        registration={"my-client": MY},
    )
    assert clients.registrations["my-client"].provider.type == "generic"
    assert "acme_plugin" not in sys.modules


def test_a_foreign_plugin_is_chosen_by_type(install, uninstall, manager):
    uninstall("oauthreg-keycloak")
    install("keycloak", {"keycloak": "acme_plugin:Acme"}, acme_plugin=SOURCE)
    clients = manager(
        provider={"sso": {"type": "keycloak", "token-uri": "https://sso.example.com/token"}},
        registration={"my-client": MY},
    )
    assert clients.registrations["my-client"].provider.type == "keycloak"
    assert "acme_plugin" in sys.modules


def test_a_foreign_plugin_beside_ours_makes_the_name_ambiguous(install, problems):
    install("keycloak", {"keycloak": "acme_plugin:Acme"}, acme_plugin=SOURCE)
    found = problems(
        provider={"keycloak": {"base-url": "https://sso.example.com", "realm": "demo"}},
        registration={"my-client": MY},
    )
    assert "oauthreg-keycloak 0.1.0 (oauthreg_keycloak:Keycloak)" in found["provider.keycloak.type"]
    assert "keycloak 1.0 (acme_plugin:Acme)" in found["provider.keycloak.type"]
    assert "acme_plugin" not in sys.modules


def test_our_plugin_that_is_not_installed_is_named(uninstall, problems):
    uninstall("oauthreg-keycloak")
    settings = {"base-url": "https://sso.example.com", "realm": "demo"}
    for provider in (settings, {**settings, "token-uri": "https://sso.example.com/token"}):
        found = problems(provider={"keycloak": provider}, registration={"my-client": MY})
        assert "pip install oauthreg-keycloak" in found["provider.keycloak"]


@pytest.mark.parametrize("name", OWN_DISTRIBUTIONS)
def test_what_is_installed_does_not_change_what_addresses_alone_mean(uninstall, manager, name):
    """Without a setting of the plugin the provider is a plain one, whoever installs the plugin."""
    settings = {
        "provider": {name: {"token-uri": "https://sso.example.com/token"}},
        "registration": {"my-client": MY},
    }
    with_plugin = manager(**settings).registrations["my-client"]
    uninstall(*OWN_DISTRIBUTIONS.values())
    without = manager(**settings).registrations["my-client"]
    assert with_plugin == without
    assert without.provider.type == "generic"


def test_a_plugin_of_ours_that_is_broken_is_not_passed_over(install, problems, monkeypatch):
    monkeypatch.setitem(OWN_DISTRIBUTIONS, "acme", "acme-oauth")
    install("acme-oauth", {"acme": "acme_plugin:Acme"}, acme_plugin="raise OSError('x')")
    found = problems(provider={"acme": {"tenant": "blue"}}, registration={"my-client": MY})
    assert "OSError" in found["provider.acme.type"]


def test_the_base_class_itself_is_a_plugin_that_can_be_made():
    assert ProviderPlugin(ProviderPlugin.settings_class()).endpoints() == {}
