"""Client certificates on both managers: authentication, binding, aliases, rotation."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64encode
from shutil import copy

import pytest

from oauthreg import (
    AsyncAuthorizedClientManager,
    AuthorizedClientManager,
    InvalidTokenResponseError,
    TlsError,
    TokenEndpointError,
)
from oauthreg._signing_keys.certificates import certificates_in, thumbprint
from oauthreg.testing import AuthorizationServer, Fault


@pytest.fixture(scope="module")
def tls_server():
    with AuthorizationServer(tls=True, request_client_certificate=True) as server:
        yield server


@pytest.fixture(params=["threads", "asyncio"])
def authorize(request, tls_server):
    """Authorize by a registration with these settings, each call by the same manager."""
    ends = []

    def make(**table):
        settings = {
            "registration": {"app": table},
            "provider": {"p": {"issuer-uri": tls_server.issuer}},
            "http": {"default": {"ca-bundle": tls_server.ca_bundle}},
        }
        if request.param == "threads":
            manager = AuthorizedClientManager.from_settings(settings)
            ends.append(manager.close)
            return lambda **options: manager.authorize("app", **options)
        manager, runner = AsyncAuthorizedClientManager.from_settings(settings), asyncio.Runner()
        ends.extend([lambda: runner.run(manager.close()), runner.close])
        return lambda **options: runner.run(manager.authorize("app", **options))

    yield make
    for end in ends:
        end()


def certificate(paths) -> dict[str, str]:
    return {"certificate-file": str(paths[0]), "certificate-key-file": str(paths[1])}


def test_a_certificate_of_the_cas_authenticates_by_its_subject(authorize, tls_server):
    tls_server.add_client(
        "by-subject",
        client_authentication_methods=("tls_client_auth",),
        certificate_subject="CN=by-subject",
    )
    table = {
        "client-id": "by-subject",
        "client-authentication-method": "tls_client_auth",
        **certificate(tls_server.certificates.issue_client("CN=by-subject")),
    }
    authorize(**table)()
    wrong = certificate(tls_server.certificates.issue_client("CN=somebody-else"))
    with pytest.raises(TokenEndpointError, match="invalid_client"):
        authorize(**{**table, **wrong})()


def test_a_self_signed_certificate_authenticates_by_itself(authorize, tls_server):
    paths = tls_server.certificates.self_signed("CN=alone")
    tls_server.add_client(
        "self-signed",
        client_authentication_methods=("self_signed_tls_client_auth",),
        certificates=[paths[0]],
    )
    authorize(
        **{
            "client-id": "self-signed",
            "client-authentication-method": "self_signed_tls_client_auth",
            **certificate(paths),
        }
    )()


def test_a_token_is_bound_to_the_certificate_whatever_else_authenticates(authorize, tls_server):
    tls_server.add_client("bound", "a-secret", certificate_bound=True)
    paths = tls_server.certificates.issue_client("CN=bound")
    client = authorize(
        **{"client-id": "bound", "client-secret": "a-secret", **certificate(paths)}
    )()
    assert tls_server.token(client.access_token.token_value).cnf["x5t#S256"]


def test_the_aliases_of_the_metadata_are_followed(authorize, tls_server):
    tls_server.mtls_aliases = True
    try:
        tls_server.add_client(
            "aliased",
            client_authentication_methods=("tls_client_auth",),
            certificate_subject="CN=aliased",
        )
        authorize(
            **{
                "client-id": "aliased",
                "client-authentication-method": "tls_client_auth",
                **certificate(tls_server.certificates.issue_client("CN=aliased")),
            }
        )()
        assert tls_server.last_token_request.path.startswith("/mtls/")
    finally:
        tls_server.mtls_aliases = False


def test_a_rotated_certificate_is_used(authorize, tls_server, tmp_path):
    first = tls_server.certificates.self_signed("CN=first")
    second = tls_server.certificates.self_signed("CN=second")
    names = ("client.pem", "client-key.pem")
    for source, name in zip(first, names, strict=True):
        copy(source, tmp_path / name)
    tls_server.add_client(
        "rotates",
        client_authentication_methods=("self_signed_tls_client_auth",),
        certificates=[first[0], second[0]],
    )
    fetch = authorize(
        **{
            "client-id": "rotates",
            "client-authentication-method": "self_signed_tls_client_auth",
            **certificate([tmp_path / name for name in names]),
        }
    )
    fetch()
    before = tls_server.last_token_request.client_certificate
    for source, name in zip(second, names, strict=True):
        copy(source, tmp_path / name)
    fetch(force=True)
    assert tls_server.last_token_request.client_certificate != before


def bound_to(certificate_file):
    """The answer of a server that binds its tokens to this certificate."""
    chain = certificates_in(certificate_file.read_bytes())
    claims = {"cnf": {"x5t#S256": thumbprint(chain[0])}}
    parts = (b"{}", json.dumps(claims).encode(), b"signature")
    token = ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    return Fault(body={"access_token": token, "token_type": "Bearer", "expires_in": 300})


def test_a_token_is_bound_to_the_certificate_that_replaced_the_first(
    authorize, tls_server, tmp_path
):
    names = ("client.pem", "client-key.pem")
    pairs = [tls_server.certificates.self_signed(f"CN=pair-{number}") for number in range(2)]

    def put(pair):
        for source, name in zip(pair, names, strict=True):
            copy(source, tmp_path / name)

    put(pairs[0])
    tls_server.add_client("replaced", "a-secret")
    paths = certificate([tmp_path / name for name in names])
    app = {"client-id": "replaced", "client-secret": "a-secret", "certificate-bound-tokens": True}
    fetch = authorize(**app, **paths)
    try:
        for pair in pairs:
            put(pair)
            tls_server.inject(bound_to(pair[0]))
            fetch(force=True)
        tls_server.inject(bound_to(tls_server.certificates.self_signed("CN=stranger")[0]))
        with pytest.raises(InvalidTokenResponseError, match="bound to another certificate"):
            fetch(force=True)
    finally:
        tls_server.heal()


def test_a_certificate_that_is_broken_at_run_time_is_told(authorize, tls_server, tmp_path):
    paths = tls_server.certificates.issue_client("CN=broken")
    for source, name in zip(paths, ("client.pem", "client-key.pem"), strict=True):
        copy(source, tmp_path / name)
    tls_server.add_client("broken", "a-secret")
    fetch = authorize(
        **{
            "client-id": "broken",
            "client-secret": "a-secret",
            **certificate([tmp_path / "client.pem", tmp_path / "client-key.pem"]),
        }
    )
    (tmp_path / "client.pem").write_text("no longer a certificate")
    with pytest.raises(TlsError, match=r"client\.pem"):
        fetch()


def test_an_unknown_ca_is_told_with_the_setting_that_helps(tls_server, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    tls_server.add_client("app", "a-secret")
    settings = {
        "registration": {"app": {"client-id": "app", "client-secret": "a-secret"}},
        "provider": {"p": {"token-uri": tls_server.token_uri}},
    }
    with (
        AuthorizedClientManager.from_settings(settings) as manager,
        pytest.raises(TlsError, match=r"http\.default\.ca-bundle"),
    ):
        manager.authorize("app")
