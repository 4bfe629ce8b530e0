from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthreg.stores._redis_url import SCHEMES, parsed


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://host", {"kind": "server", "hosts": (("host", 6379),)}),
        ("rediss://host:1/2", {"tls": True, "hosts": (("host", 1),), "database": 2}),
        ("redis://:pw@host", {"password": "pw"}),
        ("redis://user@host", {"username": "user", "password": None}),
        ("redis://u%40x:p%2Fw%3A@host/", {"username": "u@x", "password": "p/w:"}),
        ("redis://u:p@w@host", {"username": "u", "password": "p@w"}),
        ("redis://[::1]:7000/1", {"hosts": (("::1", 7000),), "database": 1}),
        ("redis://[::1]", {"hosts": (("::1", 6379),)}),
        ("REDIS://Host", {"hosts": (("Host", 6379),)}),
        ("unix:///run/a%20b.sock", {"path": "/run/a b.sock", "hosts": ()}),
        ("unix://:pw@/run/x.sock?db=3", {"path": "/run/x.sock", "password": "pw", "database": 3}),
        (
            "redis+sentinel://u:p@h1,h2:1/name/4",
            {"kind": "sentinel", "hosts": (("h1", 26379), ("h2", 1)), "service": "name"}
            | {"database": 4, "username": "u", "password": "p"},
        ),
        (
            "rediss+sentinel://h/name?sentinel_password=x&sentinel_username=y",
            {"tls": True, "sentinel_password": "x", "sentinel_username": "y", "database": 0},
        ),
        ("redis+cluster://h1,h2:7", {"kind": "cluster", "hosts": (("h1", 6379), ("h2", 7))}),
    ],
)
def test_an_address_is_read(url, address):
    found = parsed(url)
    assert {name: getattr(found, name) for name in address} == address


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "must begin with"),
        ("http://host", "must begin with redis://"),
        ("redis:host", "must begin with"),
        ("redis://", "has no host"),
        ("redis://:pw@", "has no host"),
        ("redis://host/abc", "by its number"),
        ("redis://host/0/1", "only the database's number"),
        ("redis://host:port", "host or port"),
        ("redis://host:70000", "host or port"),
        ("redis://h1,h2", "redis+sentinel://"),
        ("redis://host?ssl_cert_reqs=none", "a parameter that is not known; these are: none"),
        ("redis://host?sentinel_password=x", "these are: none"),
        ("redis+sentinel://host/name?db=1", "these are: sentinel_username, sentinel_password"),
        ("unix:///run/x?x=1", "these are: db"),
        ("redis://u:12/s3cret@host", "%2F"),
        ("redis://u:12?s3cret@host", "%3F"),
        ("redis://u:12#s3cret@host", "%23"),
        ("redis://u:s3\0cret@host", "invisible"),
        ("redis://host:\u0663", "host or port"),
        ("redis://host/\u0663", "by its number"),
        ("redis://[::1", "is no address"),
        ("redis+sentinel://h1", "name the service"),
        ("redis+sentinel:///name", "has no host"),
        ("redis+cluster://h1/2", "a cluster has only 0"),
        ("redis+cluster://h1,,h2", "host or port"),
        ("unix://", "path of a socket"),
        ("unix:///run/x?db=a", "by its number"),
    ],
)
def test_what_is_no_address_is_refused(url, words):
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        parsed(url)
    assert "s3cret" not in str(caught.value)


@given(st.sampled_from(SCHEMES), st.text(max_size=30))
def test_no_text_raises_anything_else_or_is_shown(scheme, rest):
    shown = []
    try:
        found = parsed(f"{scheme}://user:s3cret@{rest}")
        shown += [found.place, repr(found)]
    except ValueError as error:
        shown += [str(error)]
    assert "s3cret" not in "".join(shown)


def test_it_says_where_it_is_without_credentials():
    assert parsed("redis+cluster://u:pw@h1,h2:7").place == "h1:6379, h2:7"
    assert parsed("redis://[::1]:7").place == "[::1]:7"
    assert parsed("unix://:pw@/run/x.sock").place == "/run/x.sock"


def test_its_repr_shows_neither_user_nor_password():
    url = "redis+sentinel://uno:due@h/name?sentinel_username=tre&sentinel_password=quattro"
    shown = repr(parsed(url))
    assert not [word for word in ("uno", "due", "tre", "quattro") if word in shown]
