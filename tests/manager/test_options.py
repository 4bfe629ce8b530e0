"""What one call of `authorize` may ask for."""

from __future__ import annotations

import copy
import pickle

import pytest

from oauthreg._errors import LoginRequiredError, UnknownRegistrationError


def form(server):
    return server.last_token_request.form


def test_scope_audience_and_resource_are_this_calls_alone(h, server):
    h.token(scope="write", audience="api", resource="https://a.example")
    assert ("scope", "write") in form(server)
    assert ("audience", "api") in form(server)
    assert ("resource", "https://a.example") in form(server)
    h.token()
    assert form(server) == [("grant_type", "client_credentials"), ("scope", "read")]


def test_several_resources_are_repeated_pairs_on_the_wire(h, server):
    h.token(resource=["https://b.example", "https://a.example"])
    pairs = [pair for pair in form(server) if pair[0] == "resource"]
    assert pairs == [("resource", "https://b.example"), ("resource", "https://a.example")]


def test_parameters_are_merged_over_the_registrations(make, server):
    h = make({"parameters": {"tenant": "a", "kept": "yes"}})
    h.token(parameters={"tenant": "b", "added": "1"})
    sent = form(server)
    assert {("tenant", "b"), ("kept", "yes"), ("added", "1")} <= set(sent)
    assert ("tenant", "a") not in sent


@pytest.mark.parametrize(
    "options",
    [
        {"scope": "write"},
        {"scope": ["read", "write"]},
        {"audience": "api"},
        {"resource": "https://a.example"},
        {"parameters": {"tenant": "b"}},
        {"subject_token": "subject"},
        {"actor_token": "actor"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_what_changes_the_token_does_not_share_one(h, server, options):
    plain = h.token()
    special = h.token(**options)
    assert special != plain
    assert h.token(**options) == special
    assert h.token() == plain
    assert server.token_requests == 2


@pytest.mark.killed_by(
    "oauthreg/_token_key.py",
    '        "client_name": "shown to people",\n',
    '        "client_name": "shown to people", "parameters": "",\n',
)
def test_two_registrations_that_differ_by_a_tenant_parameter_share_no_token(make, server):
    table = {"provider": "as", "client-id": "app", "client-secret": "secret", "scope": "read"}
    h = make(
        registration={
            "one": {**table, "parameters": {"tenant": "one"}},
            "two": {**table, "parameters": {"tenant": "two"}},
        }
    )
    assert h.token("one") != h.token("two")
    assert h.token("one", parameters={"tenant": "two"}) == h.token("two")


@pytest.mark.killed_by(
    "oauthreg/_token_key.py",
    'UNORDERED = frozenset({"scopes", "resource"})\n',
    'UNORDERED = frozenset({"resource"})\n',
)
def test_order_and_duplicates_of_scopes_share_a_token(h, server):
    first = h.token(scope="read write")
    assert h.token(scope="write read") == first
    assert h.token(scope=["write", "read", "write"]) == first
    assert h.token(scope=("read", "write")) == first
    assert server.token_requests == 1


def test_a_principal_is_carried_and_takes_no_part_in_sharing(h, server):
    one, two = h.authorize(principal="one"), h.authorize(principal="two")
    assert (one.principal, two.principal, h.authorize().principal) == ("one", "two", None)
    assert one.access_token is two.access_token
    assert server.token_requests == 1


def test_a_subject_token_may_be_a_callable(h, server):
    values = iter(["first", "second", "first"])
    tokens = [h.token(subject_token=lambda: next(values)) for _ in range(3)]
    assert tokens[0] == tokens[2] != tokens[1]
    assert server.token_requests == 2


@pytest.mark.parametrize("given", ["", 5, b"bytes", lambda: None])
def test_a_subject_token_that_is_none_is_a_type_error(h, given):
    error = h.failure(subject_token=given)
    assert isinstance(error, TypeError)
    assert "subject_token must be a non-empty string" in str(error)


@pytest.mark.parametrize(
    ("option", "advice"), [("audiance", "audience"), ("scopes", "scope"), ("time_out", "timeout")]
)
def test_an_unknown_option_is_a_type_error_that_knows_better(h, server, option, advice):
    h.token()
    error = h.failure(**{option: "x"})
    assert isinstance(error, TypeError)
    assert advice in str(error)
    assert server.token_requests == 1


def test_one_that_resembles_nothing_lists_what_there_is(h):
    assert "subject_token" in str(h.failure(zzz=1))


def test_an_unknown_registration_names_those_that_exist(h):
    error = h.failure("ap")
    assert isinstance(error, UnknownRegistrationError)
    assert "app" in str(error)


def test_a_grant_of_a_user_needs_a_login(make, server):
    user = {
        "provider": "as",
        "client-id": "app",
        "client-secret": "secret",
        "authorization-grant-type": "authorization_code",
        "redirect-uri": "https://app.example/callback",
    }
    h = make(
        registration={"user": user},
        provider={"authorization-uri": server.issuer + "/authorize"},
    )
    assert isinstance(h.failure("user"), LoginRequiredError)
    assert "principal=" in str(h.failure("user"))
    assert "'alice'" in str(h.failure("user", principal="alice"))
    assert server.requests == []


def test_calls_with_options_are_served_from_a_bounded_table(h, monkeypatch):
    monkeypatch.setattr("oauthreg._renewal.hot_path.MOST_CALLS", 8)
    monkeypatch.setattr("oauthreg._renewal.cache_entry.MOST_HOT_KEYS", 16)
    for number in range(100):
        assert h.authorize(principal=str(number)).principal == str(number)
    assert len(h.manager._hot_calls) == 8
    (entry,) = h.entries
    assert len(entry.hot_keys) <= 16 + 1


def test_a_call_with_options_is_a_hit_the_second_time(h):
    h.token(audience="api", principal="one")
    decided = h.arrivals.count
    h.token(audience="api", principal="one")
    assert h.arrivals.count == decided


@pytest.mark.parametrize(
    "options",
    [{"force": False}, {"min_ttl": 1}, {"resource": ["https://a.example"]}, {"parameters": {}}],
    ids=str,
)
def test_what_cannot_be_kept_is_decided_each_time(h, options):
    h.token(**options)
    decided = h.arrivals.count
    h.token(**options)
    assert h.arrivals.count > decided
    assert h.manager._hot_calls == {}


def test_a_client_shows_and_pickles_nothing(h, server):
    client = h.authorize()
    value = client.access_token.token_value
    assert client.authorization == f"Bearer {value}"
    for shown in (client, client.access_token):
        for text in (repr(shown), str(shown), format(shown, "60"), f"{shown!s:>80}"):
            assert value not in text
        assert copy.copy(shown) is copy.deepcopy(shown) is shown
        with pytest.raises(TypeError, match="pass the registration id"):
            pickle.dumps(shown)
    with pytest.raises(AttributeError):
        client.access_token.token_value = "x"


def test_a_token_source_gives_a_live_value(h, server):
    source = h.manager.token_source("app", audience="api")
    assert h.result_of(source) == h.token(audience="api")
    assert server.token_requests == 1
