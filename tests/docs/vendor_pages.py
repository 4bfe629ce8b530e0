"""Write docs/vendors.md and a page for each vendor, from what the plugins say of themselves.

python tests/docs/vendor_pages.py
"""

from __future__ import annotations

import ast
import json
import re
import sys
from importlib import import_module
from pathlib import Path

from oauthreg._cli.provider_details import details, settings_table
from oauthreg._plugins import known_providers, provider_plugin
from oauthreg._preset_tables import EXAMPLES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAMPLES = "documented answers"
TRIED = {
    "keycloak": "a real Keycloak",
    "spring-authorization-server": "a real Spring Authorization Server",
}
"""What of real servers the tests run; all others answer what their vendors document."""
HEAD = """\
# Vendors

Each has a plugin: `provider.<name>.type` chooses it. Its page is made of what the plugin says of
itself, as `oauthreg providers NAME` does. A server that speaks plain OAuth2 needs none: its
`issuer-uri` or `token-uri` is enough. Whoever misses a vendor writes it: [plugins.md](plugins.md).

*Lines* are those of the code, without imports, descriptions and hints. *Kind* is how much of it is
code: `preset` and `data` have none, `hooks` have small functions, `flow` has requests of its own.
Whatever the documentation of a vendor does not confirm is listed on its page.

| vendor | install | lines | kind | tested against |
|---|---|---|---|---|
"""


def _lines(node):
    hints = isinstance(node, ast.Assign | ast.AnnAssign) and "HINTS" in ast.unparse(node)[:20]
    described = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    if hints or described or isinstance(node, ast.Import | ast.ImportFrom):
        return 0
    inner = getattr(node, "body", [])
    if not isinstance(node, ast.ClassDef | ast.FunctionDef):
        return len(ast.unparse(node).splitlines())
    return 1 + len(node.decorator_list) + sum(map(_lines, inner))


def code_lines(plugin):
    """Count the lines of the plugin's class and of its settings' class."""
    if hasattr(plugin, "_preset"):
        return 0
    tree = ast.parse(Path(import_module(plugin.__module__).__file__).read_text("utf-8"))
    names = {plugin.__name__, plugin.settings_class.__name__}
    return sum(_lines(node) for node in tree.body if getattr(node, "name", "") in names)


def example(name, folder, about):
    """Return an example: of the distribution's README, else with a value for each setting."""
    for block in BLOCK.findall((folder / "README.md").read_text("utf-8")):
        chosen = f'type = "{name}"' in block or f"[provider.{name}]" in block
        if chosen and "[registration." in block:
            return block
    preset = getattr(provider_plugin(name), "_preset", None)
    required = [one for one in about["settings"] if one["required"]]
    provider = {one["name"]: EXAMPLES.get(one["type"], "my-value") for one in required}
    registration = {"client-id": "my-client", "client-secret-file": "/run/secrets/my-client"}
    if preset:
        provider, registration = preset.example_settings(), {**registration, **preset.example}
    tables = [
        (f"provider.{name}", {"type": name, **provider}),
        ("registration.my-client", {"provider": name, **registration}),
    ]
    return "\n".join(
        "".join([f"[{title}]\n", *(f"{key} = {json.dumps(one)}\n" for key, one in table.items())])
        for title, table in tables
    )


def page(name, distribution):
    """Return the page of a vendor."""
    plugin = provider_plugin(name)
    about = details(name, plugin)
    folder = ROOT / "plugins" / distribution.removeprefix("oauthreg-")
    words = "" if hasattr(plugin, "_preset") else f" {about['about'].splitlines()[0]}"
    documentation = about["documentation"]
    parts = [
        f"# {name}",
        f"`pip install {distribution}`.{words}",
        *([f"The vendor's documentation: <{documentation}>"] if documentation else []),
        f"```toml\n{example(name, folder, about)}```",
        f"More in [its README](../../plugins/{folder.name}/README.md).",
    ]
    if about["settings"]:
        parts += ["## Settings of the provider", settings_table(plugin)]
    parts += _requests(about)
    if plugin.error_hints:
        rows = [f"| `{key}` | {_hint(one)} |" for key, one in plugin.error_hints.items()]
        parts += ["## Errors", "\n".join(["| answer | what to do |", "|---|---|", *rows])]
    if about["unverified"]:
        parts += ["## Not confirmed by the vendor's documentation"]
        parts += ["\n".join(f"- {_sentence(each)}" for each in about["unverified"])]
    return "\n\n".join(parts) + "\n"


def _requests(about):
    rows = [(f"`{one}`", f"`{template}`") for one, template in about["addresses"].items()]
    rows += [("client authentication", f"`{about['method']}`")] if about["method"] else []
    rows += [("grant type sent", f"`{about['grant-type']}`")] if about["grant-type"] else []
    rows += [(f"`{one}` by default", f"`{value}`") for one, value in about["defaults"].items()]
    rows += [("API", f"`{about['api-uri']}`")] if about["api-uri"] else []
    rows += [(f"header `{one}`", f"`{value}`") for one, value in _own(about["api-headers"])]
    table = ["| what | value |", "|---|---|", *(f"| {what} | {value} |" for what, value in rows)]
    return ["## What it knows", "\n".join(table)] if rows else []


def _own(headers):
    return () if [*headers] == ["Authorization"] else headers.items()


def _hint(explanation):
    return explanation if isinstance(explanation, str) else explanation.hint


def _sentence(text):
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def pages():
    """Return all pages: text by path."""
    found, rows = {}, []
    for name, distribution in sorted(known_providers().items()):
        plugin = provider_plugin(name)
        found[DOCS / "vendors" / f"{name}.md"] = page(name, distribution)
        kind = details(name, plugin)["kind"]
        tried = TRIED.get(name, SAMPLES)
        count = code_lines(plugin) or "-"
        link = f"[{name}](vendors/{name}.md)"
        rows.append(f"| {link} | `{distribution}` | {count} | {kind} | {tried} |\n")
    return {DOCS / "vendors.md": HEAD + "".join(rows), **found}


def main():
    """Write them, and remove those of vendors that are gone."""
    wanted = pages()
    for path in set((DOCS / "vendors").glob("*.md")) - set(wanted):
        path.unlink()
    (DOCS / "vendors").mkdir(exist_ok=True)
    for path, text in wanted.items():
        path.write_text(text, "utf-8")
    sys.stdout.write(f"{len(wanted)} pages\n")


if __name__ == "__main__":
    main()
