"""Everything a token endpoint may answer: what becomes of it, and when it is asked again."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oauthreg._errors import AuthorizationError, InvalidTokenResponseError, TokenEndpointError
from oauthreg._flow import Granted, TokenResponse
from oauthreg._protocol.refusals import retry_after
from oauthreg._protocol.responses import checked, granted_from, parse_token_response
from oauthreg._protocol.text import form_fields, json_object
from oauthreg._provider import GenericProvider, ProviderSettings
from oauthreg.testing import DELETE, Fault

PROFILE = settings(deadline=None, derandomize=True)
REFUSED, NO_TOKEN = TokenEndpointError, InvalidTokenResponseError
HTML = "<html><form>log in</form></html>"
DATE = format_datetime(datetime.fromtimestamp(1_800_000_030, UTC), usegmt=True)


def oauth(status, code, **headers):
    return Fault(status=status, body={"error": code}, headers=headers)


TABLE = [
    # what it answers, the class, retryable, seconds until the next try (drawn at the top)
    ("400 invalid_request", oauth(400, "invalid_request"), REFUSED, False, 30),
    ("400 invalid_client", oauth(400, "invalid_client"), REFUSED, False, 30),
    ("400 invalid_grant", oauth(400, "invalid_grant"), REFUSED, False, 30),
    ("400 unauthorized_client", oauth(400, "unauthorized_client"), REFUSED, False, 30),
    ("400 unsupported_grant_type", oauth(400, "unsupported_grant_type"), REFUSED, False, 30),
    ("400 invalid_scope", oauth(400, "invalid_scope"), REFUSED, False, 30),
    ("400 invalid_target", oauth(400, "invalid_target"), REFUSED, False, 30),
    ("400 access_denied", oauth(400, "access_denied"), REFUSED, False, 30),
    ("400 jti_known", oauth(400, "jti_known"), REFUSED, False, 30),
    ("400 code of nobody", oauth(400, "authorization_type_invalid"), REFUSED, False, 30),
    ("400 empty", Fault(status=400), REFUSED, False, 30),
    ("400 temporarily_unavailable", oauth(400, "temporarily_unavailable"), REFUSED, False, 30),
    (
        "401 invalid_client, Basic",
        oauth(401, "invalid_client", **{"WWW-Authenticate": 'Basic realm="x"'}),
        REFUSED,
        False,
        30,
    ),
    (
        "401 invalid_client, Bearer",
        oauth(401, "invalid_client", **{"WWW-Authenticate": "Bearer"}),
        REFUSED,
        False,
        30,
    ),
    ("401 invalid_client", oauth(401, "invalid_client"), REFUSED, False, 30),
    ("401 unsupported_grant_type", oauth(401, "unsupported_grant_type"), REFUSED, False, 30),
    ("401 empty", Fault(status=401), REFUSED, False, 30),
    ("401 text", Fault(status=401, body="who are you?"), REFUSED, False, 30),
    ("403 empty", Fault(status=403), REFUSED, False, 30),
    ("403 access_denied", oauth(403, "access_denied"), REFUSED, False, 30),
    ("404 HTML", Fault(status=404, body=HTML, content_type="text/html"), REFUSED, False, 30),
    ("404 other_error", oauth(404, "other_error"), REFUSED, False, 30),
    ("405 HTML", Fault(status=405, body=HTML), REFUSED, False, 30),
    ("408", Fault(status=408), REFUSED, True, 1),
    ("415 empty", Fault(status=415), REFUSED, False, 30),
    ("425", Fault(status=425), REFUSED, True, 1),
    ("429", Fault(status=429, body="slow down"), REFUSED, True, 1),
    ("429 seconds", Fault(status=429, retry_after=30), REFUSED, True, 33),
    ("429 date", Fault(status=429, retry_after=DATE), REFUSED, True, 33),
    ("429 a day", Fault(status=429, retry_after=86_400), REFUSED, True, 3_630),
    ("500 error", oauth(500, "error"), REFUSED, True, 1),
    ("500 server_error", oauth(500, "server_error"), REFUSED, True, 1),
    ("500 HTML", Fault(status=500, body=HTML), REFUSED, True, 1),
    ("502", Fault(status=502), REFUSED, True, 1),
    ("503 HTML", Fault(status=503, body=HTML), REFUSED, True, 1),
    ("503 seconds", Fault(status=503, retry_after=5), REFUSED, True, 5.5),
    ("504", Fault(status=504), REFUSED, True, 1),
    ("301", Fault(redirect_to="/token/", status=301), REFUSED, False, 30),
    ("302 login", Fault(redirect_to="https://as.example/login", status=302), REFUSED, False, 30),
    ("307 elsewhere", Fault(redirect_to="https://evil.example/t", status=307), REFUSED, False, 30),
    ("300 nowhere", Fault(status=300), REFUSED, False, 30),
    ("200 error", Fault(body={"error": "invalid_grant"}), REFUSED, False, 30),
    (
        "200 error and token",
        Fault(body={"error": "x", "access_token": "t"}),
        REFUSED,
        False,
        30,
    ),
    ("200 numeric error", Fault(body={"result": 0, "error": 9}), REFUSED, False, 30),
    ("200 object error", Fault(body={"error": {"name": "TypeError"}}), REFUSED, False, 30),
    ("200 HTML", Fault(body=HTML, content_type="text/html"), NO_TOKEN, True, 1),
    ("200 empty", Fault(status=200), NO_TOKEN, True, 1),
    ("204", Fault(status=204), NO_TOKEN, True, 1),
    ("200 object", Fault(body={}), NO_TOKEN, True, 1),
    ("200 message", Fault(body={"message": "hello"}), NO_TOKEN, True, 1),
    ("200 array", Fault(body=["t"]), NO_TOKEN, True, 1),
    ("200 null", Fault(body="null"), NO_TOKEN, True, 1),
    ("200 string", Fault(body='"t"'), NO_TOKEN, True, 1),
    ("200 form", Fault(body="access_token=t&token_type=bearer"), NO_TOKEN, True, 1),
    ("200 half", Fault(body='{"access_token": "t'), NO_TOKEN, True, 1),
    ("200 deep", Fault(body="[" * 100_000), NO_TOKEN, True, 1),
    ("200 not UTF-8", Fault(body=b'{"access_token": "\xff"}'), NO_TOKEN, True, 1),
    ("200 oversized", Fault(body={"access_token": "t"}, oversized=1_100_000), NO_TOKEN, False, 30),
    ("token empty", Fault(body={"access_token": ""}), NO_TOKEN, True, 1),
    ("token null", Fault(body={"access_token": None}), NO_TOKEN, True, 1),
    ("token number", Fault(body={"access_token": 12345}), NO_TOKEN, True, 1),
    ("token of two lines", Fault(body={"access_token": "a\nb"}), NO_TOKEN, True, 1),
    ("token with a space", Fault(body={"access_token": "a b"}), NO_TOKEN, True, 1),
    ("token beyond ASCII", Fault(body={"access_token": "tökën"}), NO_TOKEN, True, 1),
    ("type mac", Fault(body={"access_token": "t", "token_type": "mac"}), NO_TOKEN, False, 30),
    (
        "type access_token",
        Fault(body={"access_token": "t", "token_type": "access_token"}),
        NO_TOKEN,
        False,
        30,
    ),
    ("type N_A", Fault(body={"access_token": "t", "token_type": "N_A"}), NO_TOKEN, False, 30),
    ("type number", Fault(body={"access_token": "t", "token_type": 5}), NO_TOKEN, False, 30),
    ("life negative", Fault(body={"access_token": "t", "expires_in": -1}), NO_TOKEN, True, 1),
    ("life -5 as text", Fault(body={"access_token": "t", "expires_in": "-5"}), NO_TOKEN, True, 1),
]


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_what_is_no_token_is_an_error_of_its_class_with_its_wait(manager, server, row):
    _, fault, kind, retryable, wait = row
    server.inject(fault)
    with pytest.raises(AuthorizationError) as caught:
        manager().authorize("app")
    error = caught.value
    assert type(error) is kind
    assert error.retryable is retryable
    assert error.retry_after == wait
    assert error.endpoint == server.token_uri
    assert (error.registration_id, error.provider) == ("app", "as")
    assert fault.status is None or f"the token endpoint answered {fault.status}" in str(error)
    assert error.asked_for == 'scope "read"'


LIVES = [
    (3600, 3600),
    ("3600", 3600),
    (3600.0, 3600),
    ("3600.0", 3600),
    (3600.5, 3600.5),
    ("3600.5", 3600.5),
    (" 60 ", 60),
    (2, 2),
    (864_000, 864_000),
    (1e30, None),
    (DELETE, 300),
    (None, 300),
    ("", 300),
    (0, 300),
    ("0", 300),
    (0.0, 300),
    ("soon", 300),
    ([1], 300),
    ({}, 300),
    (True, 300),
    ("nan", 300),
    ("inf", 300),
    (float("nan"), 300),
    (10**400, 300),
]


@pytest.mark.parametrize(("said", "lifetime"), LIVES, ids=[str(said)[:9] for said, _ in LIVES])
def test_every_form_of_expires_in(manager, server, said, lifetime):
    server.token_lifetime = None
    server.extra_fields = {"expires_in": said}
    token = manager().authorize("app").access_token
    lived = (token.expires_at - token.issued_at).total_seconds()
    assert lived == (lifetime or 100 * 365 * 86_400)


TYPES = [(DELETE, "Bearer"), ("", "Bearer"), (None, "Bearer"), ("bearer", "Bearer")]
TYPES += [("BEARER", "Bearer"), ("Bearer", "Bearer")]


@pytest.mark.parametrize(("said", "kind"), TYPES)
def test_every_form_of_bearer(manager, server, said, kind):
    server.extra_fields = {"token_type": said}
    client = manager().authorize("app")
    assert client.access_token.token_type == kind
    assert client.authorization.startswith("Bearer ")


SCOPES = [
    (DELETE, ("read", "write")),
    (None, ("read", "write")),
    ("", ()),
    ("read", ("read",)),
    ("write read", ("write", "read")),
    ("read write admin", ("read", "write", "admin")),
    (["read", 5], ("read",)),
    (5, ("read", "write")),
    (" read  write ", ("read", "write")),
]


@pytest.mark.parametrize(("said", "scopes"), SCOPES, ids=[str(said) for said, _ in SCOPES])
def test_every_form_of_scope(manager, server, said, scopes):
    server.extra_fields = {"scope": said}
    assert manager({"scope": "read write"}).authorize("app").access_token.scopes == scopes


class Commas(GenericProvider):
    scope_separator = ","


@pytest.mark.parametrize(
    ("said", "scopes"),
    [
        ("repo,gist", ("repo", "gist")),
        ("repo, gist", ("repo", "gist")),
        ("repo gist", ("repo", "gist")),
        (["repo,gist"], ("repo", "gist")),
    ],
)
def test_a_vendors_separator_is_read_as_it_is_sent(context, answer, said, scopes):
    response = answer({"access_token": "t", "scope": said})
    assert Commas(ProviderSettings()).parse_response(context(), response).scopes == scopes


@pytest.mark.parametrize("scopes", [["x\nFORGED line", "\x1b]0;owned\x07"], "x\nFORGED line"])
def test_scopes_are_words_on_one_line(answer, scopes):
    granted = granted_from({"access_token": "t", "scope": scopes})
    for made in (granted, checked(replace(granted, scopes=tuple(scopes)))):
        assert all(scope.isprintable() and " " not in scope for scope in made.scopes)
    assert granted.scopes[:3] == ("x", "FORGED", "line")


def test_an_id_token_that_nobody_verified_is_left_out():
    granted = granted_from({"access_token": "t", "id_token": "a.b.c", "n": 1})
    assert checked(granted).extra == {"n": 1}
    assert checked(replace(granted, extra={"n": 1})).extra == {"n": 1}


@pytest.mark.parametrize("error", [None, "", 0, False, {}])
def test_an_error_that_says_nothing_is_none(manager, server, error):
    server.extra_fields = {"error": error}
    assert manager().authorize("app")


@pytest.mark.parametrize("content_type", ["text/html", "text/plain", "application/octet-stream"])
def test_json_is_json_whatever_it_is_called(manager, server, content_type):
    server.inject(Fault(body={"access_token": "t"}, content_type=content_type))
    assert manager().authorize("app").access_token.token_value == "t"
    server.heal()
    server.inject(Fault(status=400, body={"error": "invalid_scope"}, content_type=content_type))
    with pytest.raises(TokenEndpointError) as caught:
        manager().authorize("app")
    assert caught.value.error == "invalid_scope"


def test_a_201_with_a_token_is_a_token(answer):
    assert parse_token_response(answer({"access_token": "t"}, 201), now=0).access_token == "t"


def test_a_byte_order_mark_does_no_harm(answer):
    body = b"\xef\xbb\xbf" + json.dumps({"access_token": "t"}).encode()
    assert parse_token_response(answer(body), now=0).access_token == "t"


def test_other_fields_are_kept_as_extra_and_a_refresh_token_is_not(manager, server):
    server.extra_fields = {"refresh_token": "r", "instance_url": "https://x.example", "n": [1]}
    client = manager().authorize("app")
    assert client.refresh_token is None
    assert dict(client.access_token.extra) == {"instance_url": "https://x.example", "n": [1]}


@pytest.mark.parametrize(("given", "kept"), [("r", "r"), ("", None), (5, None), (None, None)])
def test_a_refresh_token_is_a_string(given, kept):
    assert granted_from({"access_token": "t", "refresh_token": given}).refresh_token == kept


def test_an_error_has_the_servers_words_cleaned_and_shortened(answer):
    body = {"error": "a\x1b[31m", "error_description": "b\n" * 400, "error_uri": 5}
    with pytest.raises(TokenEndpointError) as caught:
        parse_token_response(answer(body, 400), now=0)
    error = caught.value
    assert error.error == "a [31m"
    assert error.error_description == "b " * 250 + "..."
    assert error.error_uri is None


def test_a_redirects_hint_names_where_to_but_not_the_query_or_the_user(answer):
    location = "https://user:pass@elsewhere.example:8443/token?secret=x"
    with pytest.raises(TokenEndpointError) as caught:
        parse_token_response(answer(b"", 307, location=location), now=0)
    assert "A redirect to https://elsewhere.example:8443 is not followed" in str(caught.value)
    for leaked in ("user", "pass", "secret"):
        assert leaked not in str(caught.value).replace("credential", "")


NOW = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT
WAITS = [
    ("30", 30),
    ("0", 0),
    (" 1.5 ", 1.5),
    ("99999", 3_600),
    ("Sun, 06 Nov 1994 08:50:37 GMT", 60),
    ("Sunday, 06-Nov-94 08:50:37 GMT", 60),
    ("Sun Nov  6 08:50:37 1994", 60),
    ("Sun, 06 Nov 1994 08:50:37 -0000", 60),
    ("Sun, 06 Nov 1994 07:49:37 GMT", 0),
    ("", None),
    ("soon", None),
    ("-5", None),
    ("1e999", None),
    ("²", None),
    ("nan", None),
    ("Sun, 99 Nov 1994 08:50:37 GMT", None),
]


@pytest.fixture
def far_from_greenwich(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_from_greenwich")
@pytest.mark.parametrize(("text", "seconds"), WAITS)
def test_every_form_of_retry_after(answer, text, seconds):
    assert retry_after(answer(retry_after=text), now=NOW) == seconds


@PROFILE
@given(st.text(max_size=40))
def test_no_retry_after_is_more_than_an_hour_or_an_accident(text):
    response = TokenResponse(status=503, headers={"retry-after": text})
    seconds = retry_after(response, now=NOW)
    assert seconds is None or 0 <= seconds <= 3_600


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
FIELDS = st.dictionaries(
    st.sampled_from(
        ["access_token", "token_type", "expires_in", "scope", "refresh_token", "error", "error_uri"]
    ),
    JSON,
)


@PROFILE
@given(st.sampled_from([200, 201, 204, 302, 400, 401, 429, 500]), FIELDS | JSON)
def test_any_json_is_a_token_or_one_of_two_errors(status, value):
    response = TokenResponse(status=status, body=json.dumps(value).encode())
    try:
        granted = parse_token_response(response, now=0.0)
    except (TokenEndpointError, InvalidTokenResponseError):
        return
    assert granted.access_token.isascii()
    assert granted.token_type in {"Bearer", "DPoP"}
    assert granted.expires_in is None or granted.expires_in > 0


@PROFILE
@given(st.binary(max_size=60))
def test_any_bytes_are_an_object_or_none(body):
    assert isinstance(json_object(TokenResponse(status=200, body=body)), dict | None)


def test_a_form_is_one_from_its_first_character_on_and_has_a_limit(answer):
    assert form_fields(answer(b" a=1&b=2")) == {"a": "1", "b": "2"}
    for body in (b"", b"<a b=1>", b"a b=1", b"&".join([b"a=1"] * 200)):
        assert form_fields(answer(body)) is None


@pytest.mark.parametrize("body", [b'{"a": "\xff"', b"\xff" * 9, b"[" * 99_999 + b"\xff"])
def test_what_is_no_json_in_any_charset_is_none(answer, body):
    assert json_object(answer(body)) is None


def test_what_a_plugin_grants_is_checked():
    assert checked(Granted(access_token="t")).access_token == "t"
    with pytest.raises(InvalidTokenResponseError):
        checked(Granted(access_token="a\nb"))
    with pytest.raises(TypeError, match="not str"):
        checked("token")
