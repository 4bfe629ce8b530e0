"""What oauthreg makes of a case, beside what Spring Boot made of it."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import yaml

from oauthreg._sources import Sourced, canonical, read

STORE = Path(__file__).with_name("views.jsonl.gz")


def store(views: dict) -> None:
    """Keep cases with what Spring Boot makes of them."""
    lines = (json.dumps({"name": name, **view}, sort_keys=True) for name, view in views.items())
    STORE.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))


def stored() -> dict:
    """Return the cases that are kept, by name."""
    lines = gzip.decompress(STORE.read_bytes()).decode().split("\n")
    views = map(json.loads, lines)
    return {view.pop("name"): view for view in views}


def without_folder(boot: dict, folder: Path) -> dict:
    """Return a view that is the same in every folder; of an error its kind is enough."""
    if "error" in boot:
        return {"error": boot["error"].partition(":")[0]}
    return json.loads(json.dumps(boot).replace(str(folder), "@FOLDER@"))


def with_folder(boot: dict, folder: Path) -> dict:
    """Return a stored view as of a folder."""
    return json.loads(json.dumps(boot).replace("@FOLDER@", str(folder)))


def write(case: dict, folder: Path) -> dict[str, str]:
    """Write a case's files; return its environment."""
    for name, text in case["files"].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = text.replace("@FOLDER@", str(folder))
        path.write_bytes(content.encode(case.get("encoding", "utf-8")))
    return {k: v.replace("@FOLDER@", str(folder)) for k, v in case["environ"].items()}


def ours(case: dict, folder: Path, environ: dict[str, str]) -> dict:
    """Return what oauthreg reads from a case, or its problems."""
    found = read(folder / case["main"], environ=environ, directory=folder)
    if found.problems:
        return {
            "refused": [str(problem).replace(str(folder), "@FOLDER@") for problem in found.problems]
        }
    return {
        section: {
            id_: {leaf: v.value for leaf, v in table.items() if isinstance(v, Sourced)}
            for id_, table in found.tree.get(section, {}).items()
        }
        for section in ("registration", "provider")
    }


def verdict(boot: dict, mine: dict) -> str:
    """Return `equal`, `refused`, or in words what differs."""
    if "refused" in mine:
        return "refused"
    if "error" in boot:
        return f"accepted what Boot refuses: {boot['error'][:200]}"
    for section in ("registration", "provider"):
        theirs = {id_: _expected(section, id_, table) for id_, table in boot[section].items()}
        by_name = {canonical(id_): table for id_, table in theirs.items()}
        known = {_uniform(id_) for id_ in mine[section]}
        for id_, table in by_name.items():
            if id_ not in mine[section] and _uniform(id_) not in known:
                return f"{section} {id_} is missing"
            found = mine[section].get(id_)
            if found is not None and "provider" not in table and found.get("provider") == id_:
                del found["provider"]  # that of its own name, which Spring would take
            if found is not None and (differing := _differing(table, found)):
                return f"{section} {id_}: {differing}"
        for id_ in mine[section]:
            if id_ not in by_name:
                return f"{section} {id_} is not in Boot"
    return "equal"


def _expected(section: str, id_: str, table: dict) -> dict:
    """Return Boot's values as oauthreg means to have them (docs/spring.md)."""
    table = {k: v for k, v in table.items() if v != "" or k != "client-secret"}
    if "scope" in table:
        table["scope"] = [scope for scope in table["scope"] if scope]
    address = table.get("redirect-uri")
    if address is not None:
        address = address.replace("{registrationId}", id_).replace("{action}", "login")
        table["redirect-uri"] = address
        if "{" in address or address.startswith("/") or not address:
            del table["redirect-uri"]
    return table


def _differing(boot: dict, mine: dict) -> str:
    mine = {k: v for k, v in mine.items() if k != "type"}
    if "redirect-uri" in boot and "redirect-uri" in mine:  # it holds one of the id's spellings
        boot, mine = ({**t, "redirect-uri": _uniform(t["redirect-uri"])} for t in (boot, mine))
    for leaf in {**boot, **mine}:
        if not _same(boot.get(leaf), mine.get(leaf)):
            return f"{leaf} is {mine.get(leaf)!r}, in Boot {boot.get(leaf)!r}"
    return ""


def _same(boot: Any, mine: Any) -> bool:
    if isinstance(boot, list) and isinstance(mine, list):
        return len(boot) == len(mine) and all(map(_same, boot, mine))
    if not isinstance(boot, str) or not isinstance(mine, str):
        return boot == mine
    return boot.strip() in (mine, _as_java(mine), _as_latin1(mine))


def _as_java(text: str) -> str:
    """Return what Boot makes of an unquoted YAML scalar."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else text


def _as_latin1(text: str) -> str:
    """Return what Boot reads where a properties file is UTF-8."""
    return text.encode().decode("latin-1")


def _uniform(id_: str) -> str:
    return re.sub("[^a-z0-9]", "", id_.lower())
