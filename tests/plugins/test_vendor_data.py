"""What a vendor's answers look like, said as data: in a class, or in a provider's own settings."""

import json
import logging
from typing import Any, ClassVar

import pytest

from oauthreg import AuthorizedClientManager, InvalidTokenResponseError, TokenEndpointError
from oauthreg.plugin import (
    Explanation,
    ProviderPlugin,
    ProviderSettings,
)
from oauthreg.testing import Fault

GRANTED = {"access_token": "a-token", "expires_in": 600}


@pytest.fixture
def vendor(manager, server):
    """Make a manager of a provider without a plugin: `vendor(answer={...})`."""

    def vendor(**data):
        provider = {"token-uri": server.token_uri, **data}
        mine = {"provider": "acme", "client-id": "my-client", "client-secret": "a secret"}
        return manager(provider={"acme": provider}, registration={"my-client": mine})

    return vendor


def answered(server, body, status=200, **headers):
    server.inject(Fault(status=status, body=body, headers=headers), times=5)


def refused(manager):
    with pytest.raises(TokenEndpointError) as caught:
        manager.authorize("my-client")
    return caught.value


# -- where an answer has its fields


@pytest.mark.parametrize(
    ("answer", "body", "lifetime"),
    [
        ({"access_token": "token"}, {"token": "t", "expires_in": 60}, 60),
        (
            {"access_token": "auth.client_token", "expires_in": "auth.lease_duration"},
            {"auth": {"client_token": "t", "lease_duration": 60}},
            60,
        ),
        ({"access_token": ["a.b", "token"]}, {"token": "t", "expires_in": 60}, 60),
        ({"access_token": "data.0.token"}, {"data": [{"token": "t"}], "expires_in": 60}, 60),
        ({"access_token": "header:X-Subject-Token"}, {"expires_in": 60}, 60),
        ({"expires_in_ms": "ttl"}, {"access_token": "t", "ttl": 60_000}, 60),
        ({"expires_in_ms": "ttl"}, {"access_token": "t", "expires_in": 60}, 60),
        ({"expires_in": "ttl"}, {"access_token": "t", "expires_in": 5}, 300),
    ],
)
def test_an_answer_is_read_where_the_data_say(vendor, server, answer, body, lifetime):
    answered(server, body, **{"X-Subject-Token": "t"})
    found = vendor(answer=answer).authorize("my-client").access_token
    assert found.token_value == "t"
    assert (found.expires_at - found.issued_at).total_seconds() == lifetime


def test_an_answer_may_say_when_its_token_ends(vendor, server):
    answered(server, {"token": "t", "ends": "2099-01-01T00:00:00Z"})
    data = {"access_token": "token", "expires_at": "ends"}
    found = vendor(answer=data).authorize("my-client").access_token
    assert f"{found.expires_at:%Y-%m-%d}" in ("2098-12-31", "2099-01-01")


def test_a_token_is_not_repeated_among_the_other_fields(vendor, server):
    answered(server, {"auth": {"client_token": "t", "policies": ["p"]}, "renewable": True})
    found = vendor(answer={"access_token": "auth.client_token"}).authorize("my-client")
    assert found.access_token.extra == {"auth": {"policies": ["p"]}, "renewable": True}


def test_scopes_of_an_answer_are_split_as_they_are_joined(vendor, server, caplog):
    answered(server, {**GRANTED, "scope": "read_products,write_x"})
    manager = vendor(**{"scope-separator": ","})
    with caplog.at_level(logging.INFO):
        client = manager.authorize("my-client", scope=["read_products", "write_x"])
    assert client.access_token.scopes == ("read_products", "write_x")
    assert "scope" not in caplog.text


@pytest.mark.parametrize("said", ["bot", "Bot"])
def test_a_vendors_token_type_has_its_scheme(vendor, server, said):
    answered(server, {**GRANTED, "token_type": said})
    assert vendor(**{"token-types": {"bot": "Bearer"}}).authorize("my-client").authorization == (
        "Bearer a-token"
    )


def test_a_token_type_that_nobody_named_is_still_refused(vendor, server):
    answered(server, {**GRANTED, "token_type": "user"})
    with pytest.raises(InvalidTokenResponseError, match="token-types"):
        vendor(**{"token-types": {"bot": "Bearer"}}).authorize("my-client")


def test_a_vendors_word_for_the_grant_is_sent(vendor, server):
    answered(server, GRANTED)
    vendor(**{"grant-type": "account_credentials"}).authorize("my-client")
    assert ("grant_type", "account_credentials") in server.requests[-1].form


# -- a vendor's words about an error


@pytest.mark.parametrize(
    "case",
    [
        (
            {"error_description": "reason"},
            400,
            {"reason": "Invalid client_id or client_secret", "error": "invalid_client"},
            ("invalid_client", "Invalid client_id or client_secret"),
        ),
        (
            {"error": "message"},
            400,
            {"status": 400, "message": "missing client id"},
            ("missing client id", "missing client id"),
        ),
        (
            {"error": "errorCode", "error_description": "errorSummary"},
            403,
            {"errorCode": "E0000006", "errorSummary": "You do not have permission"},
            ("E0000006", "You do not have permission"),
        ),
        (
            {"error": "status.type", "error_description": "status.message"},
            401,
            {
                "status": {
                    "error": True,
                    "type": "Unauthorized",
                    "message": "Authentication Failure",
                }
            },
            ("Unauthorized", "Authentication Failure"),
        ),
        (
            {"error": "errors.0.code", "error_description": "errors.0.message"},
            403,
            {"errors": [{"code": 99, "message": "Unable to verify your credentials"}]},
            ("99", "Unable to verify your credentials"),
        ),
        (
            {"error_description": "errors.0"},
            400,
            {"errors": ["permission denied"]},
            (None, "permission denied"),
        ),
    ],
)
def test_a_vendors_error_is_read_where_the_data_say(vendor, server, case):
    answer, status, body, said = case
    answered(server, body, status)
    error = refused(vendor(answer=answer))
    assert (error.error, error.error_description) == said


def test_a_success_with_an_error_where_the_data_say_is_a_refusal(vendor, server):
    answered(server, {"status": {"error": "quota"}})
    assert refused(vendor(answer={"error": "status.error"})).error == "quota"


def test_an_error_that_is_elsewhere_all_the_same_is_read_as_usual(vendor, server):
    answered(server, {"error": "invalid_scope", "error_description": "no such scope"}, 400)
    error = refused(vendor(answer={"error": "code", "error_description": "reason"}))
    assert (error.error, error.error_description) == ("invalid_scope", "no such scope")


@pytest.mark.parametrize(
    ("answer", "body", "headers"),
    [
        ({}, {"correlation_id": "c-1"}, {}),
        ({"correlation_id": "errorId"}, {"errorId": "c-1"}, {}),
        ({"correlation_id": "header:X-Request-Id"}, {}, {"X-Request-Id": "c-1"}),
    ],
)
def test_a_refusal_names_the_servers_own_id_of_the_request(vendor, server, answer, body, headers):
    answered(server, {"error": "invalid_scope", **body}, 400, **headers)
    error = refused(vendor(answer=answer))
    assert error.correlation_id == "c-1"
    assert "(correlation id c-1)" in str(error)


# -- hints


HINTS = {
    "invalid_client": "By code.",
    "403": "By status.",
    "invalid_request: AADSTS900": "By code and words.",
    "*: AADSTS700016": {"hint": "By words.", "category": "configuration"},
    "*: AADSTS700016 of the other tenant": "By more words.",
    "slow": {"hint": "Wait.", "category": "throttled", "retry-after": 7},
    "late": {"hint": "Soon.", "category": "propagation"},
    "never": {"hint": "No.", "category": "throttled", "retryable": False},
}


@pytest.mark.parametrize(
    "case",
    [
        (401, "invalid_client", "x", ("By code.", "configuration", False)),
        (403, "odd", "x", ("By status.", "configuration", False)),
        (403, "invalid_client", "x", ("By code.", "configuration", False)),
        (400, "invalid_request", "AADSTS900: x", ("By code and words.", "configuration", False)),
        (400, "invalid_request", "AADSTS700016: no.", ("By words.", "configuration", False)),
        (403, "invalid_client", "AADSTS700016: no.", ("By words.", "configuration", False)),
        (400, "x", "AADSTS700016 of the other tenant", ("By more words.", "configuration", False)),
        (400, "slow", "x", ("Wait.", "throttled", True)),
        (400, "late", "x", ("Soon.", "propagation", True)),
        (400, "never", "x", ("No.", "throttled", False)),
    ],
)
def test_the_hint_that_says_most_is_given(vendor, server, case):
    status, code, words, meant = case
    answered(server, {"error": code, "error_description": words}, status)
    error = refused(vendor(**{"error-hints": HINTS}))
    hint = error.hint.partition(".")[0] + "."
    assert (hint, error.category, error.retryable) == meant
    if code == "slow":
        assert 0 < error.retry_after <= 60


def test_what_explains_an_error_is_given_the_answer_and_no_caller_is(plug, acme, server):
    seen = []

    class Acme(ProviderPlugin[ProviderSettings]):
        def explain_error(self, error):
            seen.append((error.fields, error.headers))
            return Explanation(hint=f"Ask for {error.fields['missing']}.")

    plug(Acme)
    answered(server, {"error": "x", "missing": ["read", "a secret"]}, 400, **{"X-Why": "a secret"})
    error = refused(acme())
    fields, headers = seen[0]
    assert fields == {"error": "x", "missing": ["read", "***"]}
    assert headers["x-why"] == "***"
    assert error.hint == "Ask for ['read', '***']."
    assert not error.fields
    assert not error.headers
    assert "a secret" not in repr(vars(error))


# -- the same data, wherever they stand


class Acme(ProviderPlugin[ProviderSettings]):
    answer: ClassVar[dict[str, Any]] = {"access_token": "token", "error": "reason"}
    error_hints: ClassVar[dict[str, Any]] = {"gone": "Come back."}
    token_types: ClassVar[dict[str, str]] = {"bot": "Bearer"}
    scope_separator = ","


def test_a_class_says_the_same(plug, acme, server):
    plug(Acme)
    granted = Fault(body={"token": "t", "token_type": "bot", "scope": "a,b"})
    server.script("token", [Fault(status=400, body={"reason": "gone"}), granted])
    manager = acme()
    assert refused(manager).hint == "Come back."
    token = manager.authorize("my-client", force=True).access_token
    assert (token.token_value, token.scopes) == ("t", ("a", "b"))


def test_the_data_are_checked_in_settings_too(problems):
    found = problems(
        provider={
            "acme": {
                "token-uri": "https://a.example/token",
                "answer": {"acces_token": "token"},
                "error-hints": {"x": {"hint": "Do.", "category": "odd"}},
                "token-types": {"bot": "Bot bot"},
                "scope-separator": "",
            }
        },
        registration={"a": {"client-id": "a", "client-secret": "s"}},
    )
    assert "did you mean 'access_token'" in found["provider.acme.answer"]
    assert "provider.acme.error-hints.x" in found


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("answer", {"access_token": 5}, "must be a path such as 'data.token', or a list of paths"),
        ("answer", {"access_token": {"a": "b"}}, "must be a path"),
        ("answer", {"access_token": ["a", 5]}, "must be a path"),
        ("error-hints", {"403": 5}, "must be what to do, as text or as a table with hint"),
        ("error-hints", {"403": {"hnt": "x"}}, "did you mean 'hint'"),
        ("error-hints", {"403": {"category": "policy"}}, "must be what to do"),
        ("error-hints", {"403": {"hint": "x", "retry-after": "soon"}}, "must be a number"),
    ],
)
def test_a_wrong_entry_of_the_data_says_what_to_write(problems, key, value, words):
    found = problems(
        provider={"acme": {"token-uri": "https://a.example/token", key: value}},
        registration={"a": {"client-id": "a", "client-secret": "s"}},
    )
    ((path, text),) = found.items()
    assert path.startswith(f"provider.acme.{key}.")
    assert words in text


def test_all_wrong_data_is_said_at_once(problems):
    found = problems(
        provider={
            "acme": {
                "token-uri": "https://a.example/token",
                "error-hints": {"x": 1},
                "token-types": {"bot": "Bot bot"},
                "scope-separator": "",
            }
        },
        registration={"a": {"client-id": "a", "client-secret": "s"}},
    )
    assert "provider.acme.token-types.bot" in found
    assert "provider.acme.scope-separator" in found


def test_the_data_may_stand_in_a_file_and_in_the_environment(tmp_path, monkeypatch, server):
    path = tmp_path / "settings.toml"
    path.write_text(
        f"""
        [registration.my-client]
        client-id = "my-client"
        client-secret = "a secret"
        [provider.acme]
        token-uri = "{server.token_uri}"
        answer.access_token = "data.token"
        [provider.acme.error-hints]
        "*: no such user" = "Ask for one."
        """
    )
    monkeypatch.setenv("OAUTHREG_PROVIDER__ACME__ANSWER__expires_in", "data.seconds")
    monkeypatch.setenv("OAUTHREG_PROVIDER__ACME__TOKEN_TYPES", json.dumps({"bot": "Bearer"}))
    granted = Fault(body={"data": {"token": "t", "seconds": 60}, "token_type": "bot"})
    server.script("token", [granted, Fault(status=400, body={"message": "no such user"})])
    with AuthorizedClientManager.from_settings(path) as manager:
        token = manager.authorize("my-client").access_token
        assert token.token_value == "t"
        assert (token.expires_at - token.issued_at).total_seconds() == 60
        with pytest.raises(TokenEndpointError, match=r"Ask for one\."):
            manager.authorize("my-client", audience="x")


def test_answers_that_differ_make_tokens_that_are_not_shared(vendor, server):
    server.inject(Fault(body={"access_token": "one", "token": "two"}), times=2)
    first, second = vendor(), vendor(answer={"access_token": "token"})
    tokens = [each.authorize("my-client").access_token.token_value for each in (first, second)]
    assert tokens == ["one", "two"]
