"""Every preset by the conformance kit, with the answers that its vendor documents."""

import tomllib
from pathlib import Path

import oauthreg_presets
import pytest

from oauthreg import AuthorizedClientManager, ConfigurationError
from oauthreg.presets import names
from oauthreg.testing import preset_tests

PACKAGE = "oauthreg_presets"
FOLDER = Path(__file__).parents[1]

globals().update(preset_tests(PACKAGE))


def test_every_preset_has_an_entry_point_and_the_reverse():
    project = tomllib.loads((FOLDER / "pyproject.toml").read_text("utf-8"))["project"]
    points = project["entry-points"]["oauthreg.providers"]
    assert points == {name: f"{PACKAGE}:{name.replace('-', '_')}" for name in names(PACKAGE)}


@pytest.mark.parametrize("name", names(PACKAGE))
def test_every_preset_has_a_row_in_the_readme_and_its_vendors_page(name):
    plugin = getattr(oauthreg_presets, name.replace("-", "_"))
    assert plugin.documentation
    fields = plugin.settings_class.model_fields.values()
    settings = ", ".join(f"`{field.alias}`" for field in fields)
    row = f"| [{name}]({plugin.documentation}) | {settings} | {len(plugin.unverified)} |"
    assert row in (FOLDER / "README.md").read_text("utf-8").splitlines()


def test_zitadel_wants_openid():
    registration = {"provider": "z", "client-id": "id", "client-secret": "secret", "scope": "x"}
    with pytest.raises(ConfigurationError, match="must have openid"):
        AuthorizedClientManager.from_settings(
            {
                "provider": {"z": {"type": "zitadel", "base-url": "https://acme.zitadel.cloud"}},
                "registration": {"app": registration},
            }
        )
