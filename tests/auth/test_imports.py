"""What each module imports, and what becomes of it when httpx2 takes the name of httpx."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIBRARIES = {"requests", "httpx", "httpx2", "aiohttp"}


def python(code):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_a_module_imports_its_own_library_only(name):
    done = python(f"import sys, oauthreg.auth.{name}; print(*{LIBRARIES} & set(sys.modules))")
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) <= {name}


ALIAS_FIRST = """
import httpx2
httpx2.alias_httpx()
import httpx, oauthreg.auth.httpx2, oauthreg.auth.httpx
assert issubclass(oauthreg.auth.httpx.Auth, httpx.Auth)
assert issubclass(oauthreg.auth.httpx.Auth, httpx2.Auth)
"""

ALIAS_LAST = """
import oauthreg.auth.httpx, oauthreg.auth.httpx2, httpx, httpx2
try:
    httpx2.alias_httpx()
except RuntimeError as error:
    print("refused")
assert issubclass(oauthreg.auth.httpx.Auth, httpx.Auth)
assert issubclass(oauthreg.auth.httpx2.Auth, httpx2.Auth)
assert not issubclass(oauthreg.auth.httpx.Auth, httpx2.Auth)
"""


def test_an_alias_before_the_import_makes_both_modules_httpx2():
    done = python(ALIAS_FIRST)
    assert done.returncode == 0, done.stderr


def test_an_alias_after_the_import_is_refused_by_httpx2_and_breaks_nothing():
    done = python(ALIAS_LAST)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "refused\n"
