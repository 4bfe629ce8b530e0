"""Tracebacks that show local variables (Sentry, rich, `pytest -l`) show no credential of a caller.

Every frame of the package counts, those behind `from None` too.
"""

from __future__ import annotations

import gc
import logging

import pytest

from oauthreg import auth
from oauthreg._errors import AuthorizationError, ConfigurationError
from oauthreg._masked import Hidden
from oauthreg.events import BackingOff, Failed, Revoked
from oauthreg.testing import Fault

PLANTED = "planted.credential"
SURROGATE = f"{PLANTED}\ud800"
CALLBACK = f"https://app.example.com/cb?code={PLANTED}&state="
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


def shown(value, depth=0):
    """Return a value as error reporters show it: containers item by item, others by repr."""
    if depth > 5:
        return ""
    if isinstance(value, dict):
        items = [one for pair in value.items() for one in pair]
        return " ".join(shown(one, depth + 1) for one in items)
    if isinstance(value, list | tuple | set | frozenset):
        return " ".join(shown(one, depth + 1) for one in value)
    return value if isinstance(value, str) else repr(value)


def chain(error):
    """Return an error and every other that it keeps alive."""
    found, waiting = [], [error]
    while waiting:
        one = waiting.pop()
        if one is not None and one not in found:
            found.append(one)
            waiting += [one.__cause__, one.__context__]
    return found


def frames(error):
    """Yield every frame that an error keeps alive."""
    for one in chain(error):
        trace = one.__traceback__
        while trace is not None:
            yield trace.tb_frame
            trace = trace.tb_next


def leaks(error):
    """Return where the package's frames show what was planted."""
    return [
        f"{frame.f_code.co_qualname}: {name}"
        for frame in frames(error)
        if frame.f_globals["__name__"].startswith("oauthreg.")
        for name, value in frame.f_locals.items()
        if PLANTED in shown(value)
    ]


class Unfit:
    def __repr__(self):
        return PLANTED


CALLS = {
    "subject token": ("authorize", {"subject_token": PLANTED}),
    "two tokens": ("authorize", {"subject_token": PLANTED, "actor_token": PLANTED}),
    "callable": ("authorize", {"subject_token": lambda: PLANTED}),
    "forced": ("authorize", {"subject_token": PLANTED, "force": True}),
    "parameters": ("authorize", {"parameters": {"assertion": PLANTED}}),
    "misspelt": ("authorize", {"subject_tokn": PLANTED}),
    "another option is wrong": ("authorize", {"subject_token": PLANTED, "min_ttl": "x"}),
    "bytes": ("authorize", {"subject_token": PLANTED.encode()}),
    "surrogate": ("authorize", {"subject_token": SURROGATE}),
    "callable gives bytes": ("authorize", {"subject_token": PLANTED.encode}),
    "no token": ("authorize", {"actor_token": Unfit()}),
    "wrong parameters": ("authorize", {"parameters": {"a": Unfit()}}),
    "introspect": ("introspect", {"token_value": PLANTED}),
    "introspect surrogate": ("introspect", {"token_value": SURROGATE}),
    "introspect bytes": ("introspect", {"token_value": PLANTED.encode()}),
    "introspect for nobody": ("introspect", {"token_value": PLANTED, "principal": ""}),
    "revoke": ("revoke", {"token_value": PLANTED}),
    "revoke surrogate": ("revoke", {"token_value": SURROGATE}),
    "override": ("override", {"token_value": f"{PLANTED} with blanks"}),
    "override bytes": ("override", {"token_value": PLANTED.encode()}),
    "auth": ("auth", {"subject_tokn": PLANTED}),
    "token source": ("token_source", {"subject_tokn": PLANTED}),
}


@pytest.fixture
def exchanging(make, server, caplog):
    """A manager of an exchange whose every request is refused."""
    caplog.set_level(logging.CRITICAL)
    server.inject(Fault(status=400, body={"error": "invalid_request"}), times=50)
    events = []
    provider = {"introspection-uri": server.issuer, "revocation-uri": server.issuer}
    app = {"authorization-grant-type": EXCHANGE}
    harness = make(app, provider=provider, on_event=events.append)
    harness.heard = events
    return harness


def failing(harness, method, *args, **kwargs):
    with pytest.raises((AuthorizationError, TypeError, ValueError)) as caught:
        harness.do(method, *args, **kwargs)
    return caught.value


@pytest.mark.parametrize(("method", "given"), CALLS.values(), ids=CALLS)
def test_no_frame_shows_what_a_caller_passed(exchanging, method, given):
    for _ in range(2):  # the second time, an earlier failure may answer
        error = failing(exchanging, method, "app", **given)
        assert [one for one in chain(error) if PLANTED in str(one)] == []
        assert leaks(error) == []


@pytest.mark.parametrize("method", ["introspect", "revoke", "override", "authorize"])
def test_no_frame_shows_a_token_for_an_unknown_registration(exchanging, method):
    option = "subject_token" if method == "authorize" else "token_value"
    with pytest.raises(Exception, match="nobody") as caught:
        exchanging.do(method, "nobody", **{option: PLANTED})
    assert leaks(caught.value) == []


def test_no_frame_shows_a_token_that_is_rejected_for_no_registration(exchanging):
    assert leaks(failing(exchanging, "reject", 5, PLANTED)) == []


@pytest.mark.parametrize("token", [None, "", 5, PLANTED.encode(), SURROGATE, [PLANTED]])
def test_what_is_no_token_cannot_be_rejected(exchanging, token):
    error = failing(exchanging, "reject", "app", token)
    assert isinstance(error, TypeError)
    assert leaks(error) == []


WRONG_TABLE = {"client-id": "id", "client-secret": PLANTED, "provider": "as", "client-idd": "id"}


def test_no_frame_shows_the_secrets_of_settings_that_are_wrong(exchanging):
    with pytest.raises(ConfigurationError) as caught:
        exchanging.do("register", "new", WRONG_TABLE)
    assert leaks(caught.value) == []
    for given in (
        {"settings": {"registration": {"new": WRONG_TABLE}}},
        {"settings": {}, "arguments": {"registration": {"new": WRONG_TABLE}}},
    ):
        with pytest.raises(ConfigurationError) as caught:
            exchanging.kind.from_settings(**given)
        assert leaks(caught.value) == []


def test_no_frame_shows_an_overriding_token(exchanging):
    exchanging.do("override", "app", PLANTED)
    assert leaks(failing(exchanging, "authorize", "app", min_ttl="x")) == []
    assert exchanging.token() == PLANTED


def test_a_token_source_keeps_its_options_to_itself(exchanging):
    source = exchanging.do("token_source", "app", subject_token=PLANTED)
    with pytest.raises(AuthorizationError) as caught:
        exchanging.result_of(source)
    assert leaks(caught.value) == []


def test_an_adapter_keeps_its_options_to_itself(exchanging, kind):
    library = auth.requests if kind == "threads" else auth.httpx2
    one = library.Auth(exchanging.manager, "app", subject_token=PLANTED)
    assert PLANTED not in shown(vars(one._supplier))


@pytest.fixture
def logging_in(make, server):
    """A manager by which users log in."""
    server.add_client("app", "secret", grants=("authorization_code", "refresh_token"))
    app = {"redirect-uri": "https://app.example.com/cb"}
    app["authorization-grant-type"] = "authorization_code"
    return make(app, provider={"authorization-uri": server.authorization_uri})


def completing(harness, request, callback):
    return failing(harness, "complete", "app", callback, request=request, principal="alice")


@pytest.mark.parametrize("as_mapping", [False, True], ids=["object", "mapping"])
@pytest.mark.parametrize(
    "callback",
    [f"{CALLBACK}another", CALLBACK + PLANTED, CALLBACK + SURROGATE, CALLBACK.encode(), "{state}"],
    ids=["another state", "refused", "surrogate", "bytes", "of this login"],
)
def test_no_frame_shows_what_a_login_carries(logging_in, callback, as_mapping):
    request = logging_in.do("authorization_request", "app")
    if callback == "{state}":
        callback = CALLBACK + request.state
    error = completing(logging_in, request.to_mapping() if as_mapping else request, callback)
    assert leaks(error) == []
    kept = {request.state, request.code_verifier}
    texts = [shown(value) for frame in own(error) for value in frame.f_locals.values()]
    assert [text for text in texts if any(one in text for one in kept)] == []


def own(error):
    return [one for one in frames(error) if one.f_globals["__name__"].startswith("oauthreg.")]


def test_no_frame_shows_a_login_that_is_none(logging_in):
    assert leaks(completing(logging_in, {"code_verifier": PLANTED}, CALLBACK)) == []
    device = {"device_code": PLANTED}
    assert leaks(failing(logging_in, "poll", "app", device, principal="alice")) == []


def test_an_empty_token_is_not_the_registrations_own(exchanging):
    """Else an API that asks about an absent token is told that it is active."""
    for method in ("introspect", "revoke"):
        with pytest.raises(TypeError, match="token_value must be a non-empty string; it is empty"):
            exchanging.do(method, "app", "")


def test_what_listeners_keep_keeps_no_frame_alive(exchanging):
    for _ in range(2):
        exchanging.failure(subject_token=PLANTED)
    failing(exchanging, "revoke", "app", PLANTED)
    kinds = {type(event) for event in exchanging.heard}
    assert {Failed, BackingOff, Revoked} <= kinds
    errors = [event.error for event in exchanging.heard if getattr(event, "error", None)]
    assert [frame for error in errors for frame in frames(error)] == []


def test_a_failure_that_is_kept_keeps_no_frame_alive(exchanging):
    for number in range(3):
        exchanging.failure(subject_token=f"{PLANTED}{number}")
    exchanging.settled()
    kept = exchanging.core.state.backoffs._by_scope.values()
    assert len(kept) == 3
    assert [frame for one in kept for frame in frames(one.error)] == []


def test_a_failed_call_leaves_no_garbage_with_its_token(exchanging):
    """A cycle of an error and its frame would keep it until the collector comes."""
    gc.collect()
    gc.disable()
    try:
        exchanging.fail_alone(subject_token=PLANTED, min_ttl="x")
        alive = [one for one in gc.get_objects() if type(one) is Hidden]
        assert [one for one in alive if one.value == PLANTED] == []
    finally:
        gc.enable()
