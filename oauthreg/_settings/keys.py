"""Keys and certificates of the settings; apart, because reading them takes cryptography."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from oauthreg._dpop import Prover
from oauthreg._files import SECRET_SIZE, read_file
from oauthreg._secret_values import FileSecret
from oauthreg._signing_keys import FileBytes, KeySource, SecretBytes, generated_key
from oauthreg._signing_keys.certificates import certificates_in, leaf, thumbprint

if TYPE_CHECKING:
    from pathlib import Path

    from oauthreg._flow import ClientCertificate
    from oauthreg._secret_values import SecretSource
    from oauthreg._settings.models import RegistrationSettings


def key_source(
    source: SecretSource, passphrase: SecretSource | None, settings: RegistrationSettings
) -> KeySource:
    """Return the private key of a registration, read once if it is on this machine.

    Raises:
        SecretReadError: it cannot be read, opened or used.
    """
    content = FileBytes(source.path) if isinstance(source, FileSecret) else SecretBytes(source)
    certificate = settings.certificate_file
    key = KeySource(
        content,
        passphrase=passphrase,
        algorithm=settings.signing_algorithm,
        key_id=settings.key_id,
        certificate=FileBytes(certificate) if certificate else None,
    )
    if key.local:
        key.read()
    return key


def prover(path: Path | None) -> Prover:
    """Return the maker of DPoP proofs, with a new key unless a file keeps it.

    Raises:
        SecretReadError: the file holds no key that signs.
    """
    if path is None:
        return Prover(generated_key(), lasting=False)
    return Prover(KeySource(FileBytes(path)).read())


def checked_certificate(certificate: ClientCertificate) -> ClientCertificate:
    """Return a client certificate, with its thumbprint, that is in its time and fits its key.

    Raises:
        OSError: a file cannot be read.
        ValueError: what is wrong with it.
    """
    files = certificate.certificate_file, certificate.key_file
    content, key_content = (read_file(file, SECRET_SIZE) for file in files)
    try:
        chain = certificates_in(content)
    except ValueError as error:
        raise ValueError(f"{certificate.certificate_file}: {error}") from None
    if not chain:
        raise ValueError(f"{certificate.certificate_file}: is no PEM certificate")
    try:
        key = load_pem_private_key(key_content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(f"{certificate.key_file}: is no unencrypted PEM private key") from None
    found = leaf(chain, key.public_key())
    if found is None:
        raise ValueError("the private key is not the certificate's")
    now = datetime.now(UTC)
    if now > found.not_valid_after_utc:
        raise ValueError(f"the certificate expired on {found.not_valid_after_utc:%Y-%m-%d}")
    if now < found.not_valid_before_utc:
        raise ValueError(
            f"the certificate is not valid until {found.not_valid_before_utc:%Y-%m-%d}"
        )
    return replace(certificate, thumbprint=thumbprint(found))
