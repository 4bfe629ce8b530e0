"""Print the tests that failed, each with the end of what pytest said of it.

`.ci/run` prints this last: where only the end of a long log is kept, it still says what failed.
"""  # noqa: INP001 - a script of the gate, not a module of the package

import sys
from pathlib import Path
from xml.etree import ElementTree as ET

LINES = 12  # of each failure
TESTS = 10  # of each report


def failures(report: Path) -> list[str]:
    """What this JUnit report says failed, one text a test."""
    return [
        "\n    ".join(
            [
                f"{report.name}: {case.get('classname')}::{case.get('name')}",
                *(fault.text or fault.get("message") or "").rstrip().splitlines()[-LINES:],
            ]
        )
        for case in ET.parse(report).iter("testcase")  # noqa: S314 - pytest wrote it a minute ago
        for fault in (*case.iter("failure"), *case.iter("error"))
    ]


def main(reports: list[str]) -> None:
    """Print the first failures of each report."""
    for report in map(Path, reports):
        found = failures(report)
        sys.stdout.writelines(f"\n{line}\n" for line in found[:TESTS])
        if len(found) > TESTS:
            sys.stdout.write(f"\n{report.name}: {len(found) - TESTS} more failed\n")


if __name__ == "__main__":
    main(sys.argv[1:])
