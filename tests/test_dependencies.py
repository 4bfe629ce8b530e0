"""What pyproject.toml declares is what the package imports, in versions without known faults."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import oauthreg

ROOT = Path(__file__).parents[1]
PACKAGE = Path(oauthreg.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
OPTIONAL = PROJECT["optional-dependencies"]
LINES = [*PROJECT["dependencies"], *(line for e in OPTIONAL if e != "all" for line in OPTIONAL[e])]
REQUIREMENTS = [Requirement(line) for line in LINES]
FIRST_WITHOUT_KNOWN_FAULTS = {
    "aiohttp": "3.14.4",  # PYSEC-2026-4369, the last of about thirty of 2026
    "authlib": "1.9.0",  # PYSEC-2026-4358, -4360
    "certifi": "2024.7.4",  # CVE-2024-39689
    "cryptography": "50.0.0",  # CVE-2026-69247; CVE-2026-39892 before
    "idna": "3.15",  # CVE-2026-45409
    "joserfc": "1.7.6",  # CVE-2026-119284; CVE-2026-75509 before: an issuer in a list
    "pydantic": "2.4.0",  # CVE-2024-3772
    "pydantic-settings": "2.14.2",  # CVE-2026-58203: symbolic links out of a secrets directory
    "python-dotenv": "1.2.2",  # CVE-2026-28684
    "pyyaml": "5.4",  # CVE-2020-14343
    "requests": "2.33.0",  # CVE-2026-25645; CVE-2024-47081 before: .netrc sent to another host
    "urllib3": "2.8.0",  # CVE-2026-97687, -97689
}
NAMESPACES = {"opentelemetry": ["opentelemetry-api"]}
"""Packages of several distributions, and the one that is used."""


def imported():
    """Return the distributions that the package imports, each with a module that does."""
    owners = packages_distributions()
    found = {}
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                node.body = []
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            libraries = {name.partition(".")[0] for name in names} - {"oauthreg"}
            for name in libraries - sys.stdlib_module_names:
                (owner,) = {canonicalize_name(one) for one in NAMESPACES.get(name, owners[name])}
                found[owner] = path.relative_to(PACKAGE)
    return found


def test_everything_imported_is_declared():
    declared = {canonicalize_name(requirement.name) for requirement in REQUIREMENTS}
    declared |= {"pytest", "psycopg"}  # which load its plugin; which the store's url chooses
    assert {owner: path for owner, path in imported().items() if owner not in declared} == {}
    assert {"requests", "httpx2", "python-dotenv"} <= imported().keys()


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_every_minimum_is_free_of_known_faults(requirement):
    (bound,) = requirement.specifier
    assert bound.operator == ">="
    safe = FIRST_WITHOUT_KNOWN_FAULTS.get(canonicalize_name(requirement.name), "0")
    assert Version(bound.version) >= Version(safe)


def test_who_has_no_key_loads_no_cryptography():
    settings = {
        "registration": {"app": {"provider": "as", "client-id": "a", "client-secret": "b"}},
        "provider": {"as": {"token-uri": "https://auth.example.com/token"}},
    }
    program = (
        "import sys, oauthreg, oauthreg.plugin\n"
        f"oauthreg.AuthorizedClientManager.from_settings({settings})\n"
        "print(*{'cryptography', 'joserfc', 'authlib', 'rich', 'typer'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
