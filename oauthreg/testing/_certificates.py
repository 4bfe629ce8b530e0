"""A certificate authority of one's own, and what it signs, in a temporary folder."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable

SERVER_USAGE = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
CLIENT_USAGE = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
LIFETIME = dt.timedelta(days=7)


class CertificateAuthority:
    """Makes server and client certificates that its `ca_bundle` vouches for."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="oauthreg-testing-")
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._context: ssl.SSLContext | None = None
        self._clients = 0
        self._certificate = self._sign(
            _name("oauthreg test authority"), self._key, self._key, [], authority=True
        )
        self.ca_bundle = self._write("ca.pem", _pem(self._certificate))
        self._anchors = [_pem(self._certificate).decode()]

    def issue(self, name: str, alternative_names: Iterable[str] = ()) -> tuple[Path, Path]:
        """Make a certificate for `name`: the paths of its PEM file and of its key's."""
        extensions: list[x509.ExtensionType] = [CLIENT_USAGE]
        if names := [_alternative_name(text) for text in alternative_names]:
            extensions = [SERVER_USAGE, x509.SubjectAlternativeName(names)]
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(_name(name), key, self._key, extensions)
        return self._write_pair(name, certificate, key)

    def issue_client(self, subject: str) -> tuple[Path, Path]:
        """Make a client certificate for a distinguished name (RFC 4514): its path and its key's."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(_name(subject), key, self._key, [CLIENT_USAGE])
        return self._write_pair(self._next_name(), certificate, key)

    def self_signed(self, subject: str) -> tuple[Path, Path]:
        """Make a client certificate that nobody vouches for, and let it pass the handshake."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(_name(subject), key, key, [CLIENT_USAGE])
        self.admit(_pem(certificate).decode())
        return self._write_pair(self._next_name(), certificate, key)

    def admit(self, pem: str) -> None:
        """Let a client certificate of any issuer pass the handshake."""
        self._anchors.append(pem)
        if self._context:
            self._context.load_verify_locations(cadata=pem)

    def vouches_for(self, certificate: bytes, subject: str) -> bool:
        """Whether a certificate (DER) was issued here to this distinguished name."""
        shown = x509.load_der_x509_certificate(certificate)
        try:
            shown.verify_directly_issued_by(self._certificate)
        except (InvalidSignature, TypeError, ValueError):
            return False
        return shown.subject == _name(subject)

    def server_context(self, host: str, *, request_client_certificate: bool) -> ssl.SSLContext:
        """What a server at `host`, 127.0.0.1, ::1 or localhost needs to speak TLS."""
        certificate, key = self.issue(
            "server", dict.fromkeys((host, "127.0.0.1", "::1", "localhost"))
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if request_client_certificate:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(cadata="\n".join(self._anchors))
            self._context = context
        return context

    def close(self) -> None:
        """Remove the folder and all that is in it."""
        self._folder.cleanup()

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        issuer_key: ec.EllipticCurvePrivateKey,
        extensions: Iterable[x509.ExtensionType],
        *,
        authority: bool = False,
    ) -> x509.Certificate:
        """A certificate with all that VERIFY_X509_STRICT (RFC 5280, section 4.2) asks for."""
        now = dt.datetime.now(dt.UTC)
        public_key = key.public_key()
        constraints = x509.BasicConstraints(ca=authority, path_length=0 if authority else None)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if key is issuer_key else self._certificate.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + LIFETIME)
            .add_extension(constraints, critical=True)
            .add_extension(_key_usage(authority=authority), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(issuer, critical=False)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(issuer_key, hashes.SHA256())

    def _next_name(self) -> str:
        self._clients += 1
        return f"client-{self._clients}"

    def _write_pair(
        self, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
    ) -> tuple[Path, Path]:
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return self._write(f"{name}.pem", _pem(certificate)), self._write(f"{name}.key", secret)

    def _write(self, name: str, content: bytes) -> Path:
        path = Path(self._folder.name, name)
        path.write_bytes(content)
        return path


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    """What the key may sign: certificates, or a handshake."""
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    """A distinguished name; a text without `=` is its common name."""
    if "=" in text:
        return x509.Name.from_rfc4514_string(text)
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative_name(text: str) -> x509.GeneralName:
    with suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(text))
    return x509.DNSName(text)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
