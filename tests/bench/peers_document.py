"""docs/comparison.md as text, from the figures of one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peers_drivers import DRIVERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OURS = "oauthreg"
NONE = "-"
MILLI = 1e-3

TEXT = """\
# Compared with other libraries

Written by `make bench-peers` on {date}.
{machine}.

No test depends on these figures, and no other machine will repeat them: read the ratios
(oauthreg = 1x), and of those the large ones.

{peers}

![Token requests of 1,000 callers without a token](plots/herd.svg)

![The 99th percentile of a call while a renewal hangs](plots/renewal.svg)

How each figure is measured, and what it does not say:

- Every measurement has a process of its own, and the authorization server another. Both are on
  one machine over plain http: no figure says what TLS or a real network costs.
- **hit**: the library's work for one call of an API while its token is good; the best of many
  rounds, taken in turns. The call that follows takes a millisecond or more, so that a ratio here
  matters in hot loops alone. Auth objects and `before_request` do more than find a token: they
  put it on a request too, and ours sees to it that redirects do not carry it away.
- **cold**: so many callers (threads, or tasks with asyncio) ask at one moment, and there is no
  token. The server takes 100 ms for each answer to the 20. For the 1,000 it holds its first
  answers back for 4 s, until all have asked, and then answers at once. The figures are requests
  at the token endpoint and the seconds until all callers have their token; the median of three
  runs, or one run if that took over 10 s.
- **failing**: 200 callers without a token ask at one moment, and every answer is a 503 after
  100 ms. The figures are requests and the seconds until the last caller knows. oauthreg asks
  twice because it tries a transient failure once more while somebody waits.
- **hanging**: the token is good for as long as the measurement takes, but of an age at which the
  library renews by default, and the token endpoint holds every request for 5 s. In these 5 s a
  caller arrives every 20 ms, each its own thread or task: 250 in all. The figures are how long a
  call took, with the ratio of the 99th percentile, and the requests at the token endpoint. They
  say nothing about a token that is no longer good: then every library has to wait.

How each library is called:

{calls}

## A fleet and its server

{fleet}

![What an outage does to a fleet](plots/outage.svg)

Simulated, not measured: time, chance and the server are put in their places, and oauthreg's own
engine, backoff and flow of a token request run in between (`tests/bench/simulation.py`). Each
process has one registration and one caller, who calls once a second. The server answers after
50 ms and takes any load, so no figure says at which load a real one falls over. The processes
start spread over one token's lifetime; a fleet that is restarted at one moment asks in step the
first time. During the outage every answer is a 503. A failing call is one that found no valid
token. "Naive" asks when the token has expired, by the server's clock and without a safety
margin, at every call, and never backs off.

oauthreg pays for tokens that are renewed early with more token requests, and for a quiet server
with calls that still fail after it has recovered: a process asks again within a minute of its
last failure.
"""


def text(
    *,
    date: str,
    machine: str,
    versions: Mapping[str, str],
    compared: Mapping[str, Mapping[str, Any]],
    simulated: Mapping[str, Any],
) -> str:
    """Return the whole document."""
    return TEXT.format(
        date=date,
        machine=machine,
        peers=peers_table(compared),
        calls=calls_table(versions),
        fleet=fleet_table(simulated),
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def ratio(value: float, base: float) -> str:
    """Return a ratio with two significant figures, and none where there is no base."""
    if not base or value < 0:
        return NONE
    rounded = float(f"{value / base:.2g}")
    return f"{rounded:,.0f}x" if rounded >= 10 else f"{rounded:g}x"


def duration(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1e3:.0f} ms" if seconds >= MILLI else f"{seconds * 1e6:.0f} µs"


# The measured libraries


def hit_cell(ours: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    spent = figures["nanoseconds"]
    return f"{spent:,.0f} ns ({ratio(spent, ours['nanoseconds'])})"


def requests_cell(ours: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    count = figures["requests"]
    lost = f", {figures['unanswered']} never" if figures["unanswered"] else ""
    return (
        f"{count:,} ({ratio(count, ours['requests'])}), "
        f"{duration(figures['seconds'])} ({ratio(figures['seconds'], ours['seconds'])}){lost}"
    )


def hang_cell(ours: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    times = " / ".join(duration(figures[name]) for name in ("p50", "p99", "max"))
    failed = figures["callers"] - figures["served"]
    lost = f", {failed} failed" if failed else ""
    return f"{times} ({ratio(figures['p99'], ours['p99'])}), {figures['requests']}{lost}"


COLUMNS: dict[str, tuple[str, Callable[..., str]]] = {
    "hit": ("hit", hit_cell),
    "cold-20": ("20 cold: requests, seconds", requests_cell),
    "cold-1000": ("1,000 cold: requests, seconds", requests_cell),
    "failing-200": ("200 failing: requests, seconds", requests_cell),
    "hang": ("hanging: p50 / p99 / max, requests", hang_cell),
}


def peers_table(compared: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for name, measures in compared.items():
        cells = [name]
        for measure, (_, cell) in COLUMNS.items():
            figures = measures[measure]
            error = figures.get("error")
            cells.append(error or cell(compared[OURS][measure], figures))
        rows.append(cells)
    return table(["library", *(title for title, _ in COLUMNS.values())], rows)


def calls_table(versions: Mapping[str, str]) -> str:
    rows = [[one.name, versions[one.distribution], one.how, one.note] for one in DRIVERS]
    return table(["library", "version", "for every call of an API", "note"], rows)


# The simulated fleet


def fleet_table(simulated: Mapping[str, Any]) -> str:
    ours, naive = simulated[OURS], simulated["naive"]
    rows = [
        [
            f"token requests of a process per hour, tokens of {spoken(lifetime)}",
            between(*ours["per hour"][lifetime]),
            between(*naive["per hour"][lifetime]),
            ratio(sum(naive["per hour"][lifetime]), sum(ours["per hour"][lifetime])),
        ]
        for lifetime in ours["per hour"]
    ]
    for lifetime, mine in ours["outage"].items():
        rows += outage_rows(spoken(lifetime), mine, naive["outage"][lifetime])
    return table(["what", "oauthreg", "naive", "ratio"], rows)


def outage_rows(tokens: str, ours: Any, naive: Any) -> list[list[str]]:
    lines = {
        f"of {ours.calls:,} calls in the outage, failing": "failing",
        "calls failing after it": "failing_after",
        "seconds after it until no call fails": "served_after",
        "token requests per second before it": "before",
        "most token requests in a second of it": "during",
        "most token requests in a second of the minute after it": "recovery",
    }
    rows = []
    for words, name in lines.items():
        mine, other = getattr(ours, name), getattr(naive, name)
        cells = [
            f"{value:,.1f}" if isinstance(value, float) else f"{value:,}" for value in (mine, other)
        ]
        rows.append([f"10-minute outage, tokens of {tokens}: {words}", *cells, ratio(other, mine)])
    return rows


def spoken(seconds: int) -> str:
    return "1 h" if seconds == 3600 else f"{seconds} s"


def between(least: int, most: int) -> str:
    return str(least) if least == most else f"{least}-{most}"
