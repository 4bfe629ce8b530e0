"""Keys and certificates of the settings; apart, because reading them takes cryptography."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from oauthreg._dpop import Prover
from oauthreg._secret_values import FileSecret
from oauthreg._signing_keys.certificates import CurrentThumbprint, own_certificate, thumbprint
from oauthreg._signing_keys.keys import generated_key
from oauthreg._signing_keys.sources import FileBytes, KeySource, SecretBytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from oauthreg._flow import ClientCertificate
    from oauthreg._secret_values import SecretSource
    from oauthreg._settings.models import RegistrationSettings


def key_source(
    source: SecretSource,
    passphrase: SecretSource | None,
    settings: RegistrationSettings,
    key_id: SecretSource | None = None,
    *,
    header: Sequence[str],
) -> KeySource:
    """Return the private key of a registration, read once if it is on this machine.

    Args:
        source: Where it is.
        passphrase: Where what opens it is.
        settings: The registration's settings.
        key_id: Where its id is, if that is read anew with it.
        header: What assertions name it by.

    Raises:
        SecretReadError: it cannot be read, opened or used.
    """
    content = FileBytes(source.path) if isinstance(source, FileSecret) else SecretBytes(source)
    certificate = settings.assertion_certificate_file or settings.certificate_file
    key = KeySource(
        content,
        passphrase=passphrase,
        algorithm=settings.signing_algorithm,
        key_id=settings.key_id or key_id,
        certificate=FileBytes(certificate) if certificate else None,
        header=header,
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
    found = own_certificate(*files)
    now = datetime.now(UTC)
    if now > found.not_valid_after_utc:
        raise ValueError(f"the certificate expired on {found.not_valid_after_utc:%Y-%m-%d}")
    if now < found.not_valid_before_utc:
        raise ValueError(
            f"the certificate is not valid until {found.not_valid_before_utc:%Y-%m-%d}"
        )
    return replace(certificate, thumbprint=thumbprint(found), current=CurrentThumbprint(*files))
