"""No value of a request is in an error, however the server spelt it."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest

from oauthreg._errors import AuthorizationError, TokenEndpointError
from oauthreg._protocol.scrub import scrubbed

SECRET = "P@ss <w\"rd>/\u00fc'&x1234+~"
SPELLINGS = {
    "as it is": SECRET,
    "upper case": SECRET.upper(),
    "percent": quote(SECRET, safe=""),
    "percent in lower case": quote(SECRET, safe="").lower(),
    "percent twice": quote(quote(SECRET, safe=""), safe=""),
    "a path": quote(SECRET),
    "a form": quote_plus(SECRET),
    "latin-1": quote(SECRET.encode("latin-1"), safe=""),
    "HTML": html.escape(SECRET),
    "HTML with numbers": html.escape(SECRET).replace("&#x27;", "&#39;"),
    "XML": html.escape(SECRET).replace("&quot;", "&#34;").replace("&#x27;", "&apos;"),
    "JSON": json.dumps(SECRET),
    "JSON as PHP": json.dumps(SECRET).replace("/", "\\/"),
    "JSON in UTF-8": json.dumps(SECRET, ensure_ascii=False),
    "Python": repr(SECRET),
    "base64": b64encode(SECRET.encode()).decode(),
    "base64url": urlsafe_b64encode(SECRET.encode()).decode(),
    "base64 of more": b64encode(f"id:{SECRET}&x".encode()).decode(),
    "base64url of more": urlsafe_b64encode(f"an:{SECRET}".encode()).decode(),
    "base64, in a form": quote_plus(b64encode(SECRET.encode())),
    "hex": SECRET.encode().hex(),
    "hex with colons": SECRET.encode().hex(":"),
    "decimal entities": "".join(f"&#{ord(char)};" for char in SECRET),
    "hexadecimal entities": "".join(f"&#x{ord(char):X};" for char in SECRET),
    "named entities": SECRET.replace("&", "&amp;").replace("\u00fc", "&uuml;"),
    "every byte in percent": "".join(f"%{byte:02X}" for byte in SECRET.encode()),
    "percent of old JavaScript": "".join(f"%u{ord(char):04x}" for char in SECRET),
    "JSON as .NET": re.sub(r"\W", lambda char: f"\\u{ord(char[0]):04X}", SECRET),
    "JSON in JSON": json.dumps(json.dumps(SECRET)),
    "percent in HTML": html.escape(quote(SECRET)),
    "HTML in JSON": json.dumps(html.escape(SECRET)),
    "JavaScript": "".join(f"\\u{{{ord(char):x}}}" for char in SECRET),
    "octal": "".join(f"\\{byte:03o}" for byte in SECRET.encode()),
    "bytes of Python": repr(SECRET.encode()),
    "a shell": re.sub(r"(\W)", r"\\\1", SECRET),
    "UTF-16, misread": "\0".join(SECRET),
    "with line ends": SECRET[:9] + "\n" + SECRET[9:],
    "its middle": SECRET[3:-3],
    "misread": SECRET.encode().decode("cp1252"),
    "its beginning": SECRET[:11],
    "its end": SECRET[-11:],
    "its beginning, in a form": quote_plus(SECRET)[:14],
}


def refused(words, **fields):
    return TokenEndpointError(
        f"the token endpoint answered 400 x ({words})",
        status=400,
        error="x",
        error_description=words,
        **fields,
    )


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_of_a_value_is_masked(spelling):
    error = scrubbed(refused(f"bad {spelling} here"), (SECRET,))
    for text in (error.message, error.error_description, str(error), *error.args):
        assert "***" in text
        assert not any(part in text for part in ("P@ss", "p@ss", "1234", "rd%3", "rd>", "rd&gt"))


def test_a_value_that_the_end_of_a_text_cuts_is_masked():
    error = scrubbed(refused("bad P@ss..."), (SECRET,))
    assert error.error_description == "bad ***..."


def test_the_longest_value_is_masked_whole():
    error = scrubbed(refused("a secret-long, a secret"), ("secret", "secret-long"))
    assert error.error_description == "a ***, a ***"


def test_a_short_value_is_masked_where_it_stands_alone():
    error = scrubbed(refused("ab, tab, (ab) and abba"), ("ab",))
    assert error.error_description == "***, tab, (***) and abba"


def test_our_own_text_is_not_masked_in_part():
    error = AuthorizationError("check my-client-secret-file", hint="client-secret")
    clean = scrubbed(error, ("my-client-secret",))
    assert (clean.message, clean.hint) == ("check ***-file", "client-secret")


def test_who_asked_for_what_stays():
    error = refused("no", registration_id="secret", provider="secret", asked_for="secret")
    clean = scrubbed(error, ("secret", ""))
    assert (clean.registration_id, clean.provider, clean.asked_for) == ("secret",) * 3
    assert (clean.status, clean.retryable) == (400, False)


def test_a_text_without_a_value_stays_as_it_is():
    error = refused("nothing of it", hint="Look.", endpoint="https://as.example/token")
    assert vars(scrubbed(error, (SECRET,))) == vars(error)


def test_of_an_answer_a_plugin_is_shown_what_is_short_without_values():
    deep = current = []
    for _ in range(900):
        current.append([])
        current = current[0]
    fields = {"a": [SECRET, 5], "long": "y" * 900_000, "many": ["x" * 99] * 60_000, "deep": deep}
    clean = scrubbed(refused("no", fields=fields, headers={"x": SECRET}), (SECRET,))
    assert clean.fields["a"] == ["***", 5]
    assert sum(map(len, [clean.fields["long"], *clean.fields["many"]])) < 5_000
    assert str(clean.fields["deep"]).count("[") < 30
    assert "P@ss" not in str(clean.headers)
