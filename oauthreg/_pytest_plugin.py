"""The pytest plugin: fixtures for programs that use oauthreg. Loaded by the entry point `pytest11`.

It costs nothing until a fixture is used: everything is imported there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    import oauthreg
    from oauthreg.testing import AuthorizationServer

CLIENT, SECRET = "my-client", "a-secret-for-tests"
GRANTS = (
    "client_credentials",
    "authorization_code",
    "refresh_token",
    "password",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
)
REDIRECT_URI = "http://127.0.0.1/callback"


class FixedTokens(Protocol):
    """What `oauthreg_fixed_tokens` is."""

    def __call__(
        self,
        tokens: Mapping[str, str],
        manager: oauthreg.AuthorizedClientManager
        | oauthreg.AsyncAuthorizedClientManager
        | None = None,
    ) -> None:
        """Use these tokens, by registration id, until the end of the test."""


@pytest.fixture
def oauthreg_server() -> Iterator[AuthorizationServer]:
    """An authorization server with one client, `my-client`, and one user, `alice`.

    `inject(Fault(...))` lets requests fail, `advance(seconds)` lets time pass for the server and
    for every manager of this process.
    """
    from oauthreg.testing import AuthorizationServer  # noqa: PLC0415 - only where it is used
    from oauthreg.testing._time import pass_for_managers  # noqa: PLC0415 - likewise

    class Server(AuthorizationServer):
        def advance(self, seconds: float) -> None:
            super().advance(seconds)
            pass_for_managers(seconds)

    with Server() as server:
        server.add_client(CLIENT, SECRET, grants=GRANTS, redirect_uris=(REDIRECT_URI,))
        server.add_user("alice", "a-password-for-tests")
        yield server


@pytest.fixture
def oauthreg_settings(oauthreg_server: AuthorizationServer) -> dict[str, Any]:
    """Settings with one registration, `my-client`, at `oauthreg_server`: for `from_settings`.

    A mapping of its own for each test, which the test may change.
    """
    return {
        "registration": {
            CLIENT: {"provider": "test-server", "client-id": CLIENT, "client-secret": SECRET}
        },
        "provider": {"test-server": {"issuer-uri": oauthreg_server.issuer}},
    }


@pytest.fixture
def oauthreg_fixed_tokens(monkeypatch: pytest.MonkeyPatch) -> Iterator[FixedTokens]:
    """Have fixed tokens served instead of real ones, until the end of the test.

    `oauthreg_fixed_tokens({"my-client": "abc"})` is for managers that are built from files or the
    environment afterwards; with `manager=` for one that there is already. Nothing is requested.
    """
    with ExitStack() as overrides:

        def use(tokens: Mapping[str, str], manager: Any = None) -> None:
            if manager is None:
                text = " ".join(f"{name}={token}" for name, token in tokens.items())
                monkeypatch.setenv("OAUTHREG_FIXED_TOKENS", text)
                return
            for name, token in tokens.items():
                overrides.enter_context(manager.override(name, token))

        yield use
