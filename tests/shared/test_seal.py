from __future__ import annotations

import base64
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthreg._shared.seal import KEY_BYTES, Ring, Unencrypted, UnreadableError, key_from, new_key

OLD, NEW, OTHER = (bytes([number]) * KEY_BYTES for number in (1, 2, 3))


def refusal(seal, sealed):
    with pytest.raises(UnreadableError) as caught:
        seal.open(sealed)
    return caught.value


@given(st.binary(max_size=300))
def test_what_was_sealed_opens(content):
    for seal in (Ring([OLD]), Unencrypted()):
        assert seal.open(seal.seal(content)) == content


def test_nothing_of_the_content_can_be_read():
    sealed = Ring([OLD]).seal(b"secret-token")
    assert b"secret" not in sealed
    assert Ring([OLD]).seal(b"secret-token") != sealed


def test_keys_rotate_in_three_steps():
    steps = [Ring(keys) for keys in ([OLD], [OLD, NEW], [NEW, OLD], [NEW])]
    for before, after in pairwise(steps):  # both are in use for a while
        assert after.open(before.seal(b"x")) == b"x"
        assert before.open(after.seal(b"x")) == b"x"
    assert "store.keys" in refusal(steps[3], steps[0].seal(b"x")).reason


def test_the_first_key_seals():
    assert Ring([NEW, OLD]).is_current(Ring([NEW]).seal(b"x"))
    assert not Ring([NEW, OLD]).is_current(Ring([OLD]).seal(b"x"))
    assert Unencrypted().is_current(Unencrypted().seal(b"x"))
    assert not Unencrypted().is_current(Ring([OLD]).seal(b"x"))


@given(st.data())
def test_what_was_changed_does_not_open(data):
    sealed = bytearray(Ring([OLD]).seal(b"some content"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    refusal(Ring([OLD]), bytes(sealed))
    refusal(Ring([OLD]), bytes(sealed[:place]))


@given(st.binary(max_size=60))
def test_noise_does_not_open(noise):
    refusal(Ring([OLD]), noise)


def test_clear_and_sealed_are_not_mixed_up():
    assert "encryption is on" in refusal(Ring([OLD]), Unencrypted().seal(b"x")).reason
    assert "encryption is off" in refusal(Unencrypted(), Ring([OLD]).seal(b"x")).reason
    assert "empty" in refusal(Unencrypted(), b"").reason
    assert "store.keys" in refusal(Ring([OLD]), Ring([OTHER]).seal(b"x")).reason


@pytest.mark.parametrize("seal", [Ring([OLD]), Unencrypted()])
def test_a_later_way_to_seal_is_newer(seal):
    assert refusal(seal, b"\x02whatever").newer
    assert not refusal(seal, b"").newer


def test_a_new_key_is_a_key():
    one, two = new_key(), new_key()
    assert len(key_from(one)) == KEY_BYTES
    assert key_from(one) != key_from(two)


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_both_alphabets_are_read_with_or_without_padding(encode):
    key = bytes(range(224, 256))
    text = encode(key).decode()
    assert key_from(text) == key_from(f" {text.rstrip('=')}\n") == key


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("aGVsbG8=", "has 5 bytes instead of 32"),
        (base64.b64encode(b"x" * 33).decode(), "has 33 bytes instead of 32"),
        ("no base64!", "is not base64"),
        ("\u00e9" * 43, "is not base64"),
        ("x", "is not base64"),
        ("", "has 0 bytes"),
    ],
)
def test_what_is_no_key_is_not_shown(text, words):
    with pytest.raises(ValueError, match=words) as caught:
        key_from(text)
    assert not text or text not in str(caught.value)


def test_a_ring_has_a_key():
    with pytest.raises(ValueError, match="no key"):
        Ring([])
