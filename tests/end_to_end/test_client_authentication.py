"""Client authentication on both managers against the embedded server, from settings alone."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc.jwk import JWKRegistry

from oauthreg import SecretUnavailableError, TokenEndpointError
from oauthreg.testing import Fault

SECRET = "planted-secret-value"
ODD = 'a+b%2F:c/d=e"f\\g h&i~é日本🔑'
KEYS = {
    "RSA": rsa.generate_private_key(65537, 2048),
    "EC": ec.generate_private_key(ec.SECP256R1()),
    "OKP": ed25519.Ed25519PrivateKey.generate(),
}


def public_keys(*kinds: str) -> dict:
    keys = []
    for kind in kinds:
        pem = KEYS[kind].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        keys.append(JWKRegistry.import_key(pem, kind).as_dict(private=False))
    return {"keys": keys}


def write_key(path, kind: str, passphrase: str | None = None):
    lock = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    path.write_bytes(KEYS[kind].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    return path


def claims(form) -> dict:
    part = dict(form)["client_assertion"].split(".")[1]
    return json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_an_odd_secret_arrives_as_it_is(manage, server, method):
    server.add_client("odd:id", ODD, client_authentication_methods=(method,))
    manager = manage(
        app={"client-id": "odd:id", "client-secret": ODD, "client-authentication-method": method}
    )
    manager.authorize("app")


def test_a_raw_secret_is_sent_raw(manage, server):
    server.add_client("raw", "a+b%41", basic_decoding="raw")
    table = {"client-id": "raw", "client-secret": "a+b%41"}
    with pytest.raises(TokenEndpointError, match=r'basic-encoding = "raw"'):
        manage(app=table).authorize("app")
    manage(app={**table, "basic-encoding": "raw"}).authorize("app")


def test_a_public_client_names_itself_only(manage, server):
    server.add_client("public", client_authentication_methods=("none",))
    manager = manage(app={"client-id": "public", "client-authentication-method": "none"})
    manager.authorize("app")
    assert "Authorization" not in server.last_token_request.headers
    assert dict(server.last_token_request.form)["client_id"] == "public"


@pytest.mark.parametrize("algorithm", [None, "HS384", "HS512"])
def test_a_secret_signs_an_assertion(manage, server, algorithm):
    server.add_client("signs", SECRET, client_authentication_methods=("client_secret_jwt",))
    table = {"client-id": "signs", "client-authentication-method": "client_secret_jwt"}
    if algorithm:
        table["signing-algorithm"] = algorithm
    manage(app=table).authorize("app")
    assert claims(server.last_token_request.form)["aud"] == server.issuer


@pytest.mark.parametrize("kind", KEYS)
def test_a_private_key_signs_an_assertion(manage, server, tmp_path, kind):
    server.add_client(
        "keyed", public_keys=public_keys(kind), client_authentication_methods=("private_key_jwt",)
    )
    manager = manage(
        app={
            "client-id": "keyed",
            "client-authentication-method": "private_key_jwt",
            "private-key-file": str(write_key(tmp_path / "key.pem", kind, "open sesame")),
            "private-key-passphrase": "open sesame",
            "assertion-audience": "token-uri",
            "assertion-lifetime": 30,
        }
    )
    manager.authorize("app")
    said = claims(server.last_token_request.form)
    assert (said["iss"], said["sub"], said["aud"]) == ("keyed", "keyed", server.token_uri)
    assert said["exp"] - said["iat"] == 30


@pytest.fixture
def keyed(manage, server, tmp_path):
    server.add_client(
        "keyed", public_keys=public_keys("EC"), client_authentication_methods=("private_key_jwt",)
    )
    path = write_key(tmp_path / "key.pem", "EC")
    return path, lambda **more: manage(
        app={"client-id": "keyed", "private-key-file": str(path), **more}
    )


def test_the_metadata_chooses_the_method_that_fits_the_credential(keyed, server):
    _, make = keyed
    make().authorize("app")
    assert "client_assertion" in dict(server.last_token_request.form)


def test_every_attempt_signs_anew(keyed, server):
    _, make = keyed
    manager = make()
    server.script("token", [Fault(status=503), None])
    manager.authorize("app")
    manager.authorize("app", force=True)
    ids = [claims(request.form)["jti"] for request in server.requests_to("token")]
    assert len(ids) == len(set(ids)) == 3


def test_a_refused_assertion_names_the_candidates_for_its_audience(keyed, server):
    _, make = keyed
    manager = make(**{"assertion-audience": "https://elsewhere.example.com"})
    with pytest.raises(TokenEndpointError) as caught:
        manager.authorize("app")
    assert server.issuer in str(caught.value)
    assert server.token_uri in str(caught.value)
    assert "registration.app.assertion-audience" in str(caught.value)


def test_a_key_that_was_replaced_is_used(keyed, server):
    path, make = keyed
    manager = make()
    manager.authorize("app")
    write_key(path, "RSA")
    server.remove_client("keyed")
    server.add_client(
        "keyed", public_keys=public_keys("RSA"), client_authentication_methods=("private_key_jwt",)
    )
    manager.authorize("app", force=True)


def test_a_key_that_vanished_is_told(keyed):
    path, make = keyed
    manager = make()
    path.unlink()
    with pytest.raises(SecretUnavailableError, match=r"key\.pem: No such file"):
        manager.authorize("app")


def test_an_assertion_from_a_file_is_read_at_every_use_and_kept_when_that_fails(
    manage, server, tmp_path
):
    path = tmp_path / "token"
    path.write_text("first.assertion.x\n")
    manager = manage(
        app={
            "client-id": "workload",
            "client-authentication-method": "private_key_jwt",
            "assertion-file": str(path),
        }
    )
    server.inject(lambda _: Fault(status=200, body={"access_token": "t", "expires_in": 60}))

    def sent() -> str:
        manager.authorize("app", force=True)
        return dict(server.last_token_request.form)["client_assertion"]

    assert sent() == "first.assertion.x"
    path.write_text("second.assertion.x")
    assert sent() == "second.assertion.x"
    path.unlink()
    assert sent() == "second.assertion.x"


def test_a_server_that_offers_nothing_fitting_is_an_error_that_says_what_to_set(manage, server):
    server.metadata_overrides = {"token_endpoint_auth_methods_supported": ["private_key_jwt"]}
    with pytest.raises(Exception, match=r"app\.client-authentication-method"):
        manage(app={}).authorize("app")
    assert server.token_requests == 0


def test_parameters_and_headers_go_along_and_replace_what_has_their_name(manage, server):
    manager = manage(
        app={
            "scope": ["read", "write"],
            "audience": "api",
            "resource": ["https://a.example.com", "https://b.example.com"],
            "parameters": {"tenant": "t1"},
            "headers": {"X-Team": "blue"},
        }
    )
    manager.authorize("app", parameters={"tenant": "t2", "more": "x"})
    request = server.last_token_request
    assert request.form == [
        ("grant_type", "client_credentials"),
        ("scope", "read write"),
        ("audience", "api"),
        ("resource", "https://a.example.com"),
        ("resource", "https://b.example.com"),
        ("tenant", "t2"),
        ("more", "x"),
    ]
    assert request.headers["X-Team"] == "blue"
