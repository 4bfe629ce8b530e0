"""The token key: different inputs never share, equal ones always do."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from oauthreg._registration import ClientRegistration, ProviderDetails
from oauthreg._secret_values import EnvironmentSecret, LiteralSecret, Secret
from oauthreg._token_key import token_key

PROFILE = settings(deadline=None, derandomize=True)
KEY = b"k" * 32
TEXT = st.text("ab:;0 1", max_size=4)
PAIRS = st.dictionaries(TEXT, TEXT, max_size=2)


def registration(**changes):
    fields = {
        "registration_id": "app",
        "provider": ProviderDetails(name="as", endpoints={"token-uri": "https://as.example/token"}),
        "client_id": "id",
        "client_secrets": (LiteralSecret(Secret("secret")),),
    }
    return ClientRegistration(**{**fields, **changes})


def key(*, fingerprint_key=KEY, principal=None, subject_token=None, actor_token=None, **changes):
    return token_key(
        registration(**changes),
        fingerprint_key=fingerprint_key,
        key_of=lambda registration_id: f"key of {registration_id}",
        principal=principal,
        subject_token=subject_token,
        actor_token=actor_token,
    )


INPUTS = st.fixed_dictionaries(
    {
        "client_id": TEXT,
        "client_authentication_method": st.sampled_from(["none", "client_secret_basic"]),
        "scopes": st.lists(TEXT.filter(bool), max_size=3),
        "audience": TEXT.filter(bool) | st.none(),
        "resource": st.lists(TEXT.filter(bool), max_size=2),
        "parameters": PAIRS,
        "headers": PAIRS,
        "username": TEXT.filter(bool) | st.none(),
        "subject_token": TEXT.filter(bool) | st.none(),
        "actor_token": TEXT.filter(bool) | st.none(),
        "secrets": st.lists(TEXT.filter(bool), max_size=2),
    }
)


def of(inputs):
    inputs = dict(inputs)
    secrets = inputs.pop("secrets")
    for name in ("subject_token", "actor_token"):
        inputs[name] = Secret(inputs[name]) if inputs[name] else None
    inputs["client_secrets"] = tuple(LiteralSecret(Secret(secret)) for secret in secrets)
    inputs["scopes"], inputs["resource"] = tuple(inputs["scopes"]), tuple(inputs["resource"])
    return key(**inputs)


def meaning(inputs):
    return {**inputs, "scopes": set(inputs["scopes"]), "resource": set(inputs["resource"])}


@PROFILE
@given(INPUTS, INPUTS)
def test_two_calls_share_a_token_exactly_if_they_ask_for_the_same(one, other):
    assert (of(one) == of(other)) == (meaning(one) == meaning(other))


@PROFILE
@given(INPUTS, st.data())
def test_moving_a_character_from_one_field_to_the_next_is_another_key(inputs, data):
    text = data.draw(st.text("ab:0", min_size=1, max_size=5))
    cut = data.draw(st.integers(0, len(text)))
    halves = {**inputs, "client_id": text[:cut], "username": text[cut:] or None}
    whole = {**inputs, "client_id": text, "username": None}
    assert (of(halves) == of(whole)) == (cut == len(text))


@PROFILE
@given(st.lists(TEXT.filter(bool), min_size=1, max_size=4), st.randoms())
def test_order_and_duplicates_of_scopes_share(scopes, random):
    shuffled = [*scopes, random.choice(scopes)]
    random.shuffle(shuffled)
    assert key(scopes=tuple(scopes)) == key(scopes=tuple(shuffled))


def test_a_key_knows_what_a_literal_secret_is_by_a_fingerprint():
    assert key() != key(fingerprint_key=b"x" * 32)
    plain = {"client_secrets": (EnvironmentSecret("SECRET"),)}
    assert key(**plain) == key(**plain, fingerprint_key=b"x" * 32)


def test_a_key_reads_and_reveals_nothing():
    class Unreadable:
        reference = "vault:kv/app"
        local = False

        def read(self):
            raise AssertionError

    assert key(client_secrets=(Unreadable(),)) == key(client_secrets=(Unreadable(),))
    assert "secret" not in key()
    assert len(key()) == 64
