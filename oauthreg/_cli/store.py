"""`oauthreg store`: keys for a store, and what is in it; never a token."""

from __future__ import annotations

import sys
import time
from secrets import token_hex
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qsl, urlsplit

import typer

from oauthreg._cli.common import print_json, say
from oauthreg._cli.exits import WRONG_SETTINGS
from oauthreg._cli.options import CommonOptions, with_options
from oauthreg._errors import StoreError
from oauthreg._secret_values import SecretReadError
from oauthreg._shared.seal import new_key
from oauthreg.stores import StoreBusyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg._settings.store import ConfiguredStore
    from oauthreg._shared.shared_store import SharedStore

T = TypeVar("T")
PAUSE = 0.01
STATUS_LEASE = "status"

app = typer.Typer(
    name="store",
    help="Make keys for a store, and look after it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.command("new-key")
@with_options
def print_new_key(options: CommonOptions) -> None:
    """Print a new key for store.keys, alone on stdout.

    Give the same keys to every process that shares the store. To change the key, append the new
    one everywhere, then move it to the front everywhere, then drop the old one.
    """
    if options.as_json:
        print_json({"key": new_key()})
    else:
        sys.stdout.write(f"{new_key()}\n")


@app.command("status")
@with_options
def print_status(options: CommonOptions) -> None:
    """Say which store the settings name, and whether it can be used."""
    store = _store(options)
    if store is None:
        words = "memory: each process keeps its own tokens, nothing is shared"
        _print({"type": "memory" if options.as_json else words}, as_json=options.as_json)
        return
    rows = {"type": store.config.type}
    if (place := _place(store)) is not None:
        rows["place"] = place
    rows["encryption"] = "on" if store.encrypted else "off"
    try:
        rows |= _state(store)
    except StoreError:
        if not options.as_json:  # which says the error instead
            _print({**rows, "state": "not usable"}, as_json=False)
        raise
    _print(rows, as_json=options.as_json)


@app.command("schema")
@with_options
def print_schema(options: CommonOptions) -> None:
    """Print the statement that makes the table of an sql store, for who has the right to."""
    store = _store(options)
    if store is None or store.config.type != "sql":
        say("Only a store of the type sql has a schema.", style="bold red")
        raise typer.Exit(WRONG_SETTINGS)
    from oauthreg.stores._sql import SqlStore  # noqa: PLC0415 - an extra

    schema = f"{SqlStore.from_config(store.config).schema};"
    if options.as_json:
        print_json({"schema": schema})
    else:
        sys.stdout.write(f"{schema}\n")


@app.command("purge")
@with_options
def purge(options: CommonOptions) -> None:
    """Remove what has ended from the store; nothing that is still of use."""
    store = _store(options)
    if store is None:
        say("There is no store: each process keeps its own tokens.", style="bold red")
        raise typer.Exit(WRONG_SETTINGS)
    shared = store.open()
    count = _patiently(shared.purge, store.config.timeout)
    shared.close()
    if options.as_json:
        print_json({"removed": count})
    say(f"Removed {count} {'entry' if count == 1 else 'entries'} that had ended.")


def _state(store: ConfiguredStore) -> dict[str, str]:
    """Return what a store that can be used says.

    Raises:
        StoreError: it cannot be used.
    """
    shared = store.open()
    _patiently(shared.names, store.config.timeout)
    begun, wall = time.monotonic(), time.time()
    now = _patiently(lambda: shared.load([]), store.config.timeout).clock.reading.time
    took = time.monotonic() - begun
    _try_to_write(shared, store.config.timeout)
    shared.close()
    return {
        "answers in": f"{took * 1000:.1f} ms",
        "its clock": f"{now - wall - took / 2:+.1f} s from this machine's",
        "state": "ready: what is saved here is shared",
    }


def _try_to_write(shared: SharedStore, seconds: float) -> None:
    """Take and give back a lease that nobody else asks for.

    Raises:
        StoreError: the store is full, locked or read-only.
    """
    name = f"{STATUS_LEASE}-{token_hex(8)}"
    _patiently(lambda: shared.take_lease(name, name, seconds), seconds)
    _patiently(lambda: shared.give_back(name, name), seconds)


def _store(options: CommonOptions) -> ConfiguredStore | None:
    """Return the store of the settings, whatever is wrong with registrations."""
    return options.configuration(only=()).store


def _patiently(call: Callable[[], T], seconds: float) -> T:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return call()
        except StoreBusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)


def _place(store: ConfiguredStore) -> str | None:
    """Return where a store is, without user, password and parameters; None if it has no place."""
    if store.config.url is None or store.config.type == "sqlite":
        return None if store.config.path is None else str(store.config.path)
    try:
        parts = urlsplit(store.config.url.read().get_secret_value())
    except (SecretReadError, ValueError):
        return "its address cannot be read"
    named = [value for name, value in parse_qsl(parts.query) if name == "host"]
    hosts = parts.netloc.rpartition("@")[2] or ",".join(named)
    return f"{parts.scheme}://{hosts}{parts.path}"


def _print(rows: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        print_json({"ok": True, **{name.replace(" ", "-"): one for name, one in rows.items()}})
        return
    for name, value in rows.items():
        sys.stdout.write(f"{name:<11} {value}\n")
