from __future__ import annotations

import ssl
from base64 import b64encode
from contextlib import suppress

import pytest
import requests
from joserfc.jwk import ECKey

from oauthreg.testing import AuthorizationServer

SUBJECT = "CN=my-client,OU=Fleet,O=Example"


@pytest.fixture
def server():
    with AuthorizationServer(tls=True, request_client_certificate=True) as server:
        yield server


@pytest.fixture
def send(server):
    """Send a form by a connection of its own, with a certificate if there is a pair of files."""

    def send(uri=None, pair=None, **form):
        form = {"grant_type": "client_credentials", "client_id": "id", **form}
        cert = pair and tuple(map(str, pair))
        uri = uri or server.token_uri
        return requests.post(uri, form, cert=cert, verify=server.ca_bundle, timeout=5)

    return send


@pytest.fixture
def call(server):
    """Call the API by a connection of its own: the status."""

    def call(token, pair=None):
        headers = {"Authorization": f"Bearer {token}"}
        cert = pair and tuple(map(str, pair))
        options = {"headers": headers, "cert": cert, "verify": server.ca_bundle}
        return requests.get(server.api_uri, timeout=5, **options).status_code

    return call


def error(answer, status=401):
    assert answer.status_code == status
    return answer.json()["error"]


def test_tls_client_auth(server, send):
    server.add_client(
        "id", client_authentication_methods=["tls_client_auth"], certificate_subject=SUBJECT
    )
    authority = server.certificates
    assert send(pair=authority.issue_client(SUBJECT)).ok
    for pair in (
        None,
        authority.issue_client("CN=my-client"),
        authority.issue_client("my-client"),
        authority.self_signed(SUBJECT),
    ):
        assert error(send(pair=pair)) == "invalid_client"
    assert error(send(pair=authority.issue_client(SUBJECT), client_id="nobody")) == "invalid_client"


def test_a_plain_subject_is_a_common_name(server, send):
    server.add_client(
        "id", client_authentication_methods=["tls_client_auth"], certificate_subject="CN=plain"
    )
    assert send(pair=server.certificates.issue_client("plain")).ok


def test_self_signed_tls_client_auth(server, send):
    one, other, stranger = (server.certificates.self_signed("CN=same") for _ in range(3))
    server.add_client(
        "id",
        client_authentication_methods=["self_signed_tls_client_auth"],
        certificates=[one[0], other[0].read_text()],
    )
    assert send(pair=one).ok
    assert send(pair=other).ok
    assert error(send(pair=stranger)) == "invalid_client"
    assert error(send(pair=server.certificates.issue_client("CN=same"))) == "invalid_client"


def test_a_certificate_in_the_clients_keys(server, send):
    pair = server.certificates.self_signed("CN=same")
    der = ssl.PEM_cert_to_DER_cert(pair[0].read_text())
    key = ECKey.import_key(pair[1].read_bytes()).as_dict(private=False)
    server.add_client(
        "id",
        client_authentication_methods=["self_signed_tls_client_auth"],
        public_keys={"keys": [{**key, "x5c": [b64encode(der).decode()]}]},
    )
    assert send(pair=pair).ok


def test_a_certificate_of_somebody_else_passes_the_handshake_once_it_is_registered(server, send):
    with AuthorizationServer(tls=True) as elsewhere:
        pair = elsewhere.certificates.self_signed("CN=foreign")
        with pytest.raises(requests.ConnectionError):
            send(pair=pair)
        methods = ["self_signed_tls_client_auth"]
        server.add_client("id", client_authentication_methods=methods, certificates=[pair[0]])
        assert send(pair=pair).ok
        server.stop()
        server.start()
        assert send(pair=pair).ok


def test_a_bound_token_is_good_with_its_certificate_only(server, send, call):
    pair, other = (server.certificates.issue_client(SUBJECT) for _ in range(2))
    server.add_client("id", "secret", certificate_bound=True)
    token = send(pair=pair, client_secret="secret").json()["access_token"]
    assert server.token(token).cnf.keys() == {"x5t#S256"}
    assert [call(token, each) for each in (pair, other, None)] == [200, 401, 401]
    assert error(send(client_secret="secret"), 400) == "invalid_request"
    server.add_client("id", "secret")
    token = send(pair=pair, client_secret="secret").json()
    assert token["token_type"] == "Bearer"
    assert call(token["access_token"]) == 200


def test_aliases_are_where_a_certificate_counts(server, send, call):
    metadata = requests.get(server.metadata_uri, verify=server.ca_bundle, timeout=5).json()
    assert "tls_client_auth" in metadata["token_endpoint_auth_methods_supported"]
    assert metadata["tls_client_certificate_bound_access_tokens"] is True
    assert "mtls_endpoint_aliases" not in metadata
    server.add_client(
        "id",
        client_authentication_methods=["tls_client_auth"],
        certificate_subject=SUBJECT,
        certificate_bound=True,
    )
    pair = server.certificates.issue_client(SUBJECT)
    assert send(server.mtls_uri("token"), pair).status_code == 404
    server.mtls_aliases = True
    metadata = requests.get(server.metadata_uri, verify=server.ca_bundle, timeout=5).json()
    aliases = metadata["mtls_endpoint_aliases"]
    assert aliases["token_endpoint"] == server.mtls_uri("token") != server.token_uri
    assert aliases.keys() >= {"revocation_endpoint", "introspection_endpoint"}
    assert metadata["token_endpoint"] == server.token_uri
    assert error(send(pair=pair)) == "invalid_client"
    token = send(aliases["token_endpoint"], pair).json()["access_token"]
    assert call(token, pair) == 200
    assert send(aliases["introspection_endpoint"], pair, token=token).json()["cnf"]
    assert send(aliases["revocation_endpoint"], pair, token=token).ok
    assert call(token, pair) == 401
    assert [request.endpoint for request in server.requests_to("/mtls/token")] == ["", "token"]


def test_certificates_need_a_server_that_asks_for_them():
    server = AuthorizationServer(tls=True)
    for options in (
        {"client_authentication_methods": ["tls_client_auth"]},
        {"certificate_bound": True},
        {"certificates": ["x.pem"]},
    ):
        with pytest.raises(ValueError, match="request_client_certificate"):
            server.add_client("id", **options)


def test_strict_verification_accepts_what_the_authority_issues(server):
    """Python 3.13 asks for it by default (ssl.VERIFY_X509_STRICT), on both sides."""
    server.certificates.self_signed("CN=anchor")
    pairs = [server.certificates.issue_client(SUBJECT), server.certificates.self_signed(SUBJECT)]
    server_context = server.certificates.server_context(
        "127.0.0.1", request_client_certificate=True
    )
    server_context.verify_mode = ssl.CERT_REQUIRED
    for pair in pairs:
        client_context = ssl.create_default_context(cafile=server.ca_bundle)
        client_context.load_cert_chain(*pair)
        for context in (client_context, server_context):
            context.verify_flags |= ssl.VERIFY_X509_STRICT
        shown = handshake(client_context, server_context)
        assert ssl.DER_cert_to_PEM_cert(shown).strip() == pair[0].read_text().strip()


def handshake(client_context, server_context):
    """Let two contexts meet in memory: the client's certificate as the server got it (DER)."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(down, up, server_hostname="localhost")
    server = server_context.wrap_bio(up, down, server_side=True)
    for side in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    server.do_handshake()
    return server.getpeercert(binary_form=True)
