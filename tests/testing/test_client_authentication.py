"""The embedded authorization server: how a client authenticates."""

from __future__ import annotations

import base64
import hmac
import json

import pytest
from joserfc import jws
from joserfc.jwk import OctKey, OKPKey, RSAKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def basic(text):
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


def test_a_client_that_cannot_prove_itself_is_refused(server, ask):
    server.add_client("off", "secret")
    server.disable_client("off")
    server.add_client("gone", "secret")
    server.remove_client("gone")
    for auth in (("id", "wrong"), ("nobody", "secret"), ("off", "secret"), ("gone", "secret")):
        answer = ask(auth=auth)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert ask(auth=None).status_code == 401
    server.enable_client("off")
    assert ask(auth=("off", "secret")).status_code == 200


@pytest.mark.parametrize("header", ["Basic !", "Bearer x", "Basic", "Basic /w=="])
def test_malformed_credentials_are_refused(server, session, header):
    form = {"grant_type": "client_credentials"}
    answer = session.post(server.token_uri, data=form, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_client_secret_post(server, ask):
    assert ask(auth=None, client_id="id", client_secret="secret").status_code == 200
    assert ask(auth=None, client_id="id", client_secret="wrong").status_code == 401
    server.add_client("id", "secret", client_authentication_methods=["client_secret_basic"])
    assert ask(auth=None, client_id="id", client_secret="secret").status_code == 401


def test_secrets_may_be_several_and_change(server, ask):
    server.add_client("id", "one", secrets=["two"])
    assert [ask(auth=("id", text)).status_code for text in ("one", "two")] == [200, 200]
    server.change_secret("id", "three")
    assert [ask(auth=("id", text)).status_code for text in ("one", "three")] == [401, 200]


def test_one_authentication_method_per_request(server, ask):
    assert ask(client_id="id", client_secret="secret").json()["error"] == "invalid_request"
    assert ask(client_id="id").status_code == 200
    assert ask(client_id="other").status_code == 401
    server.one_client_authentication = False
    assert ask(client_id="id", client_secret="secret").status_code == 200


@pytest.mark.parametrize(
    ("decoding", "sent", "status"),
    [
        ("form", "a+b%2B%25%3A", 200),
        ("form", "a%20b%2B%25%3A", 200),
        ("form", "a b+%:", 400),
        ("unquote", "a%20b%2B%25%3A", 200),
        ("unquote", "a+b%2B%25%3A", 401),
        ("raw", "a b+%:", 200),
        ("raw", "a%20b%2B%25%3A", 401),
    ],
)
def test_basic_is_decoded_as_the_client_was_registered(server, session, decoding, sent, status):
    server.add_client("odd", "a b+%:", basic_decoding=decoding)
    form = {"grant_type": "client_credentials"}
    answer = session.post(server.token_uri, data=form, headers=basic(f"odd:{sent}"))
    assert answer.status_code == status


def test_public_clients_only_name_themselves(server, ask):
    server.add_client("public", client_authentication_methods=["none"])
    assert ask(auth=None, client_id="public").status_code == 200
    assert ask(auth=None, client_id="id").status_code == 401


def assertion(value):
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": value, "auth": None}


def test_private_key_jwt(server, ask, signed, public_keys):
    methods = ["private_key_jwt"]
    server.add_client("id", client_authentication_methods=methods, public_keys=public_keys)
    good = signed()
    assert ask(**assertion(good)).status_code == 200
    assert ask(**assertion(good)).json()["error_description"].startswith("the jti")
    assert ask(**assertion(signed(aud=server.token_uri))).status_code == 200
    for bad in (
        signed(aud="https://other.test"),
        signed(iss="other"),
        signed(sub="other"),
        signed(exp=1),
        signed(exp=None),
        signed(jti=None),
        signed(key=RSAKey.generate_key(2048), alg="RS256"),
        signed(key=OctKey.generate_key(256), alg="HS256"),
        "garbage",
        "a.b.c",
    ):
        answer = ask(**assertion(bad))
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert ask(auth=None, client_assertion=signed()).status_code == 401


@pytest.mark.parametrize("alg", ["PS256", "RS512", "Ed25519", "EdDSA"])
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # by the signing side
def test_private_key_jwt_by_other_algorithms(server, ask, signed, alg):
    key = OKPKey.generate_key("Ed25519") if alg.startswith("Ed") else RSAKey.generate_key(2048)
    keys = {"keys": [key.as_dict(private=False)]}
    server.add_client("id", client_authentication_methods=["private_key_jwt"], public_keys=keys)
    assert ask(**assertion(signed(key=key, alg=alg))).status_code == 200


def hmac_signed(claims, secret, digest="sha256", alg="HS256"):
    header = json.dumps({"alg": alg}).encode()
    parts = [base64.urlsafe_b64encode(part).rstrip(b"=") for part in (header, claims)]
    signature = hmac.digest(secret.encode(), b".".join(parts), digest)
    return b".".join((*parts, base64.urlsafe_b64encode(signature).rstrip(b"="))).decode()


def test_client_secret_jwt(server, ask, signed):
    def claims():
        return jws.extract_compact(signed().encode()).payload

    methods = ["client_secret_jwt"]
    server.add_client("id", "short", secrets=["y" * 32], client_authentication_methods=methods)
    for secret, status in (("short", 200), ("y" * 32, 200), ("z" * 32, 401)):
        assert ask(**assertion(hmac_signed(claims(), secret))).status_code == status
    for digest, alg in (("sha384", "HS384"), ("sha512", "HS512")):
        assert ask(**assertion(hmac_signed(claims(), "short", digest, alg))).ok
        wrong = hmac_signed(claims(), "short", "sha256", alg)
        assert ask(**assertion(wrong)).status_code == 401
    assert ask(**assertion(hmac_signed(claims(), "short", alg="none"))).status_code == 401
    assert ask(**assertion(hmac_signed(b"[]", "short"))).status_code == 401
    server.add_client("id", "short")
    assert ask(**assertion(hmac_signed(claims(), "short"))).status_code == 401
