"""What holds for the address of any store in a network: its form, its secrets, its TLS."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from oauthreg._errors import ConfigurationError, Problem
from oauthreg._invisible import invisible_inside
from oauthreg._secret_values import MASK

if TYPE_CHECKING:
    from pathlib import Path

PASSWORDS = frozenset({"password", "passwd", "sslpassword", "sentinel_password"})
USERS = frozenset({"user", "sentinel_username"})
ENCODING = "write these in a user or a password as %2F %3F %23 %40"
OTHER_NAME = ("mismatch", "is not valid for", "does not match host name")
UNTRUSTED = ("certificate verify failed", "certificate_verify_failed", "root certificate file")


def check_form(url: str) -> None:
    """Refuse what readers of addresses understand differently: where does the password end?

    Raises:
        ValueError: why; the text of the error shows nothing of it.
    """
    unseen = invisible_inside(url, allowed=" ")
    if unseen is not None:
        raise ValueError(f"has {unseen} in it")
    try:
        urlsplit(url)
    except ValueError:
        raise ValueError("is no address") from None
    after_host = re.split("[/?]", url.partition("://")[2], maxsplit=1)[1:]
    if "#" in url or "@" in "".join(after_host):
        raise ValueError(f"has a # in it, or / or ? before the last @: {ENCODING}")


def masked(message: str, url: str) -> str:
    """Return a message without the user and the password of an address."""
    parts = urlsplit(url)
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    query = parse_qsl(parts.query)
    passwords = {url, password, *(value for name, value in query if name in PASSWORDS)}
    users = {user, *(value for name, value in query if name in USERS)}
    for secret in _longest_first(passwords):
        message = message.replace(secret, MASK)
    for secret in _longest_first(users):
        message = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, message)
    return message


def _longest_first(secrets: set[str]) -> list[str]:
    return sorted({*secrets, *map(unquote, secrets)} - {""}, key=len, reverse=True)


def checked_bundle(path: Path | None) -> str | None:
    """Return the path of the trusted roots.

    Raises:
        ConfigurationError: there are none in that file.
    """
    if path is None:
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError:
        message = f"{path} cannot be read, or holds no certificates"
        raise ConfigurationError([Problem("store.ca-bundle", message)]) from None
    return str(path)


def tls_hint(message: str, ca_bundle: str | None) -> str:
    """Return what to do about a certificate that was refused; empty for other errors."""
    text = message.lower()
    if any(word in text for word in OTHER_NAME) or not any(word in text for word in UNTRUSTED):
        return ""
    if ca_bundle is None:
        return "Name the roots that vouch for it in store.ca-bundle"
    return f"It is checked by the roots of store.ca-bundle, {ca_bundle}"
