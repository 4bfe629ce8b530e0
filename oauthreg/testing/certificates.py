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
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LIFETIME = dt.timedelta(days=7)


class CertificateAuthority:
    """Makes server and client certificates that its `ca_bundle` vouches for."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="oauthreg-testing-")
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("oauthreg test authority")
        authority = x509.BasicConstraints(ca=True, path_length=0)
        certificate = self._sign(self._name, self._key.public_key(), {authority: True})
        self.ca_bundle = self._write("ca.pem", _pem(certificate))

    def issue(self, name: str, alternative_names: Iterable[str] = ()) -> tuple[Path, Path]:
        """Make a certificate for `name`: the paths of its PEM file and of its key's."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.CLIENT_AUTH
        extensions: dict[x509.ExtensionType, bool] = {}
        if names := [_alternative_name(text) for text in alternative_names]:
            usage = ExtendedKeyUsageOID.SERVER_AUTH
            extensions[x509.SubjectAlternativeName(names)] = False
        extensions[x509.ExtendedKeyUsage([usage])] = False
        certificate = self._sign(_name(name), key.public_key(), extensions)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return self._write(f"{name}.pem", _pem(certificate)), self._write(f"{name}.key", secret)

    def server_context(self, host: str, *, request_client_certificate: bool) -> ssl.SSLContext:
        """What a server at `host`, 127.0.0.1, ::1 or localhost needs to speak TLS."""
        certificate, key = self.issue(
            "server", dict.fromkeys((host, "127.0.0.1", "::1", "localhost"))
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if request_client_certificate:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(self.ca_bundle)
        return context

    def close(self) -> None:
        """Remove the folder and all that is in it."""
        self._folder.cleanup()

    def _sign(
        self,
        subject: x509.Name,
        public_key: ec.EllipticCurvePublicKey,
        extensions: Mapping[x509.ExtensionType, bool],
    ) -> x509.Certificate:
        """A certificate with these extensions, each critical or not."""
        now = dt.datetime.now(dt.UTC)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + LIFETIME)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(authority, critical=False)
        )
        for extension, critical in extensions.items():
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self._key, hashes.SHA256())

    def _write(self, name: str, content: bytes) -> Path:
        path = Path(self._folder.name, name)
        path.write_bytes(content)
        return path


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative_name(text: str) -> x509.GeneralName:
    with suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(text))
    return x509.DNSName(text)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
