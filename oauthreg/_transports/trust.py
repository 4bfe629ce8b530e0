"""TLS contexts for every library: the trusted roots, and the client certificate to show."""

from __future__ import annotations

import os
import ssl
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

import certifi

from oauthreg._errors import TlsError
from oauthreg._transports.shortage import shortage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oauthreg._flow import ClientCertificate
    from oauthreg._registration import HttpProfile

_State = tuple[tuple[int, int], ...]  # time and size of a certificate's files when they were read
_MISMATCH = {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"}  # of the first certificate with the key
VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


def roots(profile: HttpProfile) -> tuple[Path, str]:
    """Return the file or folder of trusted roots, and the setting that names it."""
    if profile.ca_bundle:
        return Path(profile.ca_bundle), f"http.{profile.name}.ca-bundle"
    for name in VARIABLES:
        if os.environ.get(name):
            return Path(os.environ[name]), name
    return Path(certifi.where()), "certifi"


class Trust:
    """The TLS contexts of one http profile: one for each client certificate.

    The trusted roots are read once, a client certificate again when one of its files changed.
    """

    def __init__(self, profile: HttpProfile) -> None:
        self._profile = profile
        self._known: dict[ClientCertificate | None, tuple[_State, ssl.SSLContext]] = {}

    def context(self, certificate: ClientCertificate | None, endpoint: str) -> ssl.SSLContext:
        """Return the context for a certificate as it is now.

        Raises:
            TlsError: a file cannot be read, or does not hold what it should.
        """
        state = _state(certificate, endpoint)
        known = self._known.get(certificate)
        if known is None or known[0] != state:
            known = state, _read(self._profile, certificate, endpoint)
            self._known[certificate] = known
        return known[1]

    def without_reading(self, certificate: ClientCertificate | None) -> ssl.SSLContext | None:
        """Return the context if no file need be looked at for it, else None."""
        known = self._known.get(None) if certificate is None else None
        return known[1] if known is not None else None

    def is_current(self, context: ssl.SSLContext | None) -> bool:
        """Whether a context is up to date; none at all is for requests in the clear."""
        return context is None or any(context is known for _, known in list(self._known.values()))


def _state(certificate: ClientCertificate | None, endpoint: str) -> _State:
    if certificate is None:
        return ()
    with _reading(_shown(certificate), endpoint):
        stats = [path.stat() for path in (certificate.certificate_file, certificate.key_file)]
    return tuple((stat.st_mtime_ns, stat.st_size) for stat in stats)


def _read(
    profile: HttpProfile, certificate: ClientCertificate | None, endpoint: str
) -> ssl.SSLContext:
    path, setting = roots(profile)
    with _reading(f"the file of trusted roots {path} (named by {setting})", endpoint):
        file, folder = (None, path) if path.is_dir() else (path, None)
        context = ssl.create_default_context(cafile=file, capath=folder)
    if certificate is not None:
        with _reading(_shown(certificate), endpoint):
            load_certificate(context, certificate.certificate_file, certificate.key_file)
    return context


def load_certificate(context: ssl.SSLContext, certificate_file: Path, key_file: Path) -> None:
    """Let a TLS context show a client certificate, whatever the order of its chain.

    Raises:
        OSError: a file cannot be read, or does not hold what it should (ssl.SSLError).
    """
    try:
        context.load_cert_chain(certificate_file, key_file, password=_no_password)
    except ssl.SSLError as error:
        ordered = _ordered(certificate_file, key_file) if error.reason in _MISMATCH else None
        if ordered is None:
            raise
        with NamedTemporaryFile(suffix=".pem") as file:  # OpenSSL reads files only
            file.write(ordered)
            file.flush()
            context.load_cert_chain(file.name, key_file, password=_no_password)


def _no_password() -> str:
    """Return none, where OpenSSL would ask for it at the terminal."""
    return ""


def _ordered(certificate_file: Path, key_file: Path) -> bytes | None:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - seldom needed
        load_pem_private_key,
    )

    from oauthreg._signing_keys.certificates import leaf_first  # noqa: PLC0415 - likewise

    try:
        key = load_pem_private_key(key_file.read_bytes(), None)
        return leaf_first(certificate_file.read_bytes(), key.public_key())
    except (ValueError, TypeError):
        return None


def _shown(certificate: ClientCertificate) -> str:
    return f"the client certificate {certificate.certificate_file} with key {certificate.key_file}"


@contextmanager
def _reading(what: str, endpoint: str) -> Iterator[None]:
    """Say in our own words that a file cannot be read; a shortage is not the file's fault."""
    try:
        yield
    except OSError as error:
        if shortage([error]):
            raise
        said = os.strerror(error.errno or 0)
        if isinstance(error, ssl.SSLError):
            said = (error.reason or "it holds no unencrypted PEM").replace("_", " ").lower()
        raise TlsError(f"{what} cannot be read: {said}", endpoint=endpoint) from None
