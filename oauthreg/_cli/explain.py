"""`oauthreg explain`: every value of a registration, where it comes from, and what follows."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oauthreg._cli.common import IdArgument, print_json, write
from oauthreg._cli.options import CommonOptions, nothing_configured, with_options
from oauthreg._errors import ConfigurationError
from oauthreg._explain.reasons import reasons, tokens
from oauthreg._explain.request import ShownRequest, first_request
from oauthreg._explain.values import Value, values
from oauthreg._settings.usable import usable_of
from oauthreg._sources import canonical, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oauthreg._discovery import Metadata
    from oauthreg._settings.load import Configuration

WIDTH = 30


@with_options
def explain(
    options: CommonOptions,
    registration_id: IdArgument,
    *,
    online: Annotated[
        bool, typer.Option("--online", help="Fetch the provider's metadata, and say what it adds.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Show what is at its default, too.")
    ] = False,
) -> None:
    """Explain a registration: every effective value, where it comes from, what it overrides.

    And why this provider, plugin and method; the token request that would be sent; and how long
    its tokens would be used. Nothing is sent (but the metadata is fetched with --online), and
    credentials are masked.

    \b
    oauthreg explain my-client
    oauthreg explain my-client --online
    oauthreg explain my-client --json | jq '.values[] | select(.name == "scope")'
    """  # noqa: D301 - a backspace keeps click from joining the lines
    found = read(**options.sources)
    if not found.tree.get("registration") and not found.problems:
        raise nothing_configured(found.looked_at)
    usable = usable_of(found, [registration_id])
    known = canonical(registration_id)
    if known in usable.broken:
        raise ConfigurationError(usable.broken[known])
    configuration = usable.configuration
    entry = configuration.entries[known]
    metadata = _metadata(configuration, known) if online else None
    rows = values(configuration, found.layers, entry.registration, metadata)
    why = reasons(entry.registration, rows)
    request = first_request(entry, metadata)
    lives = tokens(entry.registration)
    if options.as_json:
        print_json(
            {
                "id": known,
                "values": [_data(row) for row in rows],
                "why": why,
                "request": request if isinstance(request, str) else _request_data(request),
                "tokens": lives,
            }
        )
        return
    _print_values(rows, everything=everything)
    _print_why(why)
    _print_request(request)
    _print_lives(lives)


def _metadata(configuration: Configuration, registration_id: str) -> Metadata | None:
    """Fetch the metadata of a registration's provider, if it has any."""
    from oauthreg._check.probe import Probe  # noqa: PLC0415 - only with --online

    entry = configuration.entries[registration_id]
    details = entry.registration.provider
    if details.issuer_uri is None and "metadata-uri" not in details.endpoints:
        return None
    probe = Probe(configuration, [])
    try:
        fetch = probe.core.fetch(entry)
        return probe.metadata(fetch, fetch.http.total_timeout)[0]
    finally:
        probe.close()


def _data(row: Value) -> dict[str, Any]:
    return {
        "path": row.path,
        "name": row.name,
        "value": row.value,
        **_source_data(row.source),
        "overrides": [{"value": value, **_source_data(source)} for value, source in row.overrides],
    }


def _source_data(source: Any) -> dict[str, Any]:
    fields = asdict(source)
    return {"source": fields.pop("words"), **fields}


def _request_data(request: ShownRequest) -> dict[str, Any]:
    return {
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers),
        "form": [list(pair) for pair in request.form],
    }


def _print_values(rows: Sequence[Value], *, everything: bool) -> None:
    table = ""
    for row in rows:
        if row.source.kind == "default" and not everything:
            continue
        head = row.path.removesuffix(f".{row.name}")
        if head != table:
            write((f"{head}", "bold"))
            table = head
        write(
            (f"  {row.name:<{WIDTH}} ", ""),
            (_text(row.value), "cyan"),
            (f"   <- {row.source.words}", "dim"),
        )
        for value, source in row.overrides:
            write((f"  {'':<{WIDTH}} overrides {_text(value)}   <- {source.words}", "yellow"))
    if not everything:
        count = sum(row.source.kind == "default" for row in rows)
        write((f"and {count} at their defaults (--all)", "dim"))


def _print_why(why: dict[str, str]) -> None:
    write()
    write(("why", "bold"))
    for name, words in why.items():
        write((f"  {name:<{WIDTH}} {words}", ""))


def _print_request(request: ShownRequest | str) -> None:
    write()
    write(("token request", "bold"))
    if isinstance(request, str):
        write((f"  {request}", ""))
        return
    write((f"  {request.method} {request.url}", ""))
    for name, value in request.headers:
        write((f"  {name}: {value}", ""))
    for name, value in request.form:
        write((f"      {name}={value}", ""))


def _print_lives(lives: Sequence[dict[str, Any]]) -> None:
    write()
    write(("tokens", "bold"))
    for one in lives:
        first, last = one["renewed-after"]
        assumed = "  (assumed where the server says none)" if one["assumed"] else ""
        words = f"renewed after {first:g} to {last:g} s, used for {one['used-for']:g} s{assumed}"
        write((f"  {'of ' + format(one['lifetime'], 'g') + ' s':<{WIDTH}} {words}", ""))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
