"""The embedded authorization server, with the clients that the real servers have."""

import contextlib
import json

import certificates
import records
from form_browser import CALLBACK

from oauthreg.testing import AuthorizationServer

ISSUER = "https://issuer.example.com"
RESOURCE = "https://api.example.com/orders"
SUBJECT = "CN=mtls-client,O=oauthreg tests"
URN = "urn:ietf:params:oauth:grant-type:"
EVERY_GRANT = (
    "client_credentials",
    "refresh_token",
    "authorization_code",
    "password",
    f"{URN}device_code",
    f"{URN}token-exchange",
    f"{URN}jwt-bearer",
)
METHODS = {
    "basic": "client_secret_basic",
    "post": "client_secret_post",
    "none": "none",
    "secret-jwt": "client_secret_jwt",
    "key-rsa": "private_key_jwt",
    "key-ec": "private_key_jwt",
    "key-ed25519": "private_key_jwt",
    "mtls": "tls_client_auth",
    "mtls-self-signed": "self_signed_tls_client_auth",
    "dpop": "client_secret_basic",
    "dpop-nonce": "client_secret_basic",
    "web": "client_secret_basic",
}


@contextlib.contextmanager
def start(folder):
    """Run it in this process, with fresh keys in `folder`; gives a `Server` as the others do."""
    certificates.make(folder)
    with AuthorizationServer(
        tls=True,
        request_client_certificate=True,
        require_dpop_nonce=True,
        device_interval=1,
        metadata_overrides={"authorization_details_types_supported": ["payment"]},
    ) as running:
        running.add_user("alice", "password")
        running.trust_issuer(ISSUER, _public(folder, "issuer"))
        yield records.Server(
            issuer=running.issuer,
            token_uri=running.token_uri,
            introspection_uri=running.introspection_uri,
            revocation_uri=running.revocation_uri,
            device_authorization_uri=running.device_authorization_uri,
            pushed_authorization_request_uri=running.pushed_authorization_request_uri,
            authorization_uri=running.authorization_uri,
            mtls_issuer=running.issuer,
            mtls_token_uri=running.token_uri,
            ca_bundle=running.ca_bundle,
            clients={name: _add(running, folder, name) for name in METHODS},
            extra={
                "user": {"username": "alice", "password": "password"},
                "resources": [RESOURCE],
                "assertion": {
                    "issuer": ISSUER,
                    "subject": "alice",
                    "key_file": str(folder / "issuer.pem"),
                    "algorithm": "ES256",
                },
            },
        )


def _add(running, folder, name):
    method = METHODS[name]
    key = name.removeprefix("key-") if name.startswith("key-") else None
    secret = f"{name}-{'s' * 32}" if method.startswith("client_secret_") else None
    pair = None
    if method == "tls_client_auth":
        pair = running.certificates.issue_client(SUBJECT)
    elif method == "self_signed_tls_client_auth":
        pair = running.certificates.self_signed(SUBJECT)
    running.add_client(
        name,
        secret,
        client_authentication_methods=(method,),
        grants=EVERY_GRANT,
        redirect_uris=(CALLBACK,),
        public_keys=_public(folder, key) if key else None,
        certificate_subject=SUBJECT if name == "mtls" else None,
        certificates=pair[:1] if name == "mtls-self-signed" else (),
        certificate_bound=pair is not None,
        dpop_bound=name.startswith("dpop"),
    )
    algorithm = "HS256" if method == "client_secret_jwt" else certificates.ALGORITHMS.get(key)
    return records.Client(
        client_id=name,
        method=method,
        client_secret=secret,
        key_file=str(folder / f"{key}.pem") if key else None,
        key_id=certificates.key_id(folder, key) if key else None,
        algorithm=algorithm,
        certificate_file=str(pair[0]) if pair else None,
        certificate_key_file=str(pair[1]) if pair else None,
    )


def _public(folder, name):
    return json.loads((folder / f"{name}.jwks.json").read_text())
