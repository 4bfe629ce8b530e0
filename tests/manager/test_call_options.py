"""Options of the wrong kind: a TypeError in words, before anything is sent."""

from __future__ import annotations

import decimal
import math
from fractions import Fraction
from types import SimpleNamespace

import pytest

from oauthreg import (
    AuthorizedClientManager,
    ClientRegistration,
    ProviderDetails,
    Secret,
    TokenOf,
)
from oauthreg._manager.options import CallOptions, checked_id, checked_principal, read_options

SURROGATE = "\ud800"
PLANTED = "planted-token-value"
REGISTRATION = ClientRegistration(
    registration_id="app",
    provider=ProviderDetails(name="as"),
    client_id="id",
    parameters={"tenant": "a", "kept": "1"},
    principal="me",
)


def read(**options) -> CallOptions:
    return read_options(REGISTRATION, options)


class NotText:
    def __str__(self):
        return PLANTED

    __repr__ = __str__


WRONG = {
    "principal": ["", "  ", 5, True, b"alice", ["alice"], SURROGATE, NotText()],
    "scope": [5, b"read", {"read": 1}, ["read", 5], [None], ["a b"], 'a"b', SURROGATE, object()],
    "audience": ["", " ", ["a"], ("a",), 5, SURROGATE, NotText()],
    "resource": [5, "no address", ["https://a.example", 5], "https://a.example#x", "", [SURROGATE]],
    "parameters": [
        *("a=b", [("a", "b")], 5, {1: "a"}, {"": "a"}, {"a": None}, {"a": ["b"]}, {"a": b"b"}),
        *({"grant_type": "x"}, {"a": SURROGATE}, {SURROGATE: "a"}, {"a": NotText()}),
    ],
    "subject_token": [
        *("", " ", 5, b"bytes", True, [PLANTED], NotText(), Secret(PLANTED), PLANTED + SURROGATE),
        *(lambda: None, lambda: "", PLANTED.encode, lambda: TokenOf("app"), str),
    ],
    "actor_token": ["", 5, lambda: 5, PLANTED + SURROGATE],
    "min_ttl": ["5m", "5", "", True, b"5", [5], -1, -0.5, math.nan, math.inf, -math.inf, 10**400],
    "force": ["no", "", 0, 1, 1.0, [], "False"],
    "timeout": ["5", "", True, -1, math.nan, math.inf, 10**400, 86_401, decimal.Decimal(5)],
}


@pytest.mark.parametrize(
    ("option", "given"), [(option, each) for option, list_ in WRONG.items() for each in list_]
)
def test_what_is_of_the_wrong_kind_is_a_type_error_in_words(option, given):
    with pytest.raises(TypeError) as caught:
        read(**{option: given})
    told = str(caught.value)
    assert told.startswith(f"the option {option} must be ")
    assert told.encode().isascii()
    assert PLANTED not in told
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"min_ttl": "5m"}, "seconds from 0 to 31536000, as in min_ttl=300; it is a str"),
        ({"timeout": "5"}, "a number of seconds from 0 to 86400, as in timeout=5; it is a str"),
        ({"timeout": -1}, "it is -1"),
        ({"timeout": 10**400}, "it is out of range"),
        ({"min_ttl": math.nan}, "it is nan"),
        ({"principal": 5}, 'as in principal="alice"; it is an int'),
        ({"principal": ""}, "it is empty"),
        ({"force": "no"}, "force must be True or False; it is a str"),
        ({"audience": ["a"]}, "one non-empty string, as in audience="),
        ({"scope": ["read", 5]}, "it has an item that is an int"),
        ({"parameters": "a=b"}, 'of strings, as in parameters={"tenant": "a"}; it is a str'),
        ({"parameters": {"a": None}}, "it has a 'a' that is a NoneType"),
        ({"parameters": {"grant_type": "x"}}, "it must not hold grant_type"),
        ({"subject_token": b"x"}, 'or TokenOf("registration-id"); it is a bytes'),
        ({"subject_token": lambda: None}, "it is a callable, and what it gave is a NoneType"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(list(value)),
)
def test_the_words_say_what_was_given_and_what_to_write(options, words):
    with pytest.raises(TypeError) as caught:
        read(**options)
    assert words in str(caught.value)


def test_a_callable_that_is_a_coroutine_function_is_refused_without_a_warning():
    async def give():
        return PLANTED

    with pytest.raises(TypeError, match="what it gave is a coroutine"):
        read(subject_token=give)


def test_what_a_callable_raises_is_its_callers():
    def give():
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        read(subject_token=give)


@pytest.mark.parametrize("option", WRONG)
def test_none_is_not_given(option):
    assert read(**{option: None}) == read()


def test_without_options_the_registration_is_as_it_is():
    assert read() == CallOptions(registration=REGISTRATION, principal="me")
    assert read().registration is REGISTRATION


def test_options_are_read_into_one_record():
    call = read(
        principal="alice",
        subject_token="registration:x",
        actor_token=TokenOf("x"),
        min_ttl=5,
        force=True,
        timeout=0,
    )
    assert call == CallOptions(
        registration=REGISTRATION,
        principal="alice",
        subject_token=Secret("registration:x"),
        actor_token=TokenOf("x"),
        min_ttl=5.0,
        force=True,
        timeout=0.0,
    )
    assert PLANTED not in repr(read(subject_token=PLANTED))
    with pytest.raises(AttributeError):
        call.principal = "bob"


@pytest.mark.parametrize("given", ["read write", ["read", "write"], ("read", "write")])
def test_scopes_are_a_string_or_a_list(given):
    assert read(scope=given).registration.scopes == ("read", "write")


def test_no_scope_is_an_empty_string_or_list():
    assert read(scope="").registration.scopes == read(scope=[]).registration.scopes == ()


def test_parameters_are_written_as_in_settings():
    given = {"tenant": "b", "number": 5, "on": True, "off": False, "empty": ""}
    assert read(parameters=given).registration.parameters == {
        "tenant": "b",
        "kept": "1",
        "number": "5",
        "on": "true",
        "off": "false",
        "empty": "",
    }


def test_the_longest_times_are_a_year_and_a_day():
    assert read(min_ttl=31_536_000, timeout=86_400.0).timeout == 86_400


@pytest.mark.parametrize("given", [None, 5, b"app", ["app"], SURROGATE, NotText()])
def test_an_id_that_is_no_string_is_a_type_error(given):
    with pytest.raises(TypeError, match="registration_id must be a string") as caught:
        checked_id(given)
    assert PLANTED not in str(caught.value)


@pytest.mark.parametrize("given", [None, 5, b"app", ["app"], Fraction(1), SimpleNamespace()])
def test_no_method_takes_an_id_that_is_no_string(h, server, given):
    assert isinstance(h.failure(given), TypeError)
    assert isinstance(h.failure(given, principal="x"), TypeError)
    for call in (
        lambda: h.manager.reject(given, "x"),
        lambda: h.manager.remove(given),
        lambda: h.manager.override(given, "x"),
        lambda: h.result_of(lambda: h.manager.invalidate(given)),
        lambda: h.result_of(lambda: h.manager.revoke(given)),
    ):
        with pytest.raises(TypeError, match="registration_id must be a string"):
            call()
    assert server.requests == []


def test_a_principal_by_itself_is_checked_alike():
    assert checked_principal("alice") == "alice"
    for wrong in (None, "", 5, SURROGATE):
        with pytest.raises(TypeError, match="principal must be a non-empty string"):
            checked_principal(wrong)


@pytest.mark.parametrize("given", ["", None, 5])
def test_token_of_takes_an_id(given):
    with pytest.raises(TypeError, match="TokenOf takes the id of a registration"):
        TokenOf(given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"only": 5}, "only must be an id or a list of ids"),
        ({"only": [5]}, "only must be an id or a list of ids"),
        ({"arguments": 5}, "arguments must be a dict of settings, or None; it is a int"),
        ({"env_file": 5}, "env_file must be a path"),
        ({"secrets_dir": b"x"}, "secrets_dir must be a path"),
        ({"profile": 5}, "profile must be a name"),
    ],
)
def test_what_from_settings_is_given_is_checked(given, words):
    with pytest.raises(TypeError, match=words):
        AuthorizedClientManager.from_settings(None if "only" not in given else {}, **given)


def test_register_takes_an_id_and_a_table(h):
    with pytest.raises(TypeError, match="registration_id must be a string"):
        h.do("register", None, {})
    with pytest.raises(TypeError, match="settings must be a table"):
        h.do("register", "other", "x")


def test_an_audience_of_a_call_has_no_blanks(h):
    with pytest.raises(TypeError, match=r"the option audience must be .* has a blank in it"):
        h.authorize(audience="a b")
