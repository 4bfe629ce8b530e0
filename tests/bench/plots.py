"""The plots of docs/comparison.md, drawn from the figures in it: `python tests/bench/plots.py`."""

from __future__ import annotations

import math
import re
from html import escape
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
WIDTH, LABEL, BAR, GAP = 720, 270, 18, 8
OURS, OTHERS, INK = "#2a7ae2", "#9aa5b1", "#76808c"
NUMBER = re.compile(r"[\d,]*\.?\d+")
UNITS = {"µs": 1e-6, "ms": 1e-3, "s": 1.0}
Bars = list[tuple[str, float, str]]


def rows(heading: str) -> dict[str, list[str]]:
    """Return the rows of the table whose heading begins so, by their first cell."""
    text = (DOCS / "comparison.md").read_text("utf-8")
    lines = iter(text[text.index(f"| {heading} |") :].splitlines()[2:])
    cells = (line.strip("| ").split(" | ") for line in iter(lambda: next(lines, ""), ""))
    return {one[0]: one[1:] for one in cells}


def number(text: str) -> float:
    """Return the first number of a text."""
    return float(NUMBER.search(text)[0].replace(",", ""))


def herd() -> Bars:
    """Return the token requests of 1,000 callers who ask at one moment."""
    found = {name: number(cells[2]) for name, cells in rows("library").items()}
    return [(name, value, f"{value:,.0f}") for name, value in found.items()]


def renewal() -> Bars:
    """Return the 99th percentile of a call while the server hangs, in seconds."""
    bars = []
    for name, cells in rows("library").items():
        amount, unit = cells[4].split(" / ")[1].split()[:2]
        bars.append((name, number(amount) * UNITS[unit], f"{amount} {unit}"))
    return bars


def outage() -> Bars:
    """Return what an outage does to a simulated fleet: calls that fail, and the busiest second."""
    failing = "of 600,000 calls in the outage, failing"
    busiest = "most token requests in a second of it"
    wanted = [(failing, "1 h"), (failing, "300 s"), (busiest, "1 h"), (busiest, "300 s")]
    found = rows("what")
    return [
        (f"{word} ({life}), {who}", number(cells[column]), cells[column])
        for what, life in wanted
        for word in ["failing" if what is failing else "busiest second"]
        for cells in [found[f"10-minute outage, tokens of {life}: {what}"]]
        for column, who in enumerate(("oauthreg", "naive"))
    ]


PLOTS = {
    "herd": ("Token requests, 1,000 callers at one moment without a token", herd),
    "renewal": ("A call while a renewal hangs, 99th percentile", renewal),
    "outage": (
        "A 10-minute outage: of 600,000 calls, and token requests in a second (tokens of)",
        outage,
    ),
}


def drawn(title: str, bars: Bars) -> str:
    """Return bars on a logarithmic scale as SVG."""
    values = [value for _, value, _ in bars if value]
    least, most = math.log10(min(values)) - 0.5, math.log10(max(values))
    full = WIDTH - LABEL - 90
    height = 34 + len(bars) * (BAR + GAP)
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
            f'font-family="sans-serif" font-size="13" fill="{INK}">'
        ),
        f"<title>{escape(title)}</title>",
        f'<text x="0" y="16" font-size="14">{escape(title)} (logarithmic)</text>',
    ]
    for place, (name, value, shown) in enumerate(bars):
        top = 30 + place * (BAR + GAP)
        share = (math.log10(value) - least) / (most - least) if value else 0.0
        colour = OURS if "oauthreg" in name else OTHERS
        lines += [
            f'<text x="{LABEL - 8}" y="{top + 13}" text-anchor="end">{escape(name)}</text>',
            (
                f'<rect x="{LABEL}" y="{top}" width="{share * full:.1f}" height="{BAR}" '
                f'fill="{colour}"/>'
            ),
            f'<text x="{LABEL + share * full + 6:.1f}" y="{top + 13}">{escape(shown)}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"


def plots() -> dict[Path, str]:
    """Return every plot by its file."""
    return {
        DOCS / f"plots/{name}.svg": drawn(title, bars()) for name, (title, bars) in PLOTS.items()
    }


def main() -> None:
    """Write every plot."""
    for path, text in plots().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
