"""The navigation of the site has every page: `make docs` then builds it, strictly."""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def pages(nav):
    """Return every page of a navigation."""
    if isinstance(nav, str):
        return {nav}
    items = nav.values() if isinstance(nav, dict) else nav
    return set().union(*map(pages, items))


def test_the_navigation_has_every_page_of_docs_and_no_other():
    nav = pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"])
    from_root = {"index.md", "changelog.md", "contributing.md", "security-policy.md"}
    there = {path.name for path in ROOT.glob("docs/*.md")}
    assert nav == there | from_root | {"how-to/", "api/"}
