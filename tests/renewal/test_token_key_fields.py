"""The token key, field by field: a field that is not exempt by name makes tokens separate."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass, fields, make_dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import BaseModel, SecretStr

from oauthreg._dpop import Prover
from oauthreg._flow import ClientCertificate
from oauthreg._grants.table import GRANTS
from oauthreg._registration import ClientRegistration, ProviderDetails
from oauthreg._secret_values import (
    ChainedToken,
    EnvironmentSecret,
    FileSecret,
    KeyringSecret,
    LiteralSecret,
    Secret,
    TokenOf,
)
from oauthreg._signing_keys.keys import generated_key
from oauthreg._signing_keys.sources import KeySource
from oauthreg._token_key import EXEMPT, request_principal, token_key

PROVIDER = ProviderDetails(name="as", endpoints={"token-uri": "https://as.example/token"})
PLAIN = ClientRegistration(registration_id="app", provider=PROVIDER, client_id="id")


def key(registration=PLAIN, **options):
    options = {"fingerprint_key": b"k" * 32, "key_of": "key of {}".format, **options}
    return token_key(registration, **options)


def literal(text):
    return LiteralSecret(Secret(text))


class Key:
    """The bytes of a literal key."""

    reference = None
    local = True

    def __init__(self, content):
        self._content = content

    def read_bytes(self):
        return self._content


BY_NAME = {
    "provider": replace(PROVIDER, type="acme"),
    "signing_key": KeySource(Key(b"a key")),
    "certificate": ClientCertificate(Path("c"), Path("k"), "thumbprint"),
    "prover": Prover(generated_key()),
    "client_secrets": (literal("a secret"),),
}
BY_TYPE = {
    "str": "other",
    "bool": True,
    "float": 7.0,
    "tuple": ("other",),
    "Mapping": {"other": "1"},
    "SecretSource": literal("a secret"),
    "HttpProfile": SimpleNamespace(name="slow"),
}


def another(field):
    """Return a value of a field that it does not have by default."""
    kind = field.type.partition("[")[0].partition(" |")[0]
    value = BY_NAME.get(field.name, BY_TYPE.get(kind))
    assert value is not None, f"no example of a {field.type} for {field.name}: add one above"
    return value


@pytest.mark.parametrize("field", fields(ClientRegistration), ids=lambda field: field.name)
def test_every_field_of_a_registration_changes_the_key_or_is_exempt(field):
    changed = replace(PLAIN, **{field.name: another(field)})
    assert (key(changed) == key()) == (field.name in EXEMPT[ClientRegistration])


@pytest.mark.parametrize("field", fields(ProviderDetails), ids=lambda field: field.name)
def test_every_field_of_a_provider_changes_the_key_or_is_exempt(field):
    changed = replace(PLAIN, provider=replace(PROVIDER, **{field.name: another(field)}))
    assert (key(changed) == key()) == (field.name in EXEMPT[ProviderDetails])


def test_the_same_dpop_key_read_twice_is_one_key():
    mine = generated_key()
    same, other = (replace(PLAIN, prover=Prover(each)) for each in (mine, generated_key()))
    assert key(replace(PLAIN, prover=Prover(mine))) == key(same)
    assert key(same) != key(other)


def test_only_fields_that_exist_are_exempt():
    for cls, names in EXEMPT.items():
        assert names.keys() <= {field.name for field in fields(cls)}


@pytest.mark.parametrize("cls", [ClientRegistration, ProviderDetails])
def test_a_new_field_changes_the_key_once_it_is_set(cls):
    newer = make_dataclass("Newer", [("tenant_hint", str | None, None)], bases=(cls,), frozen=True)

    def with_new(**fields_):
        if cls is ProviderDetails:
            endpoints = PROVIDER.endpoints
            return replace(PLAIN, provider=newer(name="as", endpoints=endpoints, **fields_))
        return newer(registration_id="app", provider=PROVIDER, client_id="id", **fields_)

    assert key(with_new()) == key()
    assert len({key(with_new(tenant_hint=hint)) for hint in (None, "None", "", "x")}) == 4


SOURCES = (
    literal("a"),
    literal("b"),
    literal("registration:up"),
    FileSecret(Path("a")),
    FileSecret(Path("b")),
    EnvironmentSecret("a"),
    KeyringSecret("a", "b"),
    ChainedToken("up"),
    None,
)


@pytest.mark.parametrize("field", ["assertion", "password", "refresh_token", "subject_token"])
def test_where_a_credential_comes_from_tells_registrations_apart(field):
    assert len({key(replace(PLAIN, **{field: each})) for each in SOURCES}) == len(SOURCES)


def test_the_order_of_secrets_and_their_number_count():
    lists = [(), ("a",), ("b",), ("a", "b"), ("b", "a")]
    assert len(
        {key(replace(PLAIN, client_secrets=tuple(map(literal, each)))) for each in lists}
    ) == len(lists)


def test_the_tokens_of_a_call_tell_calls_apart():
    tokens = (None, Secret("x"), Secret("registration:up"), TokenOf("up"), TokenOf("down"))
    for name in ("subject_token", "actor_token"):
        assert len({key(**{name: each}) for each in tokens}) == len(tokens)
    assert key(subject_token=Secret("x")) != key(actor_token=Secret("x"))


def test_a_named_registration_counts_by_its_own_key():
    for by_name in ({"subject_token": TokenOf("up")}, {"actor_token": TokenOf("up")}):
        assert key(**by_name, key_of=lambda _: "1") != key(**by_name, key_of=lambda _: "2")
    chained = replace(PLAIN, subject_token=ChainedToken("up"))
    assert key(chained, key_of=lambda _: "1") != key(chained, key_of=lambda _: "2")


def test_a_principal_takes_part_as_it_is():
    principals = ("alice", "bob", "None", "", None)
    assert len({key(principal=each) for each in principals}) == len(principals)


@pytest.mark.parametrize("grant", GRANTS.values(), ids=lambda grant: grant.setting)
@pytest.mark.parametrize("uses_principal", [False, True])
def test_a_request_may_depend_on_a_principal_where_somebody_is_acted_for(grant, uses_principal):
    hooks = SimpleNamespace(uses_principal=uses_principal)
    registration = replace(PLAIN, authorization_grant_type=grant.name, principal="me")
    takes_part = grant.acts_for_user or uses_principal
    assert request_principal(registration, hooks, "alice") == ("alice" if takes_part else None)
    assert request_principal(registration, hooks, None) == ("me" if takes_part else None)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    token: SecretStr | None = None
    size: int = 1


@dataclass
class Pair:
    left: str = ""
    right: str = ""


class Opaque:
    """Something that shows nothing of what it is."""

    def __repr__(self):
        return "Opaque()"


SETTINGS = (
    *(None, "None", "", True, False, "True", 1, 2, "1", 1.5, float("inf"), b"1"),
    *([], ["1"], [["1"]], ["1", "2"], ["2", "1"], {"1"}, {}, {"1": "2"}, {"12": ""}, {"1": None}),
    *(SecretStr("a"), SecretStr("b"), Colour.RED, Colour.BLUE, "red", Path("a"), Path("b")),
    *(dt.date(2026, 1, 1), dt.date(2026, 1, 2), "2026-01-01"),
    *(Inner(), Inner(token=SecretStr("a")), Inner(token=SecretStr("b")), Inner(size=2)),
    *(Pair("a", "b"), Pair("ab", ""), Opaque(), Opaque()),
)


def with_setting(value):
    return replace(PLAIN, provider=replace(PROVIDER, settings={"x": value}))


def test_settings_of_a_plugin_of_any_type_tell_providers_apart():
    keys = [key(with_setting(value)) for value in SETTINGS]
    assert len(set(keys)) == len(keys)
    assert keys == [key(with_setting(value)) for value in SETTINGS]


def test_equal_settings_share_however_they_are_written():
    assert key(with_setting({"a": 1, "b": 2})) == key(with_setting({"b": 2.0, "a": 1.0}))
    assert key(with_setting(["1"])) == key(with_setting(("1",)))


def test_a_certificate_without_a_thumbprint_is_told_by_its_files():
    certificates = [ClientCertificate(Path(name), Path("k")) for name in ("a", "b")]
    assert len({key(replace(PLAIN, certificate=each)) for each in certificates}) == 2


def test_text_that_is_no_unicode_is_told_apart_too():
    assert key(replace(PLAIN, audience="\ud800")) != key(replace(PLAIN, audience="\ud801"))
