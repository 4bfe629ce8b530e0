"""Google service accounts: a key file, scopes and audience in the assertion."""

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import ClassVar

import pytest

from oauthreg import AuthorizedClientManager, ConfigurationError, TokenEndpointError
from oauthreg._common_providers import Google
from oauthreg.testing import (
    AuthorizationServer,
    Fault,
    ProviderPluginTests,
    Sample,
    answer,
    private_key,
    text_file,
)

GRANTED = {"access_token": "ya29.c.b0Aaek", "expires_in": 3599, "token_type": "Bearer"}


def key_file(token_uri="https://oauth2.googleapis.com/token"):
    return text_file(
        json.dumps(
            {
                "type": "service_account",
                "client_email": "orders@acme.iam.gserviceaccount.com",
                "private_key": private_key(),
                "private_key_id": "k1",
                "token_uri": token_uri,
            }
        )
    )


class TestConformance(ProviderPluginTests):
    plugin = Google
    name = "google"
    registration: ClassVar = {
        "authorization-grant-type": "jwt-bearer",
        "credentials-file": key_file,
        "scope": "https://www.googleapis.com/auth/devstorage.read_only",
    }
    samples: ClassVar = [
        Sample(answer(**GRANTED), token="ya29.c.b0Aaek", lifetime=3599),
        Sample(answer(401, error="unauthorized_client"), hint="delegate"),
        Sample(
            answer(400, error="invalid_grant", error_description="Invalid JWT Signature."),
            hint="new key file",
        ),
        Sample(
            answer(
                400,
                error="invalid_grant",
                error_description="Invalid JWT: Token must be a short-lived token (60 minutes)",
            ),
            hint="clock",
        ),
    ]


def part(token, number):
    text = token.split(".")[number]
    return json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))


@pytest.fixture
def server():
    with AuthorizationServer() as server:
        yield server


def manager(server, **registration):
    mine = {
        "authorization-grant-type": "jwt-bearer",
        "credentials-file": key_file(server.token_uri),
        "scope": "read write",
    }
    return AuthorizedClientManager.from_settings(
        {"registration": {"google": {**mine, **registration}}}
    )


def test_a_key_file_is_all_that_a_service_account_needs(server):
    server.inject(Fault(body=GRANTED))
    with manager(server) as made:
        assert made.authorize("google").access_token.token_value == "ya29.c.b0Aaek"
    form = dict(server.requests[-1].form)
    assert form.keys() == {"grant_type", "assertion"}
    header = part(form["assertion"], 0)
    assert (header["alg"], header["kid"]) == ("RS256", "k1")
    claims = part(form["assertion"], 1)
    assert claims.pop("exp") - claims.pop("iat") == 3600
    assert claims == {
        "iss": "orders@acme.iam.gserviceaccount.com",
        "aud": server.token_uri,
        "scope": "read write",
    }


def test_scopes_and_the_audience_of_an_id_token_exclude_each_other(server):
    with pytest.raises(ConfigurationError) as caught:
        manager(server, audience="https://app.example")
    (problem,) = caught.value.problems
    assert (problem.path, problem.message[:29]) == (
        "registration.google.scope",
        "must not stand beside an audi",
    )


def test_a_service_account_may_act_for_a_user(server):
    server.inject(Fault(body=GRANTED))
    with manager(server, username="ada@acme.example") as made:
        made.authorize("google")
    assert part(dict(server.requests[-1].form)["assertion"], 1)["sub"] == "ada@acme.example"


def test_with_an_audience_the_token_is_an_id_token(server):
    ends = {"aud": "https://app.example", "exp": int(time.time()) + 1800}
    parts = ({"alg": "RS256"}, ends)
    encoded = [urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts]
    id_token = ".".join((*encoded, "c2ln"))
    server.inject(Fault(body={"id_token": id_token}))
    with manager(server, audience="https://app.example", scope="") as made:
        token = made.authorize("google").access_token
    assert token.token_value == id_token
    assert 1790 < (token.expires_at - token.issued_at).total_seconds() <= 1801
    claims = part(dict(server.requests[-1].form)["assertion"], 1)
    assert claims["target_audience"] == "https://app.example"
    assert "scope" not in claims


def test_a_refusal_of_a_service_account_is_explained(server):
    server.inject(Fault(status=401, body={"error": "unauthorized_client"}))
    with manager(server) as made, pytest.raises(TokenEndpointError, match="delegate"):
        made.authorize("google")


def test_a_login_is_as_it_was():
    mine = {"client-id": "a", "client-secret": "s"}
    with AuthorizedClientManager.from_settings({"registration": {"google": mine}}) as made:
        assert made.registrations["google"].authorization_grant_type == "authorization_code"
