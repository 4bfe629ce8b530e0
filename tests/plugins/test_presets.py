"""Presets of a package that is installed for a test: what they are, and what is wrong with them."""

from __future__ import annotations

import importlib
import sys

import pytest

from oauthreg import ConfigurationError, PluginError
from oauthreg._plugins import PROVIDERS, installed, provider_plugin
from oauthreg.presets import load, names
from oauthreg.testing import preset_tests

INIT = "from oauthreg.presets import load\n\n__getattr__ = load(__name__)\n"
SHOP = """
[shop]
documentation = "https://shop.example/docs"
settings.shop = { type = "host-label", help = "The acme of acme.shop.example" }
settings.region = { type = "choice", choices = ["eu", "us"], default = "eu", help = "Where" }
settings.tenant = { type = "text", optional = true, help = "The tenant" }
settings.subscription-key = { type = "secret", optional = true, help = "A key" }
token-uri = "https://{shop}.{region}.shop.example/token"
scope-separator = ","
api-uri = "https://{shop}.shop.example"
api-headers = { X-Shop-Token = "{access_token}", X-Tenant = "{tenant}" }
error-hints.no_plan = { hint = "Buy the plan.", category = "permission" }
unverified = ["Nothing."]

[[shop.samples]]
body = '{"access_token":"f856","scope":"a,b","expires_in":60}'
expect = { token = "f856", lifetime = 60, scopes = ["a", "b"] }

[[shop.samples]]
status = 400
body = '{"error":"no_plan"}'
expect = { hint = "Buy the plan" }
"""


@pytest.fixture
def package(install, tmp_path):
    """Install a package of presets: `package(toml, "shop")`; the others are its entry points."""

    def make(toml, *points):
        targets = {name: f"acme_presets:{name.replace('-', '_')}" for name in points}
        install("acme-presets", targets)
        folder = tmp_path / "site-acme-presets" / "acme_presets"
        folder.mkdir()
        (folder / "__init__.py").write_text(INIT)
        (folder / "presets.toml").write_text(toml)
        return "acme_presets"

    yield make
    importlib.import_module("oauthreg.presets")._tables.cache_clear()


def test_a_preset_is_a_plugin_like_any_other(package, manager):
    package(SHOP, "shop")
    clients = manager(
        provider={"s": {"type": "shop", "shop": "acme", "tenant": "blue"}},
        registration={"app": {"client-id": "id", "client-secret": "secret"}},
    )
    provider = clients.registrations["app"].provider
    assert provider.token_uri == "https://acme.eu.shop.example/token"
    assert provider.api_uri == "https://acme.shop.example"
    with clients.override("app", "fixed"):
        assert clients.authorize("app").headers == {"X-Shop-Token": "fixed", "X-Tenant": "blue"}


def test_a_secret_of_a_preset_may_stand_in_a_file(package, manager, tmp_path):
    package(SHOP, "shop")
    (tmp_path / "key").write_text("planted-secret")
    (tmp_path / "key").chmod(0o600)
    clients = manager(
        provider={
            "s": {"type": "shop", "shop": "acme", "subscription-key-file": str(tmp_path / "key")}
        },
        registration={"app": {"client-id": "id", "client-secret": "secret"}},
    )
    assert "planted-secret" not in repr(clients.registrations["app"].provider)


def test_presets_are_made_when_they_are_asked_for(package):
    package(SHOP + "\n[broken]\ntoken-urii = 'x'\n", "shop", "broken")
    assert {one.name for one in installed(PROVIDERS)} >= {"shop", "broken"}
    assert "acme_presets" not in sys.modules
    assert provider_plugin("shop") is provider_plugin("shop")
    assert provider_plugin("shop").__doc__ == "The preset shop of acme_presets."
    with pytest.raises(PluginError, match="broken"):
        provider_plugin("broken")


def test_a_dash_in_a_name_is_an_underscore_in_its_target(package):
    package("[the-shop]\ntoken-uri = 'https://shop.example/token'\n", "the-shop")
    assert provider_plugin("the-shop").__name__ == "TheShop"
    assert names("acme_presets") == ("the-shop",)


def test_a_module_of_presets_has_nothing_else(package):
    package(SHOP, "shop")
    module = importlib.import_module("acme_presets")
    for name in ("other", "_shop", "__path_of__"):
        with pytest.raises(AttributeError, match=name):
            getattr(module, name)


def test_a_third_partys_presets_are_tried_by_the_kit(package):
    package(SHOP, "shop")
    (tests,) = preset_tests("acme_presets").values()
    assert tests.__name__ == "TestShop"
    for name in [one for one in dir(tests) if one.startswith("test_")]:
        getattr(tests(), name)()


def test_a_sample_that_is_not_as_it_says_fails_in_the_kit(package):
    package(SHOP.replace("lifetime = 60", "lifetime = 61.5"), "shop")
    (tests,) = preset_tests("acme_presets").values()
    with pytest.raises(AssertionError, match="lifetime"):
        tests().test_documented_answers_are_understood()


def test_settings_of_a_preset_are_checked_like_any(package, problems):
    package(SHOP, "shop")
    table = {"type": "shop", "shop": "acme.shop.example", "region": "mars", "tenat": "blue"}
    found = problems(
        provider={"s": table}, registration={"app": {"client-id": "id", "client-secret": "x"}}
    )
    assert "must be one label of a host name" in found["provider.s.shop"]
    assert "eu" in found["provider.s.region"]
    assert "Did you mean 'tenant'?" in found["provider.s.tenat"]


WRONG = [
    ("api-header = {}", "api-header: there is no such key. Did you mean 'api-headers'?"),
    ("settings.x = { typ = 'text', help = 'x', type = 'text' }", "Did you mean 'type'?"),
    ("settings.x = { type = 'txt', help = 'x' }", "settings.x.type: must be 'base-url'"),
    ("settings.x = { type = 'text' }", "settings.x.help: field required"),
    ("settings.x = { type = 'choice', help = 'x' }", "must have choices"),
    ("settings.x = { type = 'text', help = 'x', choices = ['a'] }", "must have choices"),
    (
        "settings.x = { type = 'choice', help = 'x', choices = ['a'], default = 'b' }",
        "settings.x: must be 'a'",
    ),
    ("settings.x = { type = 'host-label', help = 'x', default = 'a.b' }", "must be one label"),
    ("settings.x = { type = 'secret', help = 'x', default = 'planted' }", "must have no default"),
    ("settings.X_y = { type = 'text', help = 'x' }", "write it as in base-url"),
    ("settings.token-uri = { type = 'text', help = 'x' }", "a key of every provider"),
    ("settings.api-key = { type = 'text', help = 'x' }", "make it a Secret"),
    ("scope-separator = 5", "scope-separator: must be a valid string"),
    ("error-hints.x = { hnt = 'y' }", "error-hints"),
    ("issuer-uri = 'https://{realm}.example'", "{realm} is no setting"),
    ("requires-interface = '99.0'", "needs oauthreg >= 99.0"),
    ("requires-interface = 'new'", "must be a version"),
    ("[[shop.samples]]\nbody = 'x'\nexpect = { tokn = 'x' }", "Did you mean 'token'?"),
    ("a = 1\nb = 2", "\n  "),
]


@pytest.mark.parametrize(("lines", "words"), WRONG)
def test_a_wrong_table_says_what_to_write(package, lines, words):
    name = package(f"[shop]\ntoken-uri = 'https://shop.example/token'\n{lines}\n", "shop")
    with pytest.raises(TypeError) as caught:
        load(name)("shop")
    assert str(caught.value).startswith("acme_presets/presets.toml [shop]:")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("toml", "words"), [("[shop", "is no TOML"), ("shop = 1", "stands outside of a preset's table")]
)
def test_a_file_that_cannot_be_read_is_named(package, toml, words):
    name = package(toml, "shop")
    with pytest.raises(TypeError, match=words):
        names(name)


def test_a_wrong_preset_is_a_problem_of_the_settings(package, manager):
    package("[shop]\ntoken-urii = 'x'\n", "shop")
    with pytest.raises(ConfigurationError, match="Did you mean 'token-uri'"):
        manager(
            provider={"s": {"type": "shop"}},
            registration={"app": {"client-id": "id", "client-secret": "secret"}},
        )
