"""What holds for the address of any store in a network."""

from __future__ import annotations

import re
from pathlib import Path

import certifi
import pytest

from oauthreg import ConfigurationError
from oauthreg.stores._address import check_form, checked_bundle, masked, tls_hint


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://u:a/s3cret@h", "%2F"),
        ("redis://u:a?s3cret@h", "%3F"),
        ("redis://u:a#s3cret@h", "%23"),
        ("postgresql+psycopg_async://u:a/s3cret@h", "%2F"),
        ("redis://u:s3cret@[h", "is no address"),
        ("redis://u:s3\0cret@h", "U+0000"),
        ("redis://u:s3\ncret@h", "a line end"),
    ],
)
def test_a_form_that_readers_understand_differently_is_refused(url, words):
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        check_form(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "no address", "unix:///run/x y?db=0", "redis://u:p@w@h:1/0", "mysql://h/d?a=b%40c"]
)
def test_other_forms_are_left_to_their_reader(url):
    check_form(url)


@pytest.mark.parametrize(
    ("url", "message", "shown"),
    [
        ("redis://me:p%2Fw@h", "me, p/w, p%2Fw, home", "*, *, *, home"),
        ("redis://:p@h", "p", "*"),
        ("mysql://h/d?user=me&password=x%2Fy", "user me, x/y", "user *, *"),
        ("mysql://h/d?passwd=x&sslpassword=y", "x y", "* *"),
        ("redis+sentinel://h/n?sentinel_username=me&sentinel_password=x", "me x n", "* * n"),
        ("redis://h/0", "it fails", "it fails"),
        ("redis://u:p@h", "at redis://u:p@h", "at *"),
        ("redis://a:ab@h", "abc ab a", "*c * *"),
    ],
)
def test_a_message_shows_neither_user_nor_password(url, message, shown):
    assert masked(message, url) == shown.replace("*", "*" * 10)


def test_a_file_without_roots_is_a_problem(tmp_path):
    assert checked_bundle(None) is None
    assert checked_bundle(Path(certifi.where())) == certifi.where()
    (tmp_path / "empty.pem").touch()
    for name in ("empty.pem", "missing.pem"):
        with pytest.raises(ConfigurationError, match=rf"store\.ca-bundle: .*{name} cannot be read"):
            checked_bundle(tmp_path / name)


@pytest.mark.parametrize(
    ("message", "bundle", "words"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] unable to get", None, "Name the roots"),
        ("SSL error: certificate verify failed", "ca.pem", "store.ca-bundle, ca.pem"),
        ('root certificate file "r.crt" does not exist', None, "Name the roots"),
        ("certificate verify failed: IP address mismatch", "ca.pem", ""),
        ("refused", "ca.pem", ""),
    ],
)
def test_an_error_of_tls_says_which_roots_were_used(message, bundle, words):
    hint = tls_hint(message, bundle)
    assert words in hint
    assert bool(hint) == bool(words)
