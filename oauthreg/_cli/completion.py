"""What the shell completes: the ids of registrations."""

from __future__ import annotations

from collections.abc import Iterable

import typer

SOURCES = ("settings", "profile", "env_file", "secrets_dir")


def registration_ids(ctx: typer.Context, incomplete: str) -> Iterable[str]:
    """Return the ids that a word may become; none where the settings cannot be read."""
    from oauthreg._sources.read import read  # noqa: PLC0415 - read only while completing

    given: dict[str, object] = {}
    for one in filter(None, (ctx.parent, ctx)):
        given |= {name: one.params[name] for name in SOURCES if one.params.get(name)}
    ids = read(**given).tree.get("registration") or {}  # type: ignore[arg-type]
    return [id_ for id_ in ids if id_.startswith(incomplete)]
