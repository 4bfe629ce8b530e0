"""The hook of mkdocs.yml: pages from the repository's root, the API, and links that leave docs/."""  # noqa: INP001 - mkdocs loads it by its path

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
SOURCE = "https://github.com/oauthreg/oauthreg/blob/main/"
FROM_ROOT = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-policy.md",
}
LINK = re.compile(r"(\]\(|^\[[^\]\n]+\]: )([^)#\s]+)", re.MULTILINE)
MODULE = re.compile(r"`(oauthreg[\w.]*)`(?=[^|\n]*\|[^|\n]*\|$)", re.MULTILINE)


def on_config(config: Any) -> Any:
    """Put the lists of pages in the place of the folders in the navigation."""
    how_to = sorted(
        (ROOT / "docs/how-to").glob("*.md"), key=lambda path: (path.name != "README.md", path.name)
    )
    listed = {
        "how-to/": [f"how-to/{path.name}" for path in how_to],
        "api/": [{name: f"api/{name}.md"} for name in modules()],
    }
    config.nav = filled(config.nav, listed)
    return config


def filled(nav: Any, listed: dict[str, Any]) -> Any:
    """Return the navigation with lists in the place of their names."""
    if isinstance(nav, list):
        return [filled(one, listed) for one in nav]
    if isinstance(nav, dict):
        return {title: filled(one, listed) for title, one in nav.items()}
    return listed.get(nav, nav)


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that stand elsewhere, and one for each public module."""
    for source, page in FROM_ROOT.items():
        text = (ROOT / source).read_text("utf-8")
        files.append(File.generated(config, page, content=relinked(text, Path())))
    for name in modules():
        text = f"# {name}\n\n::: {name}\n"
        files.append(File.generated(config, f"api/{name}.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_options: Any) -> str:
    """Lead links of docs/ to pages, and to the repository where there is none."""
    if page.file.generated_by is not None:
        return markdown
    return relinked(markdown, Path("docs") / Path(page.file.src_uri).parent)


def modules() -> list[str]:
    """Return the public modules, as docs/public.md lists them."""
    return MODULE.findall((ROOT / "docs/public.md").read_text("utf-8"))


def relinked(text: str, folder: Path) -> str:
    """Return Markdown of a folder of the repository with links for its place on the site."""
    here = folder.relative_to("docs") if folder.parts[:1] == ("docs",) else Path()

    def led(found: re.Match[str]) -> str:
        target = found[2]
        if target.startswith(SOURCE):
            inside = target.removeprefix(SOURCE)
        elif ":" in target:
            return found[0]
        else:
            path = (ROOT / folder / target).resolve()
            inside = path.relative_to(ROOT).as_posix()
        return found[1] + (page_link(inside, here) or SOURCE + inside)

    return LINK.sub(led, text)


def page_link(path: str, here: Path) -> str | None:
    """Return the link from a folder of docs/ to a file; None if that has no page."""
    page = FROM_ROOT.get(path, path.removeprefix("docs/") if path.startswith("docs/") else None)
    return page and "../" * len(here.parts) + page
