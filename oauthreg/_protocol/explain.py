"""What one attempt sent and received, and its failure as the caller sees it.

The failure says who answered, what was asked for and what to do, and shows no value that the
attempt was given or received.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from oauthreg._errors import InvalidTokenResponseError, TokenEndpointError
from oauthreg._flow import NeedToken, TokenRequest, TokenResponse
from oauthreg._protocol.hints import credential_hint, refusal_hint
from oauthreg._protocol.refusals import is_success
from oauthreg._protocol.requests import asked_for
from oauthreg._protocol.scrub import scrubbed
from oauthreg._protocol.text import json_object
from oauthreg._secret_values import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from oauthreg._errors import AuthorizationError
    from oauthreg._flow import Step
    from oauthreg._protocol.context import Hooks, PluginContext

E = TypeVar("E", bound="AuthorizationError")

CREDENTIAL_ENDINGS = (
    "assertion",
    "cookie",
    "_code",
    "key",
    "jwt",
    "password",
    "secret",
    "ticket",
    "token",
)
DEEPEST = 5  # objects inside of each other that are looked into
SHORTEST = 6  # of what is a credential by its place only; shorter values are words such as `true`
ASKED_AT = ("token-uri", "device-authorization-uri", "pushed-authorization-request-uri")


class Exchanged:
    """The requests of one attempt, and every value that its errors must not show.

    Args:
        context: The attempt.
        hooks: The provider plugin.
    """

    def __init__(self, context: PluginContext, hooks: Hooks) -> None:
        self.requests: list[TokenRequest] = []
        self._answers: list[TokenResponse] = []  # read only if something fails
        self._values = [*_given(context), *_settings(hooks)]  # the repr of this object shows none

    def note(self, step: Step, answer: object = None) -> None:
        """Note a step of the flow before it is performed, and again with its answer."""
        if isinstance(step, TokenRequest) and answer is None:
            self.requests.append(step)
            self._values += step.sensitive
        elif isinstance(answer, TokenResponse):
            self._answers.append(answer)
        elif isinstance(answer, Secret):
            self._values.append(answer.get_secret_value())
        elif isinstance(step, NeedToken) and isinstance(answer, str):
            self._values.append(answer)

    def scrubbed(self, error: E) -> E:
        """Return the error without these values."""
        received = (value for answer in self._answers for value in _received(answer))
        return scrubbed(error, [*self._values, *received])


def explained(
    error: AuthorizationError, context: PluginContext, hooks: Hooks, exchanged: Exchanged
) -> AuthorizationError:
    """Return the failure of an attempt as the caller sees it: a copy that was never raised."""
    error = exchanged.scrubbed(error)
    changes: dict[str, Any] = {}
    last = exchanged.requests[-1] if exchanged.requests else None
    if last is not None and error.endpoint is None:
        changes["endpoint"] = last.url.partition("?")[0]
    name = _endpoint_name(context, last)
    if name in ASKED_AT and isinstance(error, TokenEndpointError | InvalidTokenResponseError):
        changes["asked_for"] = asked_for(context)
    if not isinstance(error, TokenEndpointError):
        return error.copy(**changes)
    explanation = hooks.explain_error(error)
    changes |= {"fields": {}, "headers": {}}  # no body in what a caller sees
    if explanation is None:
        form = dict(last.form) if last is not None else {}
        hint = error.hint or refusal_hint(
            error, context, grant_type=form.get("grant_type"), endpoint=name or "token-uri"
        )
        return error.copy(hint=hint, **changes)
    error = exchanged.scrubbed(error.copy(hint=explanation.hint))
    refused = error.credential_refused or explanation.category == "credential"
    if refused:
        changes["credential_refused"] = True
        changes["hint"] = f"{error.hint} {credential_hint(context)}"
    changes["category"] = explanation.category
    if explanation.is_retryable is not None:
        changes["retryable"] = explanation.is_retryable
    if explanation.retry_after is not None:
        changes["retry_after"] = explanation.retry_after
    return error.copy(**changes)


def _endpoint_name(context: PluginContext, request: TokenRequest | None) -> str | None:
    """Return the setting's name of the address that was asked."""
    urls = ((name, url) for name, url in context.endpoints.items() if request is not None)
    return next((name for name, url in urls if request is not None and url == request.url), None)


def _given(context: PluginContext) -> Iterator[str]:
    secrets = (
        context.secret,
        context.assertion,
        context.password,
        context.refresh_token,
        context.subject_token,
        context.actor_token,
    )
    given = (*secrets, *context.secrets.values())
    yield from (secret.get_secret_value() for secret in given if secret is not None)
    registration = context.registration
    yield from _revealed(registration.plugin_options.values())
    settings = (*registration.parameters.values(), *registration.headers.values())
    yield from (value for value in settings if len(value) >= SHORTEST)


def _settings(hooks: Hooks) -> Iterator[str]:
    """Give the plugin's settings that are secrets (pydantic's SecretStr)."""
    yield from _revealed(vars(getattr(hooks, "settings", hooks)).values())


def _revealed(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        reveal = getattr(value, "get_secret_value", None)
        if reveal is not None:
            yield str(reveal())


def _received(response: TokenResponse) -> Iterator[str]:
    """Give the values of a successful answer that are credentials by their names."""
    fields = json_object(response) if is_success(response.status) else None
    yield from _credentials_in((fields or {}).items())


def _credentials_in(pairs: Iterable[tuple[str, Any]], deepest: int = DEEPEST) -> Iterator[str]:
    for name, value in pairs:
        named = name.lower().endswith(CREDENTIAL_ENDINGS)
        if named and isinstance(value, str) and len(value) >= SHORTEST:
            yield value
        elif isinstance(value, dict) and deepest:
            yield from _credentials_in(value.items(), deepest - 1)
