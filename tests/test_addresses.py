"""Every reader of addresses takes, refuses and normalises the same ones."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import urlsafe_b64decode
from ipaddress import IPv6Address
from urllib.parse import urlsplit

import httpx
import httpx2
import pytest
import requests
import yarl
from joserfc.jwk import ECKey
from pydantic import TypeAdapter
from urllib3.util import parse_url

from oauthreg import AuthorizedClientManager, BaseUrl, ConfigurationError, UrlNotAllowedError
from oauthreg._addresses import PORTS, origin_of, parse_proxy, parse_redirect
from oauthreg._cli.loopback import Loopback
from oauthreg._dpop import Prover
from oauthreg._errors import ConnectionFailedError
from oauthreg._registration import ClientRegistration, ProviderDetails
from oauthreg._settings.types import Address
from oauthreg._signing_keys.signing_key import SigningKey
from oauthreg._transports import address
from oauthreg._urls import parse_pattern
from oauthreg.auth._policy import may_send_token

SECURE = [  # as written, and the origin that is asked
    ("https://a.example/t", "https://a.example"),
    ("HTTPS://A.Example/t", "https://a.example"),
    ("https://a.example", "https://a.example"),
    ("https://a.example:443/t", "https://a.example"),
    ("https://a.example:/t", "https://a.example"),
    ("https://a.example:0443/t", "https://a.example"),
    ("https://a.example:8443/t", "https://a.example:8443"),
    ("https://a.example:80/t", "https://a.example:80"),
    ("https://a.example:65535/t", "https://a.example:65535"),
    ("https://a.example./t", "https://a.example"),
    ("https://ex_ample.com/t", "https://ex_ample.com"),
    ("https://xn--mnchen-3ya.example/t", "https://xn--mnchen-3ya.example"),
    ("https://münchen.example/t", "https://xn--mnchen-3ya.example"),
    ("https://MÜNCHEN.example/t", "https://xn--mnchen-3ya.example"),
    ("https://straße.example/t", "https://xn--strae-oqa.example"),
    ("https://faß.de/t", "https://xn--fa-hia.de"),
    ("https://ΑΣ.example/t", "https://xn--mxa0b.example"),
    ("https://a。example/t", "https://a.example"),
    ("https://ａ.example/t", "https://a.example"),  # noqa: RUF001 - full width
    ("https://10.0.0.1/t", "https://10.0.0.1"),
    ("https://[2001:DB8:0::1]/t", "https://[2001:db8::1]"),
    ("https://localhost/t", "https://localhost"),
    ("https://1a.example/t", "https://1a.example"),
    ("https://" + "a" * 63 + ".example/t", "https://" + "a" * 63 + ".example"),
    ("http://localhost/t", "http://localhost"),
    ("http://LOCALHOST:80/t", "http://localhost"),
    ("http://localhost:8080/t", "http://localhost:8080"),
    ("http://127.0.0.1/t", "http://127.0.0.1"),
    ("http://127.9.9.9:1/t", "http://127.9.9.9:1"),
    ("http://１２７.0.0.1/t", "http://127.0.0.1"),  # noqa: RUF001 - full width
    ("http://[::1]/t", "http://[::1]"),
    ("http://[0:0:0:0:0:0:0:1]:8080/t", "http://[::1]:8080"),
]
IN_THE_CLEAR = [
    ("http://a.example/t", "http://a.example"),
    ("http://10.0.0.1/t", "http://10.0.0.1"),
    ("http://128.0.0.1/t", "http://128.0.0.1"),
    ("http://0.0.0.0/t", "http://0.0.0.0"),
    ("http://[::]/t", "http://[::]"),
    ("http://[::2]/t", "http://[::2]"),
    ("http://[::ffff:127.0.0.1]/t", f"http://[{IPv6Address('::ffff:127.0.0.1')}]"),
    ("http://localhost.example/t", "http://localhost.example"),
    ("http://localhost.localdomain/t", "http://localhost.localdomain"),
    ("http://a.localhost/t", "http://a.localhost"),
    ("http://127.0.0.1.example/t", "http://127.0.0.1.example"),
]
NEVER = [
    *("", "/t", "//a.example/t", "https:/a.example", "https:a.example/t", "ftp://a.example/t"),
    *("file:///etc/passwd", "http+unix://a/t", "https://", "https:///t", "https://:443/t"),
    *("https://?x", "https://a.example:99999/t", "https://a.example:65536/t"),
    *("https://a.example:0/t", "https://a.example:x/t", "https://a.example:-1/t"),
    *("https://a.example:443:443/t", "https://a.example:４４３/t"),  # noqa: RUF001 - full width
    *("http://127.300.0.1/t", "http://127.1/t", "http://0x7f.1/t", "http://2130706433/t"),
    *("http://127.0.0.01/t", "http://127.0.0.1./t", "http://0/t", "https://1.2.3.4.5/t"),
    *("http://localhost./t", "https://localhost./t", "http://LocalHost.:8080/t"),
    *("https://a b.example/t", "https://a\t.example/t", "https://a.example\n/t"),
    *("https://a.example\x00/t", "https://a\u00a0.example/t"),
    *("https://{tenant}.example/t", "https://<domain>/t", "https://a>/", "https://${HOST}/t"),
    *("https://a.example\\@b.example/t", "https://a.example\\t", "https://a|b/t", 'https://"a"/t'),
    *("https://a..example/t", "https://.a.example/t", "https://-a.example/t", "https://a-.b/t"),
    *("https://a%2eexample/t", "https://a,b/t", "https://a;b/t", "https://a*/t"),
    *("https://" + "a" * 64 + ".example/t", "https://" + "a." * 127 + "a/t"),
    *("https://ü..example/t", "https://💩.example/t", "https://" + "ü" * 300 + "/t"),
    *("https://[::1/t", "https://[::zz]/t", "https://[::1]x/t", "https://[fe80::1%25eth0]/t"),
]
UNFIT = [  # an HTTP library encodes or drops these before it asks
    *("https://a\u200b.example/t", "https://a\u00ad.example/t"),
    *("https://a.example/a b", "https://a.example/\x7f", "https://a.example/\u200b", "https://a/{"),
    *("https://a.example/a\u00a0b", "https://a.example/\ud800", "https://a.example/${REALM}/t"),
    *("https://a.example/{{ x }}", "https://a.example/<realm>/t", "https://a.example/}"),
    *('https://a.example/"', "https://a.example/\\t", "https://a.example/t#part"),
]
CREDENTIALS = [
    "https://user@a.example/t",
    "https://user:planted@a.example/t",
    "https://@a.example/t",
    "http://planted@localhost/t",
    "https://b@a.example@c.example/t",
]


def registration():
    return ClientRegistration(
        registration_id="a", provider=ProviderDetails(name="p"), client_id="id"
    )


def settings(text):
    return transport(TypeAdapter(Address).validate_python(text))


def plugin(text):
    return transport(TypeAdapter(BaseUrl).validate_python(text))


def transport(text):
    return str(address.parse(text).origin)


def adapter(text):
    assert may_send_token(registration(), text, text)
    return proof(text)


def pattern(text):
    made = parse_pattern(text)
    assert made.matches(text)
    return str(made.origin)


def proof(text):
    prover = Prover(SigningKey(ECKey.generate_key("P-256"), "ES256"))
    jwt = prover.proof("GET", text, now=0, new_id=str, role="resource-server")
    claims = jwt.split(".")[1]
    htu = urlsplit(json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["htu"])
    return f"{htu.scheme}://{htu.netloc}"


READERS = [settings, plugin, transport, adapter, pattern, proof]
JUDGES = [settings, plugin, transport, adapter]
AT_LOAD = [settings, plugin, pattern]
REFUSALS = (ValueError, ConnectionFailedError, UrlNotAllowedError)


def verdict(reader, text):
    try:
        return reader(text)
    except REFUSALS:
        return None


@pytest.mark.parametrize(("text", "origin"), SECURE)
def test_all_readers_take_a_secure_address_for_the_same_origin(text, origin):
    assert {reader.__name__: verdict(reader, text) for reader in READERS} == {
        reader.__name__: origin for reader in READERS
    }


@pytest.mark.parametrize(("text", "origin"), IN_THE_CLEAR)
def test_all_readers_know_plain_http_off_loopback(text, origin):
    assert [verdict(reader, text) for reader in JUDGES] == [None] * 4
    assert [verdict(reader, text) for reader in (pattern, proof)] == [origin] * 2


@pytest.mark.parametrize("text", NEVER)
def test_what_can_never_be_asked_is_refused_by_all_readers(text):
    assert {reader.__name__: verdict(reader, text) for reader in READERS} == {
        reader.__name__: None for reader in READERS
    }


@pytest.mark.parametrize("text", UNFIT)
def test_what_no_address_has_is_refused_where_it_is_written(text):
    assert [verdict(reader, text) for reader in (*AT_LOAD, transport)] == [None] * 4


@pytest.mark.parametrize("text", CREDENTIALS)
def test_an_address_of_the_settings_carries_no_credentials(text):
    for reader in (*AT_LOAD, transport):
        with pytest.raises(REFUSALS) as caught:
            reader(text)
        assert "planted" not in str(caught.value).partition("input_value")[0]


@pytest.mark.parametrize("text", [text for text, _ in SECURE if text.startswith("http:")])
def test_a_login_returns_to_every_loopback_address(text):
    assert parse_redirect(text).origin.is_loopback


@pytest.mark.parametrize("text", ["http://localhost.:0/back", "http://127.1:0/back", *CREDENTIALS])
def test_a_login_returns_to_no_other_address(text):
    with Loopback(text) as here:
        assert here.redirect_uri == f"http://127.0.0.1:{here.port}/callback"


def asked_by_requests(text):
    url = requests.Request("GET", text).prepare().url
    parts = parse_url(url)
    return url, parts.host, parts.port


def asked_by_httpx(text):
    url = httpx.URL(text)
    return str(url), url.raw_host.decode(), url.port


def asked_by_httpx2(text):
    url = httpx2.URL(text)
    return str(url), url.raw_host.decode(), url.port


def asked_by_aiohttp(text):
    url = yarl.URL(text)
    return str(url), url.raw_host, url.port


LIBRARIES = [asked_by_requests, asked_by_httpx, asked_by_httpx2, asked_by_aiohttp]
ALL = [text for text, _ in SECURE + IN_THE_CLEAR] + NEVER + UNFIT + CREDENTIALS


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_http_library_connects_to_the_origin_that_was_judged(library):
    """Adapters judge the address as their library has it: both must see one host in it."""
    agreed = 0
    for text in ALL:
        try:
            url, host, port = library(text)
            judged = origin_of(url)
        except (ValueError, httpx.InvalidURL, httpx2.InvalidURL):
            continue  # nothing is sent
        host = host.strip("[]").removesuffix(".")
        assert judged.host == (str(IPv6Address(host)) if ":" in host else host.lower()), text
        assert judged.port == (port or PORTS[judged.scheme]), text
        agreed += 1
    assert agreed > len(SECURE)


def test_the_settings_say_in_words_what_can_never_be_asked():
    wrong = {
        "token-uri": "https://a.example:99999/t",
        "jwk-set-uri": "https://{tenant}.example/keys",
        "revocation-uri": "https://a.example/re voke",
        "introspection-uri": "https://me:planted@a.example/i",
    }
    with pytest.raises(ConfigurationError) as caught:
        AuthorizedClientManager.from_settings(
            {
                "provider": {"p": wrong},
                "http": {"default": {"proxy": "http://proxy:99999"}},
                "registration": {
                    "a": {
                        "client-id": "id",
                        "client-secret": "s",
                        "redirect-uri": "https://a.example:x/back",
                        "urls": ["https://127.300.0.1"],
                        "resource": "https://a.example/<id>",
                    }
                },
            }
        )
    said = {
        problem.path.rpartition(".")[2]: problem.message.partition("; it is ")[0]
        for problem in caught.value.problems
    }
    assert said == {
        "token-uri": "must have a port from 1 to 65535",
        "jwk-set-uri": "must not have {tenant} in it: write the value in its place",
        "revocation-uri": "must not have a blank in it",
        "introspection-uri": (
            "must not carry credentials: no user name or password before the host"
        ),
        "proxy": "must have a port from 1 to 65535",
        "redirect-uri": "must have a host, and nothing after it but a port and a path",
        "urls": "item 1 must have a host name, or an IPv4 address of four numbers from 0 to 255",
        "resource": "must not have <id> in it: write the value in its place",
    }


@pytest.mark.parametrize("text", ["http://u:p%40@proxy:3128", "https://proxy", "http://[::1]:1/"])
def test_a_proxy_may_have_credentials(text):
    assert parse_proxy(text).host in {"proxy", "::1"}


@pytest.mark.parametrize("text", ["http://pro xy:1", "http://proxy:1\n", "http://u:\x00@proxy:1"])
def test_a_proxy_has_no_blanks_or_control_characters(text):
    with pytest.raises(ValueError, match="blanks or control characters"):
        parse_proxy(text)


def test_idna_is_loaded_for_international_names_only():
    code = (
        "import sys; from oauthreg._addresses import parse\n"
        "parse('https://a.example/t'); assert 'idna' not in sys.modules\n"
        "parse('https://ü.example/t'); assert 'idna' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
