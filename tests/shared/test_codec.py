from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthreg import AccessToken, RefreshToken, TokenEndpointError
from oauthreg._shared.codec import decode, encode
from oauthreg._shared.entries import (
    AccessEntry,
    FailureRecord,
    LoginEntry,
    NamingKey,
    Rejection,
    StoredToken,
)
from oauthreg._shared.seal import UnreadableError
from oauthreg.stores import Reading

TIMES = st.floats(0, 1e11, allow_nan=False)
TEXTS = st.text(max_size=12)
TOKENS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | TIMES | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
EXTRA = st.dictionaries(TEXTS, JSON, max_size=3)
STORED = st.builds(
    StoredToken,
    token_value=TOKENS,
    token_type=st.sampled_from(["Bearer", "DPoP"]),
    scopes=st.lists(TEXTS, max_size=3).map(tuple),
    api_uri=st.none() | TEXTS,
    extra=EXTRA,
    start=st.builds(Reading, TIMES, TEXTS, TIMES),
    lifetime=st.floats(0, 3e9),
    end=TIMES,
    login=TEXTS,
)
WHEN = st.floats(0, 4e9).map(lambda at: datetime.fromtimestamp(at, UTC))
REFRESH = st.builds(RefreshToken, token_value=st.text(min_size=1, max_size=30), issued_at=WHEN)
RECORDS = {
    "token.a": st.builds(
        AccessEntry,
        token=st.none() | STORED,
        rejections=st.lists(st.builds(Rejection, TEXTS, TIMES), max_size=8).map(tuple),
        refused_in_a_row=st.integers(0, 1000),
        last_rejection=TIMES,
        renew_at=TIMES,
    ),
    "login.a": st.builds(
        LoginEntry,
        refresh_token=st.none() | REFRESH,
        sent=st.integers(0, 2),
        used=TIMES,
        ends=st.none() | TIMES,
        extra=EXTRA,
        id=TEXTS,
    ),
    "wait.a": st.builds(
        FailureRecord,
        said=TIMES,
        until=TIMES,
        status=st.integers(100, 599),
        message=TEXTS,
        details=st.dictionaries(st.sampled_from(FailureRecord.DETAILS), TEXTS),
    ),
    "naming": st.builds(NamingKey, key=st.binary(min_size=32, max_size=32), saved=TIMES),
}
NAMED = st.sampled_from(sorted(RECORDS)).flatmap(lambda n: st.tuples(st.just(n), RECORDS[n]))
LOGIN = LoginEntry(refresh_token=None)


def refusal(content, name="login.a", generation=1):
    with pytest.raises(UnreadableError) as caught:
        decode(content, name=name, generation=generation)
    return caught.value


def changed(name, record, **fields):
    table = json.loads(encode(record, name=name, generation=1)) | fields
    return json.dumps(table).encode()


def without_rest(record):
    return {f.name: getattr(record, f.name) for f in fields(record) if f.name != "rest"}


@given(NAMED, st.integers(1, 2**62))
def test_a_record_comes_back_as_it_was(named, generation):
    name, record = named
    content = encode(record, name=name, generation=generation)
    again = decode(content, name=name, generation=generation)
    assert without_rest(again) == without_rest(record)
    assert not again.rest


@given(NAMED)
def test_it_is_read_under_its_own_name_and_generation_only(named):
    name, record = named
    content = encode(record, name=name, generation=7)
    assert "another name" in refusal(content, f"{name}x" if "." in name else "wait.a", 7).reason
    assert "another generation" in refusal(content, name, 8).reason


@given(NAMED, st.integers(2, 99), st.text(max_size=40))
def test_a_newer_format_is_not_read(named, number, needs):
    name, record = named
    error = refusal(changed(name, record, format=number, needs=needs), name)
    assert error.newer
    assert error.reason.isprintable()
    assert (
        "needs oauthreg 3.1.0"
        in refusal(changed(name, record, format=number, needs="3.1.0"), name).reason
    )


@given(NAMED, EXTRA)
def test_fields_of_a_later_version_are_kept(named, later):
    name, record = named
    later = {f"x-{key}": value for key, value in later.items()}
    again = decode(changed(name, record, **later), name=name, generation=1)
    saved = encode(again, name=name, generation=2)
    assert dict(decode(saved, name=name, generation=2).rest) == later


def test_fields_of_a_token_s_later_version_are_kept_with_that_token():
    token = {
        "value": "t", "type": "Bearer", "scopes": [], "extra": {}, "lifetime": 60, "end": 60,
        "start": {"time": 0, "boot": "", "steady": 0}, "later": 1,
    }  # fmt: skip
    entry = decode(changed("token.a", AccessEntry(), token=token), name="token.a", generation=1)
    saved = encode(replace(entry, refused_in_a_row=1), name="token.a", generation=2)
    assert json.loads(saved)["token"]["later"] == 1


@given(st.binary(max_size=80))
def test_noise_is_damaged(noise):
    for name in RECORDS:
        refusal(noise, name)


@given(NAMED, st.data())
def test_a_field_of_another_kind_never_raises_anything_else(named, data):
    """With encryption off anyone may write anything."""
    name, record = named
    table = json.loads(encode(record, name=name, generation=1))
    key = data.draw(st.sampled_from(sorted(table)))
    if data.draw(st.booleans()):
        table[key] = data.draw(JSON)
    else:
        del table[key]
    try:
        again = decode(json.dumps(table).encode(), name=name, generation=1)
    except UnreadableError:
        return
    saved = encode(again, name=name, generation=2)
    assert without_rest(decode(saved, name=name, generation=2)) == without_rest(again)


@pytest.mark.parametrize("content", [b"[]", b"1", b"[" * 10_000, b"{}", b'{"format":"1"}'])
def test_what_is_no_record_is_damaged(content):
    assert "damaged" in refusal(content).reason


@pytest.mark.parametrize(
    "field",
    [
        {"value": "two words"},
        {"value": "line\nend"},
        {"value": ""},
        {"lifetime": float("inf")},
        {"lifetime": 1e20},
        {"end": -1},
        {"scopes": [1]},
        {"start": None},
    ],
)
def test_a_token_that_cannot_be_one_is_damaged(field):
    token = {
        "value": "t", "type": "Bearer", "scopes": [], "extra": {}, "lifetime": 60, "end": 60,
        "start": {"time": 0, "boot": "", "steady": 0},
    } | field  # fmt: skip
    assert "damaged" in refusal(changed("token.a", AccessEntry(), token=token), "token.a").reason


def test_a_naming_key_of_another_length_is_damaged():
    record = NamingKey(key=b"k" * 32, saved=1.0)
    assert "damaged" in refusal(changed("naming", record, key="c2hvcnQ="), "naming").reason


def test_a_token_becomes_one_of_this_process_again():
    issued = datetime(2026, 1, 1, tzinfo=UTC)
    token = AccessToken(
        token_value="t",
        token_type="Bearer",
        scopes=("read", "write"),
        issued_at=issued,
        expires_at=issued + timedelta(seconds=300),
        extra={"nested": {"a": [1]}},
    )
    stored = StoredToken.of(token, Reading(5000.0))
    content = encode(AccessEntry(token=stored), name="token.a", generation=1)
    again = decode(content, name="token.a", generation=1).token
    now = issued + timedelta(hours=1)  # by a clock that is one hour ahead
    assert again.age(Reading(5020.0)) == 20
    received = again.access_token(20, now)
    assert received.issued_at == now - timedelta(seconds=20)
    assert received.expires_at == now + timedelta(seconds=280)
    assert (received.token_value, received.scopes) == ("t", ("read", "write"))
    assert received.extra == {"nested": {"a": [1]}}


def test_a_token_s_age_is_the_longest_that_any_clock_says():
    stored = StoredToken(
        token_value="t", token_type="Bearer", scopes=(), lifetime=100.0,
        start=Reading(1000.0, "boot", 10.0), end=1100.0,
    )  # fmt: skip
    assert stored.age(Reading(1030.0, "boot", 50.0)) == 40
    assert stored.age(Reading(1050.0, "boot", 50.0)) == 50
    assert replace(stored, end=1080.0).age(Reading(1030.0, "boot", 40.0)) == 50
    assert stored.age(Reading(900.0, "other", 50.0)) is None


def test_rejections_are_the_last_eight_that_live():
    entry = AccessEntry(rejections=(Rejection("ended", 10.0), Rejection("a", 100.0)))
    more = entry.with_rejections(tuple(Rejection(f"b{n}", 100.0) for n in range(8)), now=20.0)
    assert [one.fingerprint for one in more.rejections] == [f"b{n}" for n in range(8)]
    assert more.is_rejected("b3")
    assert not more.is_rejected("ended")
    assert more.end == 100.0
    assert entry.with_rejections((), now=20.0).rejections == (Rejection("a", 100.0),)


def test_a_login_ends_ninety_days_after_its_last_use_unless_the_server_said():
    day = 86_400.0
    assert replace(LOGIN, used=10 * day).end == 100 * day
    assert replace(LOGIN, used=10 * day, ends=20 * day).end == 20 * day


def test_a_failure_is_an_error_again():
    error = TokenEndpointError(
        "said no",
        status=401,
        error="invalid_client",
        error_description="who?",
        registration_id="mine",
        endpoint="https://auth.example.com/token",
        hint="Look at the secret.",
    )
    record = FailureRecord.of(error, 10.0, 40.0)
    content = encode(record, name="refused.a", generation=1)
    again = decode(content, name="refused.a", generation=1).error(
        registration_id="yours", backing_off=True
    )
    assert (again.error, again.status, again.error_description) == ("invalid_client", 401, "who?")
    assert (again.endpoint, again.hint) == (error.endpoint, error.hint)
    assert again.credential_refused
    assert again.registration_id == "yours"
    assert b"mine" not in content


def test_a_failure_counts_until_it_ends_and_never_beyond_an_hour():
    record = FailureRecord(said=100.0, until=160.0, status=429, message="slow down")
    assert record.left(Reading(130.0)) == 30
    assert record.left(Reading(160.0)) == 0
    assert record.left(Reading(50.0)) == 0
    assert replace(record, until=1e9).left(Reading(100.0)) == 3660
