from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthreg.stores._redis_url import SCHEMES, RedisAddress, parsed


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
        ("redis://host?ssl_cert_reqs=none", "ssl_cert_reqs"),
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
    with pytest.raises(ValueError, match=words.replace("+", r"\+").replace("?", r"\?")):
        parsed(url)


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
    assert parsed("unix://:pw@/run/x.sock").place == "/run/x.sock"
    both = parsed("redis+sentinel://:one@h/name?sentinel_password=two")
    assert both.secrets == ("one", "two")
    assert RedisAddress(kind="server").secrets == ()
