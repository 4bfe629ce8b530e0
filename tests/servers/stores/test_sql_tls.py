"""Databases by TLS: which roots vouch for them, and for which name."""

from __future__ import annotations

import contextlib

import pytest

from oauthreg import StoreError
from oauthreg._secret_values import LiteralSecret, Secret
from oauthreg.stores._sql import SqlStore
from oauthreg.testing._certificates import CertificateAuthority


@pytest.fixture
def authorities():
    with contextlib.ExitStack() as stack:
        made = [CertificateAuthority() for _ in range(2)]
        for one in made:
            stack.callback(one.close)
        yield made


@pytest.fixture(params=["postgres", "mariadb"])
def address(request, authorities, certified, proxy):
    """`address(host)`: that of a server with a certificate of the first authority."""
    files = authorities[0].issue("localhost", ["localhost"])
    certificate, key = certified(*files, user=request.param.replace("mariadb", "mysql"))
    start = request.getfixturevalue(request.param)
    if request.param == "mariadb":
        server = start(f"--ssl-cert={certificate}", f"--ssl-key={key}")
        port = proxy(str(server.socket)).port
        return lambda host: f"mysql://root@{host}:{port}/test"
    options = ("ssl=on", f"ssl_cert_file={certificate}", f"ssl_key_file={key}")
    server = start(*(word for one in options for word in ("-c", one)), tcp=True)
    return lambda host: f"postgresql://postgres@{host}:{server.port}/postgres"


def loaded(url, bundle):
    store = SqlStore(LiteralSecret(Secret(url)), prefix="p", timeout=5, ca_bundle=str(bundle))
    with contextlib.closing(store):
        return store.load(["a"])


def test_a_server_is_checked_by_the_roots_that_are_named(address, authorities):
    ours, other = (one.ca_bundle for one in authorities)
    assert loaded(address("localhost"), ours).now.time
    with pytest.raises(StoreError, match=f"checked by the roots of store.ca-bundle, {other}"):
        loaded(address("localhost"), other)
    with pytest.raises(StoreError, match="match") as caught:
        loaded(address("127.0.0.1"), ours)
    assert "store.ca-bundle" not in str(caught.value), "the roots are right"


def test_a_server_without_tls_is_not_used_where_roots_are_named(shared_mariadb, authorities, proxy):
    port = proxy(str(shared_mariadb.socket)).port
    with pytest.raises(StoreError, match="SSL is required"):
        loaded(f"mysql://root@127.0.0.1:{port}/test", authorities[0].ca_bundle)
