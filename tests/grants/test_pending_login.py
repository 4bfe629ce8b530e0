"""A login that waits in a session."""

from __future__ import annotations

import json

import pytest

from oauthreg import AuthorizationRequest, DeviceAuthorization

REQUEST = AuthorizationRequest(
    url="https://auth.example.com/authorize?state=s",
    registration_id="my-client",
    redirect_uri="https://app.example.com/cb",
    state="s",
    nonce=None,
    code_verifier="v",
    issuer="https://auth.example.com",
    iss_required=True,
)
DEVICE = DeviceAuthorization(
    registration_id="my-client",
    user_code="ABCD",
    verification_uri="https://auth.example.com/go",
    verification_uri_complete=None,
    expires_at=1_800_000_060,
    interval=5.0,
    device_code="dc",
)


@pytest.mark.parametrize("login", [REQUEST, DEVICE])
def test_a_login_survives_json(login):
    kept = json.loads(json.dumps(login.to_mapping()))
    assert type(login).from_mapping(kept) == login
    assert type(login).from_mapping(login) is login


WRONG = [
    (None, "a NoneType is no AuthorizationRequest"),
    ("s", "a str is no AuthorizationRequest"),
    ({}, "'code_verifier' is missing"),
    ({**REQUEST.to_mapping(), "more": 1}, "'more' is no field of it"),
    ({**REQUEST.to_mapping(), "state": None}, "the state of the AuthorizationRequest is a NoneT"),
    ({**REQUEST.to_mapping(), "state": 5}, "the state of the AuthorizationRequest is a int"),
    ({**REQUEST.to_mapping(), "iss_required": "yes"}, "the iss_required of"),
    ({**REQUEST.to_mapping(), "issuer": True}, "the issuer of"),
    (DEVICE.to_mapping(), "'code_verifier' is missing"),
]


@pytest.mark.parametrize(("mapping", "message"), WRONG)
def test_anything_else_is_a_type_error_in_words(mapping, message):
    with pytest.raises(TypeError, match=message) as caught:
        AuthorizationRequest.from_mapping(mapping)
    assert "what its to_mapping() returned" in str(caught.value)


def test_a_time_may_be_any_number_and_nothing_else():
    assert DeviceAuthorization.from_mapping({**DEVICE.to_mapping(), "interval": 5}).interval == 5
    for wrong in ("5", None, True):
        with pytest.raises(TypeError, match="the interval of the DeviceAuthorization"):
            DeviceAuthorization.from_mapping({**DEVICE.to_mapping(), "interval": wrong})


def test_repr_shows_no_code_and_no_state():
    assert repr(DEVICE) == (
        "DeviceAuthorization(registration_id='my-client', "
        "verification_uri='https://auth.example.com/go', "
        "expires_at=1800000060, interval=5.0, issuer=None)"
    )
    assert "state=" not in repr(REQUEST)
