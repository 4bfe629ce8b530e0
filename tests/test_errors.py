"""Errors are plain data: they travel between processes, and tell all they know."""

from __future__ import annotations

import pickle

import pytest

import oauthreg
from oauthreg import (
    AuthorizationError,
    ConfigurationError,
    DiscoveryError,
    ManagerClosedError,
    OAuthRegError,
    PluginFailedError,
    Problem,
    TokenEndpointError,
    UnknownRegistrationError,
)

ERRORS = [
    TokenEndpointError(
        "answered 401", status=401, error="invalid_client", registration_id="app", hint="Look."
    ),
    DiscoveryError("no metadata", answers=[("https://a.example", "404")]),
    PluginFailedError("plugin raised", exception=KeyError("x")),
    ConfigurationError([Problem("registration.app", "is wrong", "settings.toml line 1")]),
    UnknownRegistrationError("app", "there is no such registration"),
    ManagerClosedError(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_the_way_to_another_process(error):
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own bytes
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert {name: repr(value) for name, value in vars(again).items()} == {
        name: repr(value) for name, value in vars(error).items()
    }


def test_every_error_is_one_of_ours():
    errors = [getattr(oauthreg, name) for name in oauthreg.__all__ if name.endswith("Error")]
    ours = [error for error in errors if error is not oauthreg.SecretReadError]
    assert all(issubclass(error, OAuthRegError) for error in ours)


def test_an_error_tells_whose_what_where_and_what_to_do():
    error = AuthorizationError(
        "was refused",
        registration_id="app",
        endpoint="https://auth.example.com/token",
        retry_after=12.34,
        backing_off=True,
        hint="Do this.",
    )
    assert str(error) == (
        "app: was refused [https://auth.example.com/token]; not asked again for 12.3 s. Do this."
    )


def test_a_copy_is_a_new_error_with_other_fields():
    error = ERRORS[0]
    copy = error.copy(registration_id="other", args=("words",))
    assert (copy.registration_id, copy.status, copy.args) == ("other", 401, ("words",))
    assert (error.registration_id, copy.__traceback__) == ("app", None)


def test_what_was_asked_for_stands_behind_what_happened():
    error = AuthorizationError("was refused.", asked_for='scope "read"', hint="Do this.")
    assert str(error) == 'was refused.; asked for scope "read". Do this.'
    assert str(AuthorizationError("was refused.", hint="Do this.")) == "was refused. Do this."


def test_a_text_of_many_lines_becomes_one():
    assert str(AuthorizationError("a\nb\x1b[31m\u2028c", hint="d\re")) == "a b [31m c. d e"


def raised(error):
    """Raise and catch an error where a credential is in the frame."""
    secret = "planted"  # noqa: F841 - what a frame would keep
    try:
        try:
            raise KeyError("cause")  # noqa: TRY301 - the cause
        except KeyError:
            raise error  # noqa: B904 - with a context, as a plugin may have
    except Exception as caught:  # noqa: BLE001 - whatever was given
        return caught


def test_a_copy_keeps_no_frame():
    copy = raised(AuthorizationError("no")).copy()
    assert (copy.__traceback__, copy.__cause__, copy.__context__) == (None, None, None)


def test_what_a_plugin_raised_keeps_no_frame_in_all_its_chain():
    group = ExceptionGroup("both", [raised(ValueError("a")), raised(ValueError("b"))])
    inner = raised(group)
    inner.__cause__ = inner.__context__
    exception = PluginFailedError("a plugin raised", exception=inner).exception
    assert exception is inner
    chain = [inner, inner.__context__, *(one for one in inner.exceptions)]
    chain += [one.__context__ for one in inner.exceptions]
    assert [one.__traceback__ for one in chain] == [None] * 6


REFUSALS = [
    (401, "invalid_client", True),
    (400, "invalid_client", True),
    (401, None, True),
    (401, "unauthorized", True),
    (401, "unauthorized_client", True),
    (401, "E0000011", True),
    (401, "unsupported_grant_type", False),
    (401, "invalid_grant", False),
    (401, "use_dpop_nonce", False),
    (400, "unauthorized_client", False),
    (400, None, False),
    (403, None, True),
    (403, "access_denied", False),
    (500, None, False),
]


@pytest.mark.parametrize(("status", "code", "refused"), REFUSALS)
def test_one_rule_says_whether_a_credential_was_refused(status, code, refused):
    error = TokenEndpointError("no", status=status, error=code)
    assert error.credential_refused is refused


def test_problems_are_counted_and_told_with_their_remedies():
    one = Problem("registration.a.scope", "is wrong", "s.toml line 3, registration.a.scope", "Fix.")
    assert str(ConfigurationError([one])) == (
        "1 problem in the configuration:\n"
        "  registration.a.scope (s.toml line 3): is wrong\n"
        "    Fix."
    )
    assert str(ConfigurationError([one, one])).startswith("2 problems")
