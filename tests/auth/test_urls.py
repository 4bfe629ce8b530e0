"""`urls` patterns: which addresses are the same, and which only look like it."""

from __future__ import annotations

import string
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthreg import ClientRegistration, ProviderDetails, UrlNotAllowedError
from oauthreg._addresses import origin_of
from oauthreg._urls import parse_pattern, permits, safe_segments
from oauthreg.auth._policy import may_send_token

MATCHES = [
    ("https://api.example.com", "https://api.example.com"),
    ("https://api.example.com", "https://api.example.com/any/path?query#fragment"),
    ("https://api.example.com/", "https://api.example.com/any"),
    ("HTTPS://Api.Example.COM", "https://api.example.com/"),
    ("https://api.example.com:443", "https://api.example.com:/"),
    ("https://api.example.com", "https://api.example.com:0443/"),
    ("https://api.example.com:8443", "https://api.example.com:8443/"),
    ("https://api.example.com.", "https://api.example.com/"),
    ("https://api.example.com", "https://api.example.com./"),
    ("https://api.example.com", "https://user:password@api.example.com/"),
    ("https://api.example.com", "wss://api.example.com/socket"),
    ("https://bücher.example", "https://xn--bcher-kva.example/"),
    ("https://xn--bcher-kva.example", "https://BÜCHER.example/"),
    ("https://faß.example", "https://xn--fa-hia.example/"),
    ("https://api.example.com", "https://api。example.com/"),
    ("https://[::1]:8443", "https://[0:0:0:0:0:0:0:1]:8443/"),
    ("https://api.example.com/v1", "https://api.example.com/v1"),
    ("https://api.example.com/v1", "https://api.example.com/v1/"),
    ("https://api.example.com/v1/", "https://api.example.com/v1/users"),
    ("https://api.example.com/v1", "https://api.example.com/v1?query=../.."),
    ("https://api.example.com/v1", "https://api.example.com/a/../v1/b"),
    ("https://api.example.com/v1", "https://api.example.com/%76%31"),
    ("https://api.example.com/~me", "https://api.example.com/%7Eme"),
    ("https://api.example.com/ü", "https://api.example.com/%c3%bc"),
    ("https://api.example.com/a%2fb", "https://api.example.com/a%2Fb"),
    ("https://api.example.com/a%20b", "https://api.example.com/a b"),
    ("https://api.example.com/100%", "https://api.example.com/100%25"),
    ("https://*.example.com", "https://api.example.com/"),
    ("https://*.example.com/v1", "https://API.example.com:443/v1/users"),
    ("http://127.0.0.1:8080/api", "http://127.0.0.1:8080/api"),
]

DIFFERS = [
    ("https://api.example.com", "http://api.example.com/"),
    ("http://api.example.com", "https://api.example.com/"),
    ("https://api.example.com", "https://api.example.com:8443/"),
    ("https://api.example.com", "https://api.example.com.evil.example/"),
    ("https://api.example.com", "https://evil.example/https://api.example.com/"),
    ("https://api.example.com", "https://api.example.com@evil.example/"),
    ("https://api.example.com", "https://evil.example#@api.example.com/"),
    ("https://api.example.com", "https://evil.example?@api.example.com/"),
    ("https://api.example.com", "https://evil.example\\@api.example.com/"),
    ("https://api.example.com", "https://api.example.com\\@evil.example/"),
    ("https://api.example.com", "https://api.example.com\\.evil.example/"),
    ("https://api.example.com", "https://api%2eexample.com/"),
    ("https://api.example.com", "https://api.example.com../"),
    ("https://api.example.com", " https://api.example.com/"),
    ("https://api.example.com", "https:/api.example.com/"),
    ("https://api.example.com", "//api.example.com/"),
    ("https://api.example.com", "ftp://api.example.com/"),
    ("https://api.example.com", "https://api.example.com:443:443/"),
    ("https://api.example.com", "https://api.example.com:99999/"),
    ("https://api.example.com", "https://аpi.example.com/"),  # noqa: RUF001 - a Cyrillic letter
    ("https://api.example.com", "https:///"),
    ("https://api.example.com", ""),
    ("https://api.example.com/v1", "https://api.example.com/v10"),
    ("https://api.example.com/v1", "https://api.example.com/V1"),
    ("https://api.example.com/v1", "https://api.example.com//v1"),
    ("https://api.example.com/v1", "https://api.example.com/"),
    ("https://api.example.com/v1/a", "https://api.example.com/v1"),
    ("https://api.example.com/v1", "https://api.example.com/v1/../admin"),
    ("https://api.example.com/v1", "https://api.example.com/v1/%2e%2E/admin"),
    ("https://api.example.com/v1", "https://api.example.com/v1/.%2e/admin"),
    ("https://api.example.com/v1", "https://api.example.com/v1/..%2fadmin"),
    ("https://api.example.com/v1", "https://api.example.com/v1/..%5cadmin"),
    ("https://api.example.com/v1", "https://api.example.com/v1/..\\admin"),
    ("https://api.example.com/v1", "https://api.example.com/v1/x%2f..%2f..%2fadmin"),
    ("https://api.example.com/v1", "https://api.example.com/v1/..;/admin"),
    ("https://api.example.com/v1", "https://api.example.com/v1%2fusers"),
    ("https://*.example.com", "https://example.com/"),
    ("https://*.example.com", "https://a.b.example.com/"),
    ("https://*.example.com", "https://apiexample.com/"),
    ("https://*.example.com", "https://.example.com/"),
]

WRONG = [
    ("api.example.com", "must be an absolute https address"),
    ("ftp://api.example.com", "must be an absolute https address"),
    ("*", "must be an absolute https address"),
    ("https://user:planted-secret@api.example.com", "must not carry credentials"),
    ("https://api.example.com/v1?x=1", "a query takes no part"),
    ("https://api.example.com/v1#x", "must not carry a fragment"),
    ("https://api.example.com?", "a query takes no part"),
    ("https://", "must have a host"),
    ("https://a:b:c", "must have a host"),
    ("https://api.example.com:99999", "a port from 1 to 65535"),
    ("https://api%2eexample.com", "letters, digits, hyphens and dots"),
    ("https://api..example.com", "letters, digits, hyphens and dots"),
    ("https://api.*.example.com", "one *. before the host"),
    ("https://*.*.example.com", "one *. before the host"),
    ("https://api*.example.com", "one *. before the host"),
    ("https://*", "one *. before the host"),
    ("https://*.com", "two labels or more"),
    ("https://*.0.0.1", "four numbers"),
    ("https://*.127.0.0.1", "two labels or more"),
    ("https://api.example.com/*", "a path covers all that is below it"),
    ("https://api.example.com/v1/..%2fadmin", "climb"),
    ("https://[::zz]", "must have an IPv6 address"),
    ("https://[1:2]", "must have an IPv6 address"),
    ("https://ü..example", "IDNA 2008"),
]


@pytest.mark.parametrize(("pattern", "url"), MATCHES)
def test_the_same(pattern, url):
    assert parse_pattern(pattern).matches(url)


@pytest.mark.parametrize(("pattern", "url"), DIFFERS)
def test_not_the_same(pattern, url):
    assert not parse_pattern(pattern).matches(url)


@pytest.mark.parametrize(("text", "sentence"), WRONG)
def test_a_wrong_pattern_says_how_to_write_it(text, sentence):
    with pytest.raises(ValueError, match=sentence.replace("*", r"\*")) as caught:
        parse_pattern(text)
    assert "planted-secret" not in str(caught.value)


LABEL = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8).map("x".__add__)
HOST = st.lists(LABEL, min_size=2, max_size=4).map(".".join)
SEGMENT = st.text(string.ascii_letters + string.digits + "-._~", min_size=1, max_size=8).filter(
    lambda segment: segment.strip(".")
)
PATH = st.lists(SEGMENT, max_size=4)


def spelt_otherwise(random, host, path, port):
    """Another spelling of the same address."""
    host = "".join(random.choice([c.lower(), c.upper()]) for c in host)
    host += random.choice(["", "."])
    colon = random.choice(["", ":", ":443"]) if port == 443 else f":{port}"
    text = ""
    for segment in path:
        text += random.choice(["", "/.", "/%2e", "/detour/..", "/a/b/%2E%2e/.."]) + "/"
        text += "".join(random.choice([c, f"%{ord(c):02x}", f"%{ord(c):02X}"]) for c in segment)
    return f"{random.choice(['https', 'HTTPS'])}://{host}{colon}{text}"


@given(st.randoms(), HOST, PATH, PATH, st.sampled_from([443, 8443]))
def test_any_spelling_below_a_pattern_matches(random, host, path, below, port):
    pattern = parse_pattern("/".join([f"https://{host}:{port}", *path]))
    assert pattern.matches(spelt_otherwise(random, host, path + below, port) + "?q#f")


@given(st.randoms(), HOST, PATH, HOST, PATH)
def test_no_spelling_of_another_address_matches(random, host, path, other_host, other_path):
    pattern = parse_pattern("/".join([f"https://{host}", *path]))
    same = other_host == host and other_path[: len(path)] == path
    assert pattern.matches(spelt_otherwise(random, other_host, other_path, 443)) is same


@given(HOST, HOST)
def test_a_wildcard_stands_for_exactly_one_label(host, other):
    matches = parse_pattern(f"https://*.{host}").matches(f"https://{other}")
    assert matches is (other.split(".")[1:] == host.split("."))


@given(st.text())
def test_normal_segments_stay_as_they_are(text):
    once = safe_segments("/" + text)
    if once is not None:
        assert safe_segments("/" + "/".join(once)) == (once or ("",))


CLIMBING = [  # out of /v1, for some server
    *("/v1/%252e%252e/admin", "/v1/%25252e%25252e/admin", "/v1/%" + "25" * 20 + "2e/admin"),
    *("/v1/..%252fadmin", "/v1/..%255cadmin", "/v1/%252e%252e%252fadmin", "/v1/.%252e/admin"),
    *("/v1//../admin", "/v1/x/..//../admin", "/v1/x//../../admin", "/v1/%2f/../../admin"),
    *("/v1/;/../admin", "/v1/;x/../admin", "/v1/%3b/../admin", "/v1/%09/../admin"),
    *("/v1/..;/admin", "/v1/..;a=b/admin", "/v1/..%3b/admin", "/v1/..%00/admin", "/v1/..%20/admin"),
    *("/v1/%c0%ae%c0%ae/admin", "/v1/..%c0%af/admin", "/v1/%25c0%25ae./admin", "/v1/%e0%80%ae./a"),
    *(
        "/v1/.%00./admin",
        "/v1/.%0a./admin",
        "/v1/\uff0e\uff0e/admin",
        "/v1/%EF%BC%8E%EF%BC%8E/admin",
    ),
    *("/v1/%E2%80%A5/admin", "/v1/\\../admin", "/v1/%5c../admin", "/v1/x%2f../../admin"),
    *("/v1/%2e%2e%2fadmin", "/v1/a;b/x/../../../v1/admin", "/v1/..%3f/admin", "/v1/..%23/admin"),
]


@pytest.mark.parametrize("path", CLIMBING)
def test_no_spelling_leaves_the_path(path):
    url = f"https://api.example.com{path}"
    assert not parse_pattern("https://api.example.com/v1").matches(url)
    assert not permits(("https://api.example.com/v1",), url)
    assert permits(("https://api.example.com",), url)
    with pytest.raises(ValueError, match=r"climb|must not have"):
        parse_pattern(url)


@pytest.mark.parametrize(
    "path", ["/v1/..x", "/v1/x..", "/v1/...", "/v1/a%2520b", "/v1/caf%e9", "/v1//x", "/v1/a;b"]
)
def test_an_odd_path_that_stays_below_is_permitted(path):
    assert permits(("https://api.example.com/v1",), f"https://api.example.com{path}?q=/../x#y")


@pytest.mark.parametrize("url", [url for pattern, url in MATCHES + DIFFERS])
@pytest.mark.parametrize("urls", [("https://api.example.com/v1",), ("https://*.example.com",)])
def test_a_list_permits_what_one_of_its_patterns_matches(urls, url):
    listed = (*urls, "https://other.example")
    assert permits(listed, url) is any(parse_pattern(text).matches(url) for text in listed)


@given(
    st.sampled_from(["https://", "HTTPS://", "wss://", "http://", "https:/", ""]),
    st.sampled_from(["api.example.com", "u@api.example.com", "b.example", "api.example.com:443"]),
    st.text(alphabet="/?#:@.v1a%2e\\;", max_size=16),
)
def test_a_list_and_its_patterns_never_differ(scheme, host, rest):
    url = scheme + host + rest
    for text in ("https://api.example.com/v1", "https://api.example.com", "http://b.example/v1/a"):
        assert permits((text,), url) is parse_pattern(text).matches(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://a@api.example.com@evil.example/",
        "https://api.example.com@a@evil.example/",
        "https://api.example.com:443@evil.example/",
        "https://evil.example@api.example.com@/",
        "https://user@evil.example\\@api.example.com/",
        "https://evil.example[@api.example.com/",
        "https://evil.example\\@api.example.com/",
    ],
)
def test_a_user_name_is_cut_off_at_the_last_at_sign(url):
    assert not parse_pattern("https://api.example.com").matches(url)


@given(st.text())
def test_no_text_breaks_anything(text):
    assert parse_pattern("https://api.example.com/v1").matches(text) is False
    assert isinstance(
        parse_pattern("https://api.example.com/v1").matches("https://api.example.com/v1/" + text),
        bool,
    )
    for url in (text, "https://" + text):
        with suppress(ValueError):
            parse_pattern(url)


def registration(*urls):
    return ClientRegistration(
        registration_id="my-client", provider=ProviderDetails(name="p"), client_id="id", urls=urls
    )


@pytest.mark.parametrize(
    ("home", "url", "carries"),
    [
        ("https://a.example/x", "https://a.example/y", True),
        ("https://a.example/x", "https://A.example:443/y", True),
        ("https://a.example/x", "http://a.example/x", False),
        ("https://a.example/x", "https://a.example:444/x", False),
        ("https://a.example/x", "https://b.a.example/x", False),
        ("http://localhost/x", "https://localhost/x", False),
        ("http://localhost:80/x", "http://localhost/y", True),
        ("http://127.9.9.9/x", "http://127.9.9.9/y", True),
        ("http://[::1]/x", "http://[::1]/y", True),
    ],
)
def test_without_urls_a_token_stays_with_its_origin(home, url, carries):
    assert may_send_token(registration(), url, home) is carries


@pytest.mark.parametrize(
    "url", ["http://a.example/", "http://10.0.0.1/", "http://localhost.example/", "http+unix://x/"]
)
def test_without_urls_a_token_goes_by_https_or_to_loopback(url):
    with pytest.raises(UrlNotAllowedError, match=r"registration\.my-client\.urls"):
        may_send_token(registration(), url, url)


def test_urls_may_name_plain_http():
    url = "http://api.internal.example/x"
    assert may_send_token(registration("http://api.internal.example"), url, url)


def test_an_origin_is_written_as_people_write_it():
    assert str(origin_of("HTTPS://Api.example.com.:443/x?y")) == "https://api.example.com"
    assert str(origin_of("http://[0::1]:8080")) == "http://[::1]:8080"
