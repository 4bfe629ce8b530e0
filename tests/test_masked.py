"""What carries a credential is not dumped, pickled or shown."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from datetime import UTC, datetime

import pytest

from oauthreg import (
    AccessToken,
    ClientRegistration,
    Granted,
    ProviderDetails,
    RefreshToken,
    TokenRequest,
    TokenResponse,
)

NOW = datetime(2026, 12, 1, tzinfo=UTC)
SECRET = "planted-value"
CARRIERS = [
    TokenRequest(url=f"https://as.example/t?key={SECRET}", form=(("p", SECRET),)),
    TokenResponse(status=200, body=SECRET.encode()),
    Granted(access_token=SECRET, refresh_token=SECRET, extra={"id_token": SECRET}),
    AccessToken(token_value=SECRET, token_type="Bearer", scopes=(), issued_at=NOW, expires_at=NOW),
    RefreshToken(token_value=SECRET, issued_at=NOW),
]
parametrized = pytest.mark.parametrize("carrier", CARRIERS, ids=lambda one: type(one).__name__)


@parametrized
@pytest.mark.parametrize("dump", [dataclasses.asdict, dataclasses.astuple, pickle.dumps])
def test_a_dump_is_refused_in_words(carrier, dump):
    with pytest.raises(TypeError, match=r"live credential.*pass the registration id") as caught:
        dump(carrier)
    assert SECRET not in str(caught.value)


def test_a_key_in_the_query_of_an_endpoint_is_not_shown():
    endpoints = {"token-uri": f"https://as.example/t?key={SECRET}", "jwk-set-uri": "https://a/k"}
    provider = ProviderDetails(name="as", endpoints=endpoints)
    for one in (provider, ClientRegistration(registration_id="a", provider=provider, client_id="")):
        assert SECRET not in repr(one)
        assert "'token-uri': 'https://as.example/t?...', 'jwk-set-uri': 'https://a/k'" in repr(one)


@parametrized
def test_no_text_of_it_shows_the_value(carrier):
    for text in (repr(carrier), str(carrier), f"{carrier}", f"{carrier!r:>80}"):
        assert SECRET not in text


@parametrized
def test_a_copy_is_itself_and_a_changed_one_is_like_it(carrier):
    assert copy.copy(carrier) is copy.deepcopy(carrier) is carrier
    assert dataclasses.replace(carrier) == carrier
