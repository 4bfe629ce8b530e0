"""Fail when a test was skipped, or when a report holds no test at all.

A skipped test is a thing nobody checked. pytest counts it as fine; the gate does not.
"""  # noqa: INP001 - a script of the gate, not a module of the package

import sys
from pathlib import Path
from xml.etree import ElementTree as ET


def unchecked(report: Path) -> list[str]:
    """What this JUnit report says was not checked, one line each."""
    cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 - pytest wrote it a minute ago
    found = [
        f"{report.name}: {case.get('classname')}::{case.get('name')} skipped: {skip.get('message')}"
        for case in cases
        for skip in case.iter("skipped")
        if skip.get("type") != "pytest.xfail"  # an expected failure did run, and strictly so
    ]
    return found or ([] if cases else [f"{report.name}: not one test ran"])


def main(reports: list[str]) -> int:
    """Print what was not checked; 1 if there was anything."""
    found = [line for report in reports for line in unchecked(Path(report))]
    sys.stdout.writelines(f"{line}\n" for line in found or ["no test was skipped"])
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
