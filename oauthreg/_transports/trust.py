"""TLS contexts for every library: the trusted roots, and the client certificate to show."""

from __future__ import annotations

import os
import ssl
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, NamedTuple

import certifi

from oauthreg._errors import TlsError
from oauthreg._files import SECRET_SIZE, read_file
from oauthreg._transports.shortage import shortage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oauthreg._flow import ClientCertificate
    from oauthreg._registration import HttpProfile

_State = tuple[tuple[int, int], ...]  # time and size of a certificate's files when they were read
_MISMATCH = {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"}  # of the first certificate with the key
FOLDERS = "SSL_CERT_DIR"
VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", FOLDERS)
"""What may name the trusted roots, the first before the others."""


class Roots(NamedTuple):
    """Where the trusted roots are.

    Attributes:
        file: A PEM file, or None.
        folder: A folder of PEM files as OpenSSL wants it, or several; or None.
        setting: What named them: a setting, a variable of the environment, or certifi.
    """

    file: str | None
    folder: str | None
    setting: str

    def __str__(self) -> str:
        return f"{self.file or self.folder}, {self.setting}"


def roots(profile: HttpProfile) -> Roots:
    """Return the trusted roots: the profile's, else the environment's, else certifi's."""
    if profile.ca_bundle:
        return _roots_at(str(profile.ca_bundle), f"http.{profile.name}.ca-bundle")
    for name in VARIABLES:
        value = os.environ.get(name, "").strip()
        if value:
            return _roots_at(os.path.expanduser(value), name)  # noqa: PTH111 - never raises
    return Roots(certifi.where(), None, "certifi")


def _roots_at(path: str, setting: str) -> Roots:
    if setting == FOLDERS or Path(path).is_dir():
        return Roots(None, path, setting)
    return Roots(path, None, setting)


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
            TlsError: a file cannot be read, or is no PEM file of its kind.
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
    found = roots(profile)
    what = f"the file of trusted roots {found.file or found.folder} (named by {found.setting})"
    with _reading(what, endpoint, f"Correct {found.setting}, or take it away"):
        context = ssl.create_default_context(cafile=found.file, capath=found.folder)
    if certificate is not None:
        with _reading(_shown(certificate), endpoint):
            load_certificate(context, certificate.certificate_file, certificate.key_file)
    return context


def load_certificate(context: ssl.SSLContext, certificate_file: Path, key_file: Path) -> None:
    """Let a TLS context show a client certificate, whatever the order of its chain.

    Raises:
        OSError: a file cannot be read, or is no PEM file of its kind (ssl.SSLError).
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
        key = load_pem_private_key(read_file(key_file, SECRET_SIZE), None)
        return leaf_first(read_file(certificate_file, SECRET_SIZE), key.public_key())
    except (ValueError, TypeError):
        return None


def _shown(certificate: ClientCertificate) -> str:
    return f"the client certificate {certificate.certificate_file} with key {certificate.key_file}"


@contextmanager
def _reading(what: str, endpoint: str, hint: str | None = None) -> Iterator[None]:
    """Say in our own words that a file cannot be read; a shortage is not the file's fault."""
    try:
        yield
    except OSError as error:
        if shortage([error]):
            raise
        reason = os.strerror(error.errno or 0)
        if isinstance(error, ssl.SSLError):
            reason = (error.reason or "it has no unencrypted PEM").replace("_", " ").lower()
        message = f"{what} cannot be read: {reason}"
        raise TlsError(message, endpoint=endpoint, hint=hint) from None
