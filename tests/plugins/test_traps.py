"""The traps that vendors set for clients, one test each (or one place that tests it)."""

import logging
from base64 import b64decode

import pytest

from oauthreg import AuthorizedClientManager, InvalidTokenResponseError, TokenEndpointError
from oauthreg._errors import AuthorizationError
from oauthreg._flow import TokenResponse
from oauthreg._plugins import provider_plugin
from oauthreg.testing import AuthorizationServer, answer, assertion_file, key_file
from oauthreg.testing._kit.answers import ID, NOW
from oauthreg.testing._kit.cases import Case, complete
from oauthreg.testing._kit.text import request_text

SETTINGS = {
    "generic": {"token-uri": "https://id.acme.example/token"},
    "auth0": {"domain": "acme.eu.auth0.com"},
    "cognito": {"prefix": "acme", "region": "eu-west-1"},
    "entra": {"tenant": "contoso.onmicrosoft.com"},
    "entra-managed-identity": {},
    "keycloak": {"base-url": "sso.example.com", "realm": "demo"},
    "okta": {"okta-domain": "acme.okta.com", "authorization-server-id": "default"},
    "shopify": {"shop": "acme"},
    "slack": {},
    "twitch": {},
    "xsuaa": {"url": "https://acme.authentication.example"},
    "zitadel": {"base-url": "https://acme.zitadel.cloud"},
    "zoom": {"account-id": "my-account"},
}
NEEDED = {
    "auth0": {"audience": "https://api.example.com/"},
    "entra": {"scope": "https://graph.microsoft.com/.default"},
    "entra-managed-identity": {"resource": "https://vault.azure.net"},
    "okta": {"scope": "orders.read"},
}


def at(vendor, *answers, now=NOW, provider=(), **registration):
    """Return a registration of a vendor that gives these answers, over and over."""
    plugin = provider_plugin(vendor)
    table = complete(plugin, {**NEEDED.get(vendor, {}), **registration})
    settings = {**SETTINGS[vendor], **dict(provider)}
    return Case(vendor, plugin, vendor, settings, table, answers, now)


def token(**fields):
    return answer(access_token="a-token", **fields)


def lifetime(case):
    found = case.granted().access_token
    return (found.expires_at - found.issued_at).total_seconds()


def error(case):
    return case.raised(case.script)


def sent(case):
    return [request_text(request) for request in case.requests()]


@pytest.mark.parametrize(("vendor", "seconds"), [("keycloak", 60), ("generic", 300)])
def test_trap_1_a_token_of_a_minute_is_not_fetched_for_every_call(vendor, seconds):
    with at(vendor, token(expires_in=seconds)).manager() as manager:
        for _ in range(5):
            manager.authorize(ID)
        assert len(manager.script.sent) == 1


def test_trap_2_a_token_without_a_lifetime_lives_neither_for_ever_nor_for_a_second():
    assert lifetime(at("generic", token())) == 300
    case = at("generic", token(), **{"default-lifetime": 7200})
    assert lifetime(case) == 7200
    with case.manager() as manager:
        manager.reject(ID, manager.authorize(ID).access_token.token_value)
        manager.authorize(ID)
        assert len(manager.script.sent) == 2


@pytest.mark.parametrize(
    ("places", "fields", "now"),
    [
        ({}, {"expires_in": "3600"}, NOW),
        ({"expires_in_ms": "expires_in"}, {"expires_in": 3_600_000}, NOW),
        ({"expires_at": "expires_on"}, {"expires_on": "1800003600"}, NOW),
        ({"expires_at": "expireTime"}, {"expireTime": "2027-01-15T09:00:00Z"}, NOW),
    ],
)
def test_trap_3_a_lifetime_is_a_text_in_milliseconds_or_a_point_in_time(places, fields, now):
    assert lifetime(at("generic", token(**fields), now=now, provider={"answer": places})) == 3600


@pytest.mark.parametrize("kind", [{}, {"token_type": "bearer"}, {"token_type": "BEARER"}])
@pytest.mark.parametrize("vendor", ["shopify", "xsuaa", "zoom", "generic"])
def test_trap_4_a_token_type_is_missing_or_in_lower_case(vendor, kind):
    assert at(vendor, token(**kind)).granted().access_token.token_type == "Bearer"


@pytest.mark.parametrize(
    ("vendor", "given", "code", "retryable"),
    [
        ("generic", answer(200, error="bad_verification_code"), "bad_verification_code", False),
        ("slack", answer(200, ok=False, error="invalid_client_id"), "invalid_client_id", False),
        ("keycloak", answer(401, error="unauthorized_client"), "unauthorized_client", False),
        ("auth0", answer(401, error="access_denied"), "access_denied", False),
        ("okta", answer(429, errorCode="E0000047", errorSummary="limit"), "E0000047", True),
        ("cognito", answer(400, error="invalid_client"), "invalid_client", False),
        ("twitch", answer(400, status=400, message="invalid client"), None, False),
    ],
)
def test_trap_5_refusals_look_different_at_each_vendor(vendor, given, code, retryable):
    found = error(at(vendor, given))
    assert isinstance(found, TokenEndpointError)
    assert (found.status, found.error, found.retryable) == (given.status, code, retryable)
    assert found.hint


@pytest.mark.parametrize(
    ("more", "pair"),
    [
        ({}, "kit:a%2Bb%25c%3Ad%2Fe"),
        ({"basic-encoding": "raw"}, "kit:a+b%c:d/e"),
    ],
)
def test_trap_6_a_secret_with_odd_characters_is_encoded_in_basic_or_not(more, pair):
    (request,) = at("generic", token(), **{"client-secret": "a+b%c:d/e", **more}).requests()
    header = dict(request.headers)["Authorization"].removeprefix("Basic ")
    assert b64decode(header).decode() == pair


def test_trap_7_each_vendor_has_its_own_way_with_scopes():
    assert "scope=openid" in sent(at("zitadel", token()))[0]
    for vendor, scope in [("okta", "openid"), ("entra", "User.Read"), ("zoom", "meeting:read")]:
        case = at(vendor, token(), scope=scope)
        with pytest.raises(Exception, match=f"registration.{ID}.scope"):
            case.granted()
    comma = at("shopify", token(scope="read_products,write_x"), scope=["read_products", "write_x"])
    assert "scope=read_products,write_x" in sent(comma)[0]
    assert comma.granted().access_token.scopes == ("read_products", "write_x")
    assert at("twitch", token(scope=["a", "b"])).granted().access_token.scopes == ("a", "b")


@pytest.mark.parametrize(
    ("vendor", "audience"),
    [
        ("auth0", "https://acme.eu.auth0.com/"),
        ("okta", "https://acme.okta.com/oauth2/default/v1/token"),
        ("entra", "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token"),
    ],
)
def test_trap_8_an_assertion_is_for_whom_the_vendor_says_and_works_once(vendor, audience):
    (request,) = sent(at(vendor, token(), **{"private-key-file": key_file}))
    assert f'"aud": "{audience}"' in request
    case = at(vendor, TokenResponse(status=503), token(), **{"private-key-file": key_file})
    _, script = case.outcome()
    assertions = [dict(each.form)["client_assertion"] for each in script.sent]
    assert len(assertions) == len({*assertions}) == 2


def test_trap_9_the_api_is_at_the_address_that_the_answer_names():
    provider = {"answer": {"api_uri": "instance_url"}, "api-hosts": ["*.my.salesforce.com"]}
    place = "https://acme.my.salesforce.com"
    assert at("generic", token(instance_url=place), provider=provider).granted().api_uri == place


def test_trap_10_what_is_not_known_everywhere_yet_is_asked_for_again():
    words = {"error": "invalid_request", "error_description": "AADSTS70021: No matching record"}
    found = error(at("entra", answer(400, **words), **{"assertion-file": assertion_file}))
    assert found.retryable
    assert error(at("entra-managed-identity", answer(410))).retryable


def test_trap_11_a_token_is_shared_only_by_calls_that_may_share_it():
    one = {"provider": "a", "client-id": "x", "client-secret": "s", "scope": "read write"}
    others = [
        {"provider": "b"},
        {"client-id": "y"},
        {"scope": "read"},
        {"audience": "api"},
        {"resource": "https://api.example"},
        {"parameters": {"organization": "o"}},
        {"authorization-details": [{"type": "t"}]},
        {"client-secret": "another"},
    ]
    tables = {"one": one, "same": {**one, "scope": "write read"}}
    tables |= {f"other-{number}": {**one, **other} for number, other in enumerate(others)}
    with AuthorizationServer() as server, AuthorizationServer() as second:
        for each in (server, second):
            each.add_client("x", secrets=["s", "another"])
            each.add_client("y", "s")
        provider = {"a": {"token-uri": server.token_uri}, "b": {"token-uri": second.token_uri}}
        with AuthorizedClientManager.from_settings(
            {"provider": provider, "registration": tables}
        ) as manager:
            tokens = {name: manager.authorize(name).access_token.token_value for name in tables}
    assert tokens["one"] == tokens.pop("same")
    assert len({*tokens.values()}) == len(tokens)


def test_trap_12_the_same_token_with_less_life_each_time_is_no_loop():
    with at(
        "generic", *(token(expires_in=seconds) for seconds in (9, 8, 7, 6))
    ).manager() as manager:
        for _ in range(20):
            manager.authorize(ID)
        assert len(manager.script.sent) == 1


@pytest.mark.parametrize(
    "given",
    [
        answer(429, headers={"retry-after": "60"}, error="too_many_requests"),
        answer(400, error="invalid_scope"),
    ],
)
def test_trap_13_a_refusal_is_remembered_instead_of_asked_for_again(given):
    with at("auth0", given).manager() as manager:
        for _ in range(5):
            with pytest.raises(TokenEndpointError):
                manager.authorize(ID)
        assert len(manager.script.sent) == 1


def test_trap_14_a_metadata_service_gets_its_header_and_is_no_address_for_others():
    """That it is asked past every proxy is in tests/transports/test_metadata_services.py."""
    (request,) = sent(at("entra-managed-identity", token(expires_in="3599")))
    assert "Metadata: true" in request
    assert provider_plugin("entra-managed-identity").link_local
    with pytest.raises(Exception, match="https"):
        at("generic", token(), provider={"token-uri": "http://169.254.169.254/x"}).granted()


def test_trap_15_no_log_shows_a_token_or_what_comes_with_it_but_the_correlation_id(caplog):
    secrets = {"signature": "a-signature-of-salesforce", "nonce": "2020-04-03T15:35:36Z-nonce"}
    with caplog.at_level(logging.DEBUG):
        client = at("generic", token(**secrets)).granted()
    shown = f"{client!r} {client.access_token!r} {client.access_token} {caplog.text}"
    assert not [value for value in ("a-token", *secrets.values()) if value in shown]
    refused = answer(400, error="invalid_client", correlation_id="fb3d2015")
    with caplog.at_level(logging.DEBUG):
        found = error(at("entra", refused))
    assert isinstance(found, AuthorizationError)
    assert "fb3d2015" in f"{found} {caplog.text}"


def test_a_page_in_the_tokens_place_is_no_token_at_any_vendor():
    page = TokenResponse(status=200, headers={"content-type": "text/html"}, body=b"<html>")
    for vendor in SETTINGS:
        assert isinstance(error(at(vendor, page)), InvalidTokenResponseError), vendor
