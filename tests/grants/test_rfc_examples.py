"""The examples of the RFCs, as they are printed there."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from oauthreg import TokenEndpointError
from oauthreg._discovery import discover, endpoints
from oauthreg._flow import TokenResponse
from oauthreg._grants.authorization_code import begin
from oauthreg._grants.client_credentials import client_credentials
from oauthreg._grants.jwt_bearer import jwt_bearer
from oauthreg._grants.refresh_token import refresh_token
from oauthreg._protocol.responses import parse_token_response
from oauthreg._provider import GenericProvider, ProviderSettings
from oauthreg._registration import ProviderDetails
from oauthreg._secret_values import Secret

HOOKS = GenericProvider(ProviderSettings())
NOW = 1_800_000_000.0


def answer(text: str, status: int = 200) -> TokenResponse:
    return TokenResponse(status=status, body=text.encode())


def test_rfc_6749_section_4_4_2_and_3(context, drive):
    made = context(
        client_id="s6BhdRkqt3",
        client_authentication_method="client_secret_basic",
        secret=Secret("gX1fBat3bV"),
    )
    done = drive(
        client_credentials(made, HOOKS),
        answer(
            '{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"example",'
            '"expires_in":3600,"example_parameter":"example_value"}'.replace("example", "bearer", 1)
        ),
    )
    (request,) = done.requests
    assert request.body == b"grant_type=client_credentials"
    assert dict(request.headers)["Authorization"] == "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW"
    assert done.result.access_token == "2YotnFZFEjr1zCsicMWpAA"
    assert done.result.extra == {"example_parameter": "example_value"}


def test_rfc_6749_section_5_2():
    with pytest.raises(TokenEndpointError) as caught:
        parse_token_response(answer('{"error":"invalid_request"}', 400), now=NOW)
    assert caught.value.error == "invalid_request"


def test_rfc_6749_section_6(context, drive):
    made = context(refresh_token=Secret("tGzv3JOkF0XG5Qx2TlKWIA"))
    (request,) = drive(refresh_token(made, HOOKS), answer('{"access_token":"t"}')).requests
    assert request.body.startswith(b"grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA")


def test_rfc_7523_section_4(context, drive):
    assertion = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjE2In0.eyJpc3Mi[...omitted for brevity...]"
    made = context(subject_token=Secret(assertion))
    (request,) = drive(jwt_bearer(made, HOOKS), answer('{"access_token":"t"}')).requests
    assert request.body.startswith(
        b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"
        b"&assertion=eyJhbGciOiJFUzI1NiIsImtpZCI6IjE2In0.eyJpc3Mi"
    )


def test_rfc_7523_section_2_2(context, drive):
    made = context(
        client_authentication_method="private_key_jwt",
        assertion=Secret("eyJhbGciOiJSUzI1NiIsImtpZCI6IjIyIn0"),
    )
    (request,) = drive(client_credentials(made, HOOKS), answer('{"access_token":"t"}')).requests
    assert (
        b"client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A"
        b"client-assertion-type%3Ajwt-bearer&client_assertion=eyJhbGciOiJSUzI1NiIsImtpZCI6IjIyIn0"
    ) in request.body


METADATA = {
    "issuer": "https://server.example.com",
    "authorization_endpoint": "https://server.example.com/authorize",
    "token_endpoint": "https://server.example.com/token",
    "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
    "userinfo_endpoint": "https://server.example.com/userinfo",
    "jwks_uri": "https://server.example.com/jwks.json",
    "registration_endpoint": "https://server.example.com/register",
}


def test_rfc_8414_section_3_2(drive):
    flow = discover("https://server.example.com", None, provider="p", now=NOW)
    done = drive(flow, answer("", 404), answer(json.dumps(METADATA)))
    assert done.requests[1].url == (
        "https://server.example.com/.well-known/oauth-authorization-server"
    )
    assert endpoints(done.result) == {
        "token-uri": "https://server.example.com/token",
        "authorization-uri": "https://server.example.com/authorize",
        "jwk-set-uri": "https://server.example.com/jwks.json",
        "user-info-uri": "https://server.example.com/userinfo",
    }


def test_rfc_9126_section_2(context, drive):
    push = {
        "authorization-uri": "https://as.example.com/authorize",
        "pushed-authorization-request-uri": "https://as.example.com/as/par",
    }
    made = context(
        client_id="s6BhdRkqt3",
        client_authentication_method="client_secret_basic",
        secret=Secret("7Fjfp0ZBr1KtDRbnfVdmIw"),
        provider=ProviderDetails(name="p", endpoints=push),
        endpoints=push,
        issuer="https://as.example.com",
        scopes=("account-information",),
    )
    uri = "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c"
    redirect = "https://client.example.org/cb"
    done = drive(
        begin(made, HOOKS, redirect_uri=redirect),
        answer(json.dumps({"request_uri": uri, "expires_in": 60}), 201),
    )
    (pushed,) = done.requests
    assert pushed.url == "https://as.example.com/as/par"
    assert dict(pushed.headers)["Authorization"] == (
        "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"
    )
    assert dict(parse_qsl(pushed.body.decode()))["redirect_uri"] == redirect
    query = dict(parse_qsl(urlsplit(done.result.url).query))
    assert query == {"client_id": "s6BhdRkqt3", "request_uri": uri}
