"""Keys and certificates of the real servers and their clients, made anew for every run.

`make(folder)` writes, all of it unencrypted and short-lived:

    ca.pem                          the authority that the servers and `client.pem` come from
    server.pem, server-key.pem      for 127.0.0.1, ::1 and localhost
    client.pem, client-key.pem      subject CLIENT_SUBJECT, for tls_client_auth
    self-signed.pem, -key.pem       known only by its thumbprint, for self_signed_tls_client_auth
    rsa.pem, ec.pem, ed25519.pem    private keys (PKCS#8), for private_key_jwt
    <each key>.jwks.json            its public half, as a client registers it
    issuer.pem, issuer.jwks.json    the key of somebody who issues jwt-bearer assertions
"""

import base64
import datetime as dt
import ipaddress
import json
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc import jwk

AUTHORITY_SUBJECT = "CN=oauthreg test authority,O=oauthreg tests"
CLIENT_SUBJECT = "CN=mtls-client,O=oauthreg tests"
ALGORITHMS = {"rsa": "RS256", "ec": "ES256", "ed25519": "EdDSA"}


def make(folder):
    """Write every file listed above into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    ca_key, ca = _authority()
    _write_certificate(folder, "ca", ca)
    for name, subject, usage in (
        ("server", _name("127.0.0.1"), ExtendedKeyUsageOID.SERVER_AUTH),
        ("client", _name("mtls-client"), ExtendedKeyUsageOID.CLIENT_AUTH),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _sign(subject, key, ca.subject, ca_key, usage)
        _write_certificate(folder, name, certificate, key)

    lone_key = ec.generate_private_key(ec.SECP256R1())
    subject = _name("self-signed")
    lone = _sign(subject, lone_key, subject, lone_key, ExtendedKeyUsageOID.CLIENT_AUTH)
    _write_certificate(folder, "self-signed", lone, lone_key)
    chain = base64.b64encode(lone.public_bytes(serialization.Encoding.DER)).decode()
    _write_jwks(folder, "self-signed", lone_key, x5c=[chain])

    for name, key in (
        ("rsa", rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        ("ec", ec.generate_private_key(ec.SECP256R1())),
        ("ed25519", ed25519.Ed25519PrivateKey.generate()),
        ("issuer", ec.generate_private_key(ec.SECP256R1())),
    ):
        (folder / f"{name}.pem").write_bytes(_private(key))
        _write_jwks(folder, name, key, use="sig")
    return folder


def key_id(folder, name):
    """The `kid` under which the public half of a key is registered."""
    return json.loads((folder / f"{name}.jwks.json").read_text())["keys"][0]["kid"]


def registered_jwks(folder, name, algorithm):
    """The public half of a key as text, bound to one algorithm."""
    keys = json.loads((folder / f"{name}.jwks.json").read_text())["keys"]
    return json.dumps({"keys": [{**key, "alg": algorithm} for key in keys]})


def public_pem(folder, name):
    """The public half of a key as PEM."""
    key = serialization.load_pem_private_key((folder / f"{name}.pem").read_bytes(), None)
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def _authority():
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name("oauthreg test authority")
    builder = _builder(subject, key, subject).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    builder = builder.add_extension(
        x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        ),
        critical=True,
    )
    return key, builder.sign(key, hashes.SHA256())


def _sign(subject, key, issuer, issuer_key, usage):
    names = [x509.DNSName("localhost")]
    names += [x509.IPAddress(ipaddress.ip_address(a)) for a in ("127.0.0.1", "::1")]
    builder = _builder(subject, key, issuer).add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    )
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
    )
    if usage is ExtendedKeyUsageOID.SERVER_AUTH:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _builder(subject, key, issuer):
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common_name):
    # Written from the general to the particular, so that RFC 4514 reads "CN=...,O=..."
    parts = [(NameOID.ORGANIZATION_NAME, "oauthreg tests"), (NameOID.COMMON_NAME, common_name)]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def _private(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write_certificate(folder, name, certificate, key=None):
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    if key is not None:
        (folder / f"{name}-key.pem").write_bytes(_private(key))


def _write_jwks(folder, name, key, **members):
    kind = {rsa.RSAPrivateKey: "RSA", ec.EllipticCurvePrivateKey: "EC"}
    key_type = next((word for class_, word in kind.items() if isinstance(key, class_)), "OKP")
    public = jwk.import_key(_private(key), key_type)
    entry = {**public.as_dict(private=False), "kid": public.thumbprint(), **members}
    (folder / f"{name}.jwks.json").write_text(json.dumps({"keys": [entry]}))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
