"""A token that is not protected as the registration wants it is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from oauthreg._dpop import Prover
from oauthreg._errors import InvalidTokenResponseError, SecretUnavailableError
from oauthreg._flow import ClientCertificate, Granted
from oauthreg._protocol.binding import check_token_binding, jwt_claims, read_certificate
from oauthreg._secret_values import SecretReadError
from oauthreg._signing_keys.certificates import CurrentThumbprint
from oauthreg._signing_keys.keys import generated_key

KEY = generated_key()
CERTIFICATE = ClientCertificate(Path("c.pem"), Path("k.pem"), thumbprint="thumb")


def jwt(**claims):
    return Granted(access_token=KEY.sign(claims))


def test_a_bearer_token_is_refused_where_dpop_is_asked_for(context):
    registration = context(prover=Prover(KEY)).registration
    check_token_binding(registration, Granted(access_token="t", token_type="DPoP"))
    with pytest.raises(InvalidTokenResponseError, match="answered with a bearer token") as caught:
        check_token_binding(registration, Granted(access_token="t"))
    assert 'registration.app.dpop = "optional"' in caught.value.hint
    assert not caught.value.retryable


def test_where_dpop_is_optional_both_are_taken(context):
    registration = context(prover=Prover(KEY), dpop_optional=True).registration
    for kind in ("Bearer", "DPoP"):
        check_token_binding(registration, Granted(access_token="t", token_type=kind))


def test_a_dpop_token_without_a_key_is_refused(context):
    with pytest.raises(InvalidTokenResponseError, match=r"Set registration\.app\.dpop = true"):
        check_token_binding(context().registration, Granted(access_token="t", token_type="DPoP"))


@pytest.mark.parametrize("cnf", [None, {}, {"jkt": KEY.thumbprint}, {"jkt": 5}])
def test_a_jwt_that_names_the_key_or_none_is_taken(context, cnf):
    granted = replace(jwt(cnf=cnf), token_type="DPoP")
    check_token_binding(context(prover=Prover(KEY)).registration, granted)


def test_a_jwt_that_names_another_key_is_refused(context):
    granted = replace(jwt(cnf={"jkt": generated_key().thumbprint}), token_type="DPoP")
    with pytest.raises(InvalidTokenResponseError, match="bound to another key"):
        check_token_binding(context(prover=Prover(KEY)).registration, granted)


def bound(context, certificate=CERTIFICATE):
    return context(certificate_bound_tokens=True, certificate=certificate).registration


def test_a_jwt_that_names_the_certificate_is_taken(context):
    check_token_binding(bound(context), jwt(cnf={"x5t#S256": "thumb"}))


@pytest.mark.parametrize(
    "token", ["opaque", "a.b", "a.b.c", "e30.YQ.x", "e30.WzFd.x", "\u00fc.b.c"]
)
def test_a_token_that_is_no_jwt_cannot_be_judged(context, token):
    assert jwt_claims(token) is None
    check_token_binding(bound(context), Granted(access_token=token))


@pytest.mark.parametrize(
    ("claims", "fault"),
    [
        ({}, "no certificate"),
        ({"cnf": None}, "no certificate"),
        ({"cnf": {"jkt": "thumb"}}, "no certificate"),
        ({"cnf": {"x5t#S256": "other"}}, "another certificate"),
    ],
)
def test_a_jwt_without_the_certificate_is_refused(context, claims, fault):
    with pytest.raises(InvalidTokenResponseError, match=f"bound to {fault}"):
        check_token_binding(bound(context), jwt(**claims))
    check_token_binding(context(certificate=CERTIFICATE).registration, jwt(**claims))


def test_files_that_cannot_be_read_bind_nothing(context, tmp_path):
    files = tmp_path / "c.pem", tmp_path / "k.pem"
    certificate = ClientCertificate(*files, "thumb", CurrentThumbprint(*files))
    registration, other = bound(context, certificate), jwt(cnf={"x5t#S256": "other"})
    steps = read_certificate(registration, other)
    with pytest.raises(SecretReadError, match=r"c\.pem: No such file"):
        next(steps).source.read()
    with pytest.raises(StopIteration):
        steps.throw(SecretUnavailableError("unreadable"))
    with pytest.raises(InvalidTokenResponseError, match="another certificate"):
        check_token_binding(registration, other)


@pytest.mark.parametrize("certificate", [None, ClientCertificate(Path("c"), Path("k"))])
def test_a_certificate_that_is_not_known_binds_nothing(context, certificate):
    with pytest.raises(InvalidTokenResponseError, match="bound to no certificate"):
        check_token_binding(bound(context, certificate), jwt(cnf={"x5t#S256": None}))
