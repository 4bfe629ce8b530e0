"""What the grant tests share: a context, and a way to drive a flow by scripted answers."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from oauthreg._errors import AuthorizationError
from oauthreg._flow import Pause, TokenResponse, run
from oauthreg._protocol.context import PluginContext
from oauthreg._registration import ClientRegistration, ProviderDetails

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_800_000_000.0
ENDPOINTS = {
    "token-uri": "https://auth.example.com/token",
    "authorization-uri": "https://auth.example.com/authorize",
    "device-authorization-uri": "https://auth.example.com/device",
    "introspection-uri": "https://auth.example.com/introspect",
    "revocation-uri": "https://auth.example.com/revoke",
    "jwk-set-uri": "https://auth.example.com/jwks",
}


@pytest.fixture
def context() -> Callable[..., PluginContext]:
    """Make a context; a registration's fields and the context's own by keyword."""

    def make(**fields: Any) -> PluginContext:
        own = {name: fields.pop(name) for name in list(fields) if name in CONTEXT}
        numbers = itertools.count(1)
        registration = ClientRegistration(
            **{
                "registration_id": "my-client",
                "provider": ProviderDetails(name="p", endpoints=ENDPOINTS),
                "client_id": "id",
                "client_authentication_method": "none",
                **fields,
            }
        )
        return PluginContext(
            **{
                "registration": registration,
                "endpoints": ENDPOINTS,
                "now": NOW,
                "new_id": lambda: f"id-{next(numbers)}",
                "issuer": "https://auth.example.com",
                **own,
            }
        )

    return make


CONTEXT = {
    "endpoints", "now", "issuer", "metadata", "secret", "signing_key", "assertion", "principal",
    "subject_token", "actor_token", "refresh_token", "password",
}  # fmt: skip


@pytest.fixture
def drive() -> Callable[..., SimpleNamespace]:
    """Run a flow against scripted answers; give its result, its requests and its pauses."""

    def drive_flow(flow: Any, *answers: TokenResponse | AuthorizationError) -> SimpleNamespace:
        left, requests, pauses = list(answers), [], []

        def perform(step: Any) -> Any:
            if isinstance(step, Pause):
                pauses.append(step.seconds)
                return None
            requests.append(step)
            said = left.pop(0)
            if isinstance(said, AuthorizationError):
                raise said
            return said

        seen = SimpleNamespace(requests=requests, pauses=pauses, result=None, left=left)
        seen.result = run(flow, perform)
        return seen

    return drive_flow
