"""What works without any extra, and what is said where one is missing: a script, no test module.

`.ci/test-wheels` runs it in an environment without extras, `test_packaging.py` with them hidden.
"""

import contextlib
import importlib
import inspect
import io
import sys

import oauthreg
import oauthreg.auth.requests
import oauthreg.events
import oauthreg.plugin
import oauthreg.stores
from oauthreg.testing import AuthorizationServer

EXTRAS = (
    "httpx2",
    "httpx",
    "aiohttp",
    "keyring",
    "javaproperties",
    "yaml",
    "rich",
    "typer",
    "opentelemetry.metrics",
)


def refusal(code):
    """Run code that needs an extra: what it says."""
    try:
        exec(code, {})  # noqa: S102 - import statements of this file
    except ModuleNotFoundError as error:
        return str(error)
    raise AssertionError(f"{code} passed")


def helped(thing):
    """Return what `help` prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        help(thing)
    return out.getvalue()


for library in EXTRAS:
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module(library)
        raise AssertionError(f"{library} is installed")

with AuthorizationServer() as server:
    server.add_client("my-client", "secret")
    registration = {"client-id": "my-client", "client-secret": "secret"}
    with oauthreg.AuthorizedClientManager.from_settings(
        {"registration": {"a": registration}, "provider": {"p": {"token-uri": server.token_uri}}}
    ) as manager:
        assert manager.authorize("a").access_token.token_value
        assert manager.session("a").get(server.api_uri).ok

for code, extra in (
    ("from oauthreg import AsyncAuthorizedClientManager", "httpx2"),
    ("from oauthreg import *", "httpx2"),
    ("import oauthreg.auth.httpx2", "httpx2"),
    ("import oauthreg.auth.httpx", "httpx"),
    ("import oauthreg.auth.aiohttp", "aiohttp"),
    ("import oauthreg.telemetry", "otel"),
):
    assert f"pip install 'oauthreg[{extra}]'" in refusal(code), code

shown = helped(oauthreg)
assert "pip install 'oauthreg[httpx2]'" in shown
assert "class AuthorizedClientManager" in shown
assert "AuthorizedClientManager" in dict(inspect.getmembers(oauthreg))
sys.stdout.write("ok\n")
