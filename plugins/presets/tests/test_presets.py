"""Every preset by the conformance kit, with the answers that its vendor documents."""

import tomllib
from pathlib import Path

from oauthreg.presets import names
from oauthreg.testing import preset_tests

PACKAGE = "oauthreg_presets"
FOLDER = Path(__file__).parents[1]

globals().update(preset_tests(PACKAGE))


def test_every_preset_has_an_entry_point_and_the_reverse():
    project = tomllib.loads((FOLDER / "pyproject.toml").read_text("utf-8"))["project"]
    points = project["entry-points"]["oauthreg.providers"]
    assert points == {name: f"{PACKAGE}:{name.replace('-', '_')}" for name in names(PACKAGE)}
