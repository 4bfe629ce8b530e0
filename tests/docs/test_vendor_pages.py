"""The pages of vendors say what the plugins say of themselves, and their examples load."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from statistics import median

import pytest

from oauthreg import AuthorizedClientManager
from oauthreg._cli.provider_details import kind
from oauthreg._plugins import known_providers, provider_plugin
from oauthreg.testing import private_key

SCRIPT = Path(__file__).with_name("vendor_pages.py")
SPEC = importlib.util.spec_from_file_location("vendor_pages", SCRIPT)
vendor_pages = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(vendor_pages)


def test_the_pages_are_made_of_what_the_plugins_say():
    wanted = vendor_pages.pages()
    there = {*(vendor_pages.DOCS / "vendors").glob("*.md"), vendor_pages.DOCS / "vendors.md"}
    remedy = "python tests/docs/vendor_pages.py"
    assert {path: path.read_text("utf-8") for path in there} == wanted, remedy


@pytest.mark.parametrize("name", sorted(known_providers()))
def test_the_example_of_a_vendor_loads(name, tmp_path):
    page = (vendor_pages.DOCS / "vendors" / f"{name}.md").read_text("utf-8")
    (example,) = vendor_pages.BLOCK.findall(page)
    secret, key = tmp_path / "secret", tmp_path / "key.pem"
    secret.write_text("a-secret", "utf-8")
    key.write_text(private_key(), "utf-8")
    for file in (secret, key):
        file.chmod(0o600)
    example = re.sub(r'(key-file = )"[^"]*"', rf'\1"{key}"', example)
    example = re.sub(r'(-file = )"/(?:var/)?run/[^"]*"', rf'\1"{secret}"', example)
    with AuthorizedClientManager.from_settings(tomllib.loads(example)) as manager:
        (registration,) = manager.registrations.values()
    assert registration.provider.type == name


def test_a_plugin_is_short():
    plugins = [provider_plugin(name) for name in known_providers()]
    assert median(map(vendor_pages.code_lines, plugins)) <= 20
    coded = [vendor_pages.code_lines(one) for one in plugins if kind(one) != "preset"]
    assert median(coded) <= 20
