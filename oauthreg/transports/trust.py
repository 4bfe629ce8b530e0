"""Whose certificates are trusted: the same roots for every library."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import certifi

from oauthreg.errors import TlsError

if TYPE_CHECKING:
    from oauthreg.registration import HttpProfile

VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


class Roots(NamedTuple):
    """A PEM file (or a folder of them) and the setting that names it."""

    path: Path
    setting: str


def roots(profile: HttpProfile) -> Roots:
    """Return the trusted roots: the profile's, else the environment's, else certifi's."""
    if profile.ca_bundle:
        return Roots(Path(profile.ca_bundle), f"http.{profile.name}.ca-bundle")
    for name in VARIABLES:
        if os.environ.get(name):
            return Roots(Path(os.environ[name]), name)
    return Roots(Path(certifi.where()), "certifi")


def context(profile: HttpProfile, endpoint: str) -> ssl.SSLContext:
    """Read the trusted roots.

    Raises:
        TlsError: the file is missing or holds no certificate.
    """
    path, setting = roots(profile)
    try:
        if path.is_dir():
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        problem = "holds no PEM certificate"
    except OSError as error:
        problem = f"cannot be read: {os.strerror(error.errno or 0)}"
    raise TlsError(
        f"the file of trusted roots {path} (named by {setting}) {problem}", endpoint=endpoint
    )
