"""The callback of a login: what is believed, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oauthreg._errors import CallbackError
from oauthreg._grants.authorization_code import AuthorizationRequest
from oauthreg._grants.callback import read_address, read_callback

REDIRECT = "https://app.example.com/cb"
ISSUER = "https://auth.example.com"
REQUEST = AuthorizationRequest(
    url="https://auth.example.com/authorize",
    registration_id="my-client",
    redirect_uri=REDIRECT,
    state="the-state",
    nonce="the-nonce",
    code_verifier="the-verifier",
    issuer=ISSUER,
)
GOOD = f"code=the-code-of-the-callback&state=the-state&iss={ISSUER}"


@pytest.fixture
def read(context):
    """Read a callback: `read(url, issuer=None, iss_required=True)`, by fields of the request."""

    def read(url, context_issuer=ISSUER, **fields):
        made = context(issuer=context_issuer)
        return read_callback(made, replace(REQUEST, **fields), read_address(url))

    return read


@pytest.fixture
def refused(read):
    def refused(*args, **fields):
        with pytest.raises(CallbackError) as caught:
            read(*args, **fields)
        error = caught.value
        assert error.hint
        for secret in ("the-state", "the-nonce", "the-verifier", "c1&"):
            assert secret not in str(error)
        assert (error.__cause__, error.__context__) == (None, None)
        return error

    return refused


SAME = [
    REDIRECT,
    "HTTPS://APP.example.com:443/cb",
    "",
    "/cb",
]


@pytest.mark.parametrize("address", SAME)
def test_a_callback_at_its_address_or_without_one_gives_the_code(read, address):
    assert read(f"{address}?{GOOD}").get("code") == "the-code-of-the-callback"


def test_a_bare_query_gives_the_code(read):
    assert read(GOOD).get("code") == "the-code-of-the-callback"


OTHERS = [
    ("http://app.example.com/cb", "scheme, port"),
    ("https://evil.example/cb", "host"),
    ("https://app.example.com.evil.example/cb", "host"),
    ("https://user@app.example.com/cb", "host"),
    ("https://app.example.com:8443/cb", "port"),
    ("https://app.example.com/other", "path"),
    ("https://app.example.com/cb/", "path"),
    ("https://app.example.com/CB", "path"),
    ("//evil.example/cb", "scheme, host, port"),
    ("/other", "path"),
    ("com.example.app:/cb", "scheme, host, port"),
]


@pytest.mark.parametrize(("address", "what"), OTHERS)
def test_a_callback_at_another_address_is_refused(refused, address, what):
    error = refused(f"{address}?{GOOD}")
    assert f"not this login's redirect_uri {REDIRECT}: another {what}" in str(error)
    assert "pass only its query" in error.hint


SPELLINGS = [
    ("http://127.0.0.1:8000", "http://127.0.0.1:8000/"),
    ("https://b\u00fccher.example/cb", "https://xn--bcher-kva.example/cb"),
    ("https://stra\u00dfe.example/cb", "https://xn--strae-oqa.example/cb"),
    ("https://app.example/\u00fc", "https://app.example/%C3%BC"),
    ("https://app.example/a%2fb", "https://app.example/a%2Fb"),
    ("com.example.app:/cb", "com.example.app:/cb"),
    ("https://app.example/cb?tenant=1&tenant=2", "https://app.example/cb?tenant=1&tenant=2"),
]


@pytest.mark.parametrize(("ours", "browsers"), SPELLINGS)
def test_a_browsers_spelling_of_the_address_is_the_same(read, ours, browsers):
    glue = "&" if "?" in browsers else "?"
    assert (
        read(f"{browsers}{glue}{GOOD}", redirect_uri=ours).get("code") == "the-code-of-the-callback"
    )


WITH_QUERY = f"{REDIRECT}?server=good&state=mine"


@pytest.mark.parametrize(
    "address", [WITH_QUERY, "?server=good&state=mine", "server=good&state=mine"]
)
def test_the_query_of_the_address_comes_back(read, address):
    found = read(f"{address}&{GOOD}", redirect_uri=WITH_QUERY)
    assert found.get("code") == "the-code-of-the-callback"


@pytest.mark.parametrize(
    "query", ["server=evil&state=mine", "server=good&server=evil", "server=good", "", "code=x"]
)
def test_a_callback_with_another_query_of_the_address_is_refused(refused, query):
    assert "another query" in str(refused(f"{REDIRECT}?{query}&{GOOD}", redirect_uri=WITH_QUERY))


@pytest.mark.parametrize("query", ["server=good&state=mine&server=evil&server=no", "state=mine"])
def test_no_parameter_of_the_answer_hides_behind_one_of_the_address(refused, query):
    refused(f"{REDIRECT}?{query}&{GOOD}&state=the-state", redirect_uri=WITH_QUERY)


def test_the_query_of_the_address_is_looked_for_beside_a_fragment_too(read, refused):
    implicit = {"response_type": "token", "redirect_uri": f"{REDIRECT}?server=good"}
    assert read(f"{REDIRECT}?server=good#{GOOD}", **implicit).get("code")
    assert read(f"#{GOOD}", **implicit).get("code")
    assert "another query" in str(refused(f"{REDIRECT}?server=evil#{GOOD}", **implicit))


def test_a_host_that_an_older_idna_made_of_the_address_is_another(refused):
    error = refused(
        f"https://strasse.example/cb?{GOOD}", redirect_uri="https://stra\u00dfe.example/cb"
    )
    assert "another host" in str(error)


NO_ADDRESSES = [
    "http://[x]/cb?code=the-code-of-the-callback&state=the-state",
    "http://[::1/cb?code=the-code-of-the-callback",
    "http://app.example.com:99999/cb?code=the-code-of-the-callback",
    "https://\u2100/cb?code=the-code-of-the-callback",
    f"{REDIRECT}?{'x=1&' * 200}",
    f"{REDIRECT}?code={'c' * 70_000}",
    f"{REDIRECT}?state=\udce9",
    f"{REDIRECT}?state=%ff",
    "\udce9",
    "",
    "no address",
]


@pytest.mark.parametrize("url", NO_ADDRESSES)
def test_whatever_is_wrong_with_the_address_is_a_callback_error(refused, url):
    refused(url)


@pytest.mark.parametrize("url", [None, b"code=1", 5])
def test_a_callback_that_is_no_text_is_a_type_error(url):
    with pytest.raises(TypeError, match="must be a str, not"):
        read_address(url)


@pytest.mark.parametrize("twice", ["state=the-state", "code=c2", "iss=x", "error=x"])
def test_a_parameter_given_twice_is_refused(refused, twice):
    name = twice.partition("=")[0]
    error = refused(f"{REDIRECT}?{GOOD}&{twice}&{twice}")
    assert f"has a parameter twice: {name}" in str(error)


@pytest.mark.parametrize(
    "tail",
    [
        "code=the-code-of-the-callback&state=other",
        "code=the-code-of-the-callback",
        "code=the-code-of-the-callback&state=",
    ],
)
def test_another_state_is_refused(refused, tail):
    assert "state is not that of this login" in str(refused(f"{REDIRECT}?{tail}"))


def test_a_request_without_a_state_belongs_to_no_callback(refused):
    assert "state is not that" in str(refused(f"{REDIRECT}?code=c&state=", state=""))


def test_a_request_of_another_registration_is_refused(refused):
    error = refused(f"{REDIRECT}?{GOOD}", registration_id="good")
    assert "begun for registration good" in str(error)


@pytest.mark.parametrize("issuer", [None, "https://other.example"])
def test_a_request_of_another_issuer_is_refused(refused, issuer):
    assert "begun with the issuer" in str(refused(f"{REDIRECT}?{GOOD}", issuer=issuer))
    assert "begun with the issuer" in str(refused(f"{REDIRECT}?{GOOD}", context_issuer=issuer))


def test_the_callback_of_another_issuer_is_refused(refused):
    error = refused(
        f"{REDIRECT}?code=the-code-of-the-callback&state=the-state&iss=https://evil.example%0aFORGED"
    )
    assert "from the issuer https://evil.example FORGED, not from https://auth" in str(error)


def test_an_issuer_that_cannot_be_compared_is_refused_with_the_setting_that_is_missing(refused):
    error = refused(f"{REDIRECT}?{GOOD}", issuer=None, context_issuer=None)
    assert "provider.p.issuer-uri" in str(error)


@pytest.mark.parametrize("tail", ["", "&iss="])
def test_a_promised_issuer_must_be_there(read, refused, tail):
    url = f"{REDIRECT}?code=the-code-of-the-callback&state=the-state{tail}"
    assert "names no issuer" in str(refused(url, iss_required=True))
    assert read(url).get("code") == "the-code-of-the-callback"


def test_an_error_has_the_servers_words_cleaned_and_a_hint(refused):
    error = refused(
        f"{REDIRECT}?error=access_denied&error_description=no%0away+the-nonce&state=the-state"
    )
    assert (error.error, error.error_description) == ("access_denied", "no way ***")
    assert str(error) == (
        "the login ended with access_denied (no way ***). The server's policy, or the user, "
        "denies it: check what client id may ask for."
    )


def test_an_implicit_answer_comes_in_the_fragment(read):
    fields = {"response_type": "token"}
    for url in (f"{REDIRECT}#access_token=t&state=the-state", "#access_token=t&state=the-state"):
        assert read(url, **fields).as_mapping()["access_token"] == "t"
    assert read("access_token=t&state=the-state", **fields).get("access_token") == "t"


def test_neither_the_response_nor_a_traceback_shows_the_code(read, refused):
    assert "the-code-of-the-callback" not in repr(read(f"{REDIRECT}?{GOOD}"))
    error = refused(f"{REDIRECT}?{GOOD}&state=twice")
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename.endswith("_grants/callback.py"):
            shown = {name: repr(value) for name, value in frame.tb_frame.f_locals.items()}
            assert "the-code-of-the-callback" not in str(shown)
            assert "the-state" not in str(shown)
        frame = frame.tb_next
