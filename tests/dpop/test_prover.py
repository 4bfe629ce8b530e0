"""Proofs of possession (RFC 9449)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode

from joserfc.jwk import ECKey

from oauthreg._dpop import REMEMBERED_ORIGINS, Prover
from oauthreg._protocol.id_token import verified
from oauthreg._signing_keys.keys import generated_key
from oauthreg._signing_keys.signing_key import SigningKey

NOW = 1_562_262_616.0
URL = "https://server.example.com/token"
RFC_KEY = {
    "kty": "EC",
    "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
    "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    "crv": "P-256",
}


def header(token: str) -> dict:
    part = token.partition(".")[0]
    return json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def proof(prover: Prover, url: str = URL, **options) -> dict:
    options = {"now": NOW, "new_id": lambda: "-BwC3ESc6acc2lTc", "role": "as", **options}
    token = prover.proof("post", url, **options)
    assert header(token) == {"typ": "dpop+jwt", "alg": "ES256", "jwk": dict(prover.key.public)}
    return verified(token, {"keys": [dict(prover.key.public)]}).claims


def test_a_proof_has_the_claims_of_section_4_2():
    assert proof(Prover(generated_key())) == {
        "jti": "-BwC3ESc6acc2lTc",
        "htm": "POST",
        "htu": URL,
        "iat": 1562262616,
    }


def test_query_and_fragment_stay_out_and_an_empty_path_is_a_slash():
    assert proof(Prover(generated_key()), "https://api.example.com?a=1#b")["htu"] == (
        "https://api.example.com/"
    )


def test_an_address_has_one_spelling_and_no_password():
    prover = Prover(generated_key())
    assert proof(prover, "https://u:p@API.example.com:443/a")["htu"] == "https://api.example.com/a"
    assert proof(prover, "http://[::1]:8080/a")["htu"] == "http://[::1]:8080/a"


def test_the_token_enters_as_its_hash_section_7_1():
    token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
    claims = proof(Prover(generated_key()), token_value=token)
    assert claims["ath"] == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


def test_the_thumbprint_is_that_of_section_6_1():
    key = SigningKey(ECKey.import_key(RFC_KEY), "ES256")
    assert Prover(key).thumbprint == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def test_each_origin_and_role_has_its_own_newest_nonce():
    prover = Prover(generated_key())
    assert prover.note(URL, {"dpop-nonce": "n1"}, role="as")
    assert not prover.note(URL, {"dpop-nonce": "n1"}, role="as")
    assert not prover.note(URL, {}, role="as")
    assert proof(prover)["nonce"] == "n1"
    assert proof(prover, "https://SERVER.example.com/other")["nonce"] == "n1"
    assert "nonce" not in proof(prover, role="rs")
    assert "nonce" not in proof(prover, "https://other.example.com/")
    assert prover.note(URL, {"dpop-nonce": "n2"}, role="as")
    assert proof(prover)["nonce"] == "n2"


def test_old_origins_are_forgotten():
    prover = Prover(generated_key())
    prover.note(URL, {"dpop-nonce": "n1"}, role="as")
    for number in range(REMEMBERED_ORIGINS):
        prover.note(f"https://api-{number}.example.com", {"dpop-nonce": "x"}, role="rs")
    assert "nonce" not in proof(prover)
