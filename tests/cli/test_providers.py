"""`oauthreg providers`: what is installed, what could be, and what one plugin takes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from oauthreg._cli.provider_details import details, kind
from oauthreg._plugins import PROVIDERS, Installed, installed, provider_plugin
from oauthreg.plugin import ProviderPlugin, ProviderSettings


@pytest.fixture
def few(monkeypatch):
    """Let these alone be installed: `few("keycloak")`, and others as they are given."""
    real = installed(PROVIDERS)

    def few(*names, others=()):
        found = (*(one for one in real if one.name in names), *others)
        monkeypatch.setattr("oauthreg._plugins.installed", lambda _group: found)

    return few


def test_every_plugin_has_a_row_and_none_is_imported(few, program):
    rows = {row["name"]: row for row in json.loads(program("providers", "--json").stdout)}
    assert rows["keycloak"]["state"] == "installed"
    assert rows["keycloak"]["distribution"] == "oauthreg-keycloak"
    assert rows["keycloak"]["version"] == "0.1.0"
    assert rows["keycloak"]["about"].startswith("Keycloak")
    assert rows["google"]["state"] == "built in"
    listing = "import oauthreg._cli.providers as p, sys; p.rows(); print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", listing], text=True).split()
    assert not [name for name in loaded if name.startswith("oauthreg_")]


def test_what_could_be_installed_says_how(few, oauthreg):
    few("keycloak")
    done = oauthreg("providers")
    assert done.returncode == 0
    before, after = done.stdout.split("\nNot installed:\n")
    before, after = (dict(line.split(None, 1) for line in t.splitlines()) for t in (before, after))
    assert before["keycloak"] == "oauthreg-keycloak 0.1.0"
    assert before["google"] == "built in"
    assert after["okta"] == "pip install oauthreg-okta"
    assert after["shopify"] == "pip install oauthreg-presets"
    assert "keycloak" not in after
    rows = {row["name"]: row for row in json.loads(oauthreg("providers", "--json").stdout)}
    assert rows["okta"]["install"] == "pip install oauthreg-okta"


def test_a_name_of_two_distributions_is_marked(few, oauthreg):
    few("keycloak", others=[Installed("x", "acme:X", "acme 1.0")])
    lines = [line for line in oauthreg("providers").stdout.splitlines() if line[:2] == "x "]
    assert len(lines) == 2
    assert all("neither can be used" in line for line in lines)


def test_one_plugin_is_shown_with_all_that_it_takes(oauthreg):
    done = oauthreg("providers", "shopify")
    assert done.returncode == 0
    for line in (
        "shopify  oauthreg-presets 0.1.0",
        "kind            preset",
        "documentation   https://shopify.dev/",
        "  shop (host-label, required)",
        "      The acme of acme.myshopify.com",
        "token-uri       https://{shop}.myshopify.com/admin/oauth/access_token",
        "api-uri         https://{shop}.myshopify.com",
        "api header      X-Shopify-Access-Token: {access_token}",
        "method          client_secret_post",
        "grant           client_credentials",
        "unverified      ",
    ):
        assert line in done.stdout


def test_one_plugin_as_json(oauthreg):
    found = json.loads(oauthreg("providers", "keycloak", "--json").stdout)
    assert found["distribution"] == "oauthreg-keycloak"
    assert found["addresses"] == {"issuer-uri": "{base_url}/realms/{realm}"}
    assert [one["name"] for one in found["settings"]] == ["base-url", "realm"]
    assert found["settings"][1]["help"] == "The realm's name."
    assert {"interface", "method", "grant", "documentation", "unverified"} <= found.keys()


@pytest.mark.parametrize("name", [*(one.name for one in installed(PROVIDERS)), "generic", "x"])
def test_every_plugin_can_be_shown(oauthreg, name):
    assert oauthreg("providers", name).returncode == 0
    json.loads(oauthreg("providers", name, "--json").stdout)
    for one in details(name, provider_plugin(name))["settings"]:
        assert one["help"] or name == "generic", f"{name}: {one['name']} has no help"


def test_a_name_that_nobody_has_gets_the_closest(few, oauthreg):
    few("keycloak")
    done = oauthreg("providers", "oktaa")
    assert done.returncode == 2
    assert "the closest are" in done.stderr
    assert "Did you mean 'okta'? pip install oauthreg-okta" in done.stderr


def test_the_kind_says_how_much_is_code():
    class Data(ProviderPlugin[ProviderSettings]):
        pass

    class Hooks(Data):
        def check(self, registration):
            return ()

    class Flows(Hooks):
        def flow(self, context):
            yield

    assert [kind(one) for one in (Data, Hooks, Flows)] == ["data", "hooks", "flow"]
    assert details("x", Flows)["overrides"] == ["check", "flow"]


def test_the_shell_completes_names():
    from oauthreg._cli.providers import provider_names

    assert provider_names("keyc") == ["keycloak"]
