"""The failure of an attempt as its caller sees it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import SecretStr

from oauthreg._errors import ConnectionFailedError, TokenEndpointError
from oauthreg._flow import NeedToken, Pause, ReadSecret, TokenRequest, TokenResponse
from oauthreg._protocol.context import Explanation
from oauthreg._protocol.explain import Exchanged, explained
from oauthreg._provider import GenericProvider, ProviderPlugin, ProviderSettings
from oauthreg._secret_values import LiteralSecret, Secret

HOOKS = GenericProvider(ProviderSettings())
TOKEN = TokenRequest(url="https://as.example/token", form=(("grant_type", "refresh_token"),))


def refused(words="no", **fields):
    return TokenEndpointError(
        f"the token endpoint answered 400 x ({words})",
        **{"status": 400, "error": "x", "error_description": words, **fields},
    )


class KeySettings(ProviderSettings):
    api_key: SecretStr
    tenant: str = "blue-tenant"


class Keyed(ProviderPlugin[KeySettings]):
    pass


HANDED = {
    "the client secret": ({"secret": "planted-value"}, ()),
    "a parameter": ({"parameters": {"api_key": "planted-value"}}, ()),
    "a header": ({"headers": {"X-Key": "planted-value"}}, ()),
    "what a request calls sensitive": ({}, [(replace(TOKEN, sensitive=("planted-value",)), None)]),
    "a secret that was read": (
        {},
        [(ReadSecret(LiteralSecret(Secret("x")), "password"), Secret("planted-value"))],
    ),
    "another registration's token": ({}, [(NeedToken("other"), "planted-value")]),
    "a token of an earlier answer": (
        {},
        [(TOKEN, TokenResponse(status=200, body=b'{"ticket": "planted-value", "n": 1}'))],
    ),
}


@pytest.mark.parametrize(("fields", "steps"), HANDED.values(), ids=HANDED)
def test_nothing_that_the_attempt_was_given_is_shown(context, fields, steps):
    made = context(**fields)
    exchanged = Exchanged(made, HOOKS)
    for step, answer in steps:
        exchanged.note(step)
        exchanged.note(step, answer)
    error = explained(refused("bad planted-value"), made, HOOKS, exchanged)
    assert error.error_description == "bad ***"
    assert "planted" not in f"{error}{exchanged!r}"


@pytest.mark.parametrize(
    "field", ["assertion", "password", "refresh_token", "subject_token", "actor_token"]
)
def test_no_token_of_the_context_is_shown(context, field):
    made = replace(context(), **{field: Secret("planted-value")})
    error = explained(refused("bad planted-value"), made, HOOKS, Exchanged(made, HOOKS))
    assert "planted" not in str(error)


def test_a_secret_setting_of_a_plugin_is_not_shown_and_others_are(context):
    hooks = Keyed(KeySettings(api_key=SecretStr("planted-value")))
    made = context()
    error = explained(refused("planted-value of blue-tenant"), made, hooks, Exchanged(made, hooks))
    assert error.error_description == "*** of blue-tenant"


def test_short_words_and_what_an_error_answers_are_shown(context):
    made = context(parameters={"flag": "true"})
    exchanged = Exchanged(made, HOOKS)
    answer = TokenResponse(status=400, body=b'{"token": "plain words", "expires_in": 5}')
    for seen in (None, answer):
        exchanged.note(TOKEN, seen)
    exchanged.note(Pause(1))
    words = "true: plain words"
    assert explained(refused(words), made, HOOKS, exchanged).error_description == words


def test_who_answered_and_what_was_asked_for_is_said_of_the_token_endpoint_only(context):
    made = context(scopes=("a", "b"), audience="api", resource=("https://r.example",))
    exchanged = Exchanged(made, HOOKS)
    exchanged.note(TOKEN)
    error = explained(refused(), made, HOOKS, exchanged)
    assert error.endpoint == TOKEN.url
    assert error.asked_for == 'scope "a b", audience "api", resource "https://r.example"'
    exchanged.note(TokenRequest(url="https://as.example/other?key=1"))
    error = explained(refused(), made, HOOKS, exchanged)
    assert (error.endpoint, error.asked_for) == ("https://as.example/other", None)
    error = explained(ConnectionFailedError("gone", endpoint="e"), made, HOOKS, exchanged)
    assert (error.endpoint, error.asked_for) == ("e", None)
    error = explained(refused(), made, HOOKS, Exchanged(made, HOOKS))
    assert (error.endpoint, error.hint.startswith("Compare registration.app")) == (None, True)


def test_the_grant_that_was_sent_has_its_hint(context):
    exchanged = Exchanged(context(), HOOKS)
    exchanged.note(TOKEN)
    error = explained(refused(error="invalid_grant"), context(), HOOKS, exchanged)
    assert error.hint.startswith("The refresh token has ended, was revoked or was used before")


class Explaining(GenericProvider):
    def explain_error(self, error):
        return Explanation(
            hint=f"Vendor: {error.error_description}",
            category="credential",
            retryable=True,
            retry_after=7.0,
        )


def test_a_plugins_explanation_comes_first_and_is_scrubbed_too(context):
    made, hooks = context("planted-value"), Explaining(ProviderSettings())
    error = explained(refused("bad planted-value"), made, hooks, Exchanged(made, hooks))
    assert error.hint == (
        "Vendor: bad *** Check registration.app.client-id, client-secret and "
        "client-authentication-method (client_secret_basic)."
    )
    assert (error.credential_refused, error.retryable, error.retry_after) == (True, True, 7.0)
    assert error.__traceback__ is None
