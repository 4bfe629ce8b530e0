"""Keys, certificates and other files that a registration names, made for the tests."""

from __future__ import annotations

import atexit
import datetime as dt
import os
import tempfile
from functools import cache
from itertools import count
from pathlib import Path
from shutil import rmtree

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

_numbers = count(1)
ASSERTION = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJraXQifQ.a-signature-of-the-kit"


@cache
def private_key(kind: str = "RSA") -> str:
    """Return a private key as PEM text, the same one each time: `RSA` (2048 bits) or `P-256`."""
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if kind == "RSA":
        key = rsa.generate_private_key(65537, 2048)
    else:
        key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@cache
def certificate(kind: str = "RSA") -> str:
    """Return a self-signed certificate of `private_key(kind)` as PEM text."""
    key = load_pem_private_key(private_key(kind).encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)  # noqa: S101 - of the two kinds
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "oauthreg kit")])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=7))
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


@cache
def key_file(kind: str = "RSA") -> str:
    """Return the path of a file with `private_key(kind)`, for `private-key-file` and the like."""
    return text_file(private_key(kind))


@cache
def certificate_file(kind: str = "RSA") -> str:
    """Return the path of a file with `certificate(kind)`, for `certificate-file`."""
    return text_file(certificate(kind))


@cache
def assertion_file() -> str:
    """Return the path of a file with an assertion that somebody else signed."""
    return text_file(ASSERTION)


@cache
def text_file(text: str) -> str:
    """Return the path of a file with this text; it goes away with the process."""
    path = Path(_folder(os.getpid()), f"file-{next(_numbers)}")
    path.touch(0o600)
    path.write_text(text, "utf-8")
    return str(path)


@cache
def _folder(pid: int) -> str:
    folder = tempfile.mkdtemp(prefix="oauthreg-kit-")

    def remove() -> None:
        if os.getpid() == pid:
            rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder
