"""What is sent and what is read: header fields, and a body of at most 1 MiB."""

from __future__ import annotations

import re
import zlib
from functools import cache
from typing import TYPE_CHECKING

from oauthreg._errors import ConnectionFailedError, InvalidTokenResponseError
from oauthreg._flow import TokenResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._addresses import Address
    from oauthreg._flow import Pairs, TokenRequest

LONGEST_BODY = 1024 * 1024
MOST_CODINGS = 3

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_EITHER_FORMAT = zlib.MAX_WBITS | 32  # gzip or zlib, as the first bytes say
_BARE_DEFLATE = -zlib.MAX_WBITS
_CODINGS = {"gzip", "x-gzip", "deflate"}


def header_fields(request: TokenRequest, address: Address) -> Pairs:
    """Return the header fields to send; a request's own beat the defaults.

    Raises:
        ConnectionFailedError: a field holds what HTTP does not allow.
    """
    body = request.body
    defaults = {
        "Host": str(address.origin).partition("://")[2],
        "User-Agent": user_agent(),
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
    }
    if request.form:
        defaults["Content-Type"] = "application/x-www-form-urlencoded"
    if body is not None or request.method not in {"GET", "HEAD"}:
        defaults["Content-Length"] = str(len(body or b""))
    own = {name.lower() for name, _ in request.headers}
    chosen = [(name, value) for name, value in defaults.items() if name.lower() not in own]
    fields = (*chosen, *request.headers)
    for name, value in fields:
        if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            raise ConnectionFailedError(
                f"nothing was sent: the header field {name!r} holds what HTTP does not allow",
                endpoint=address.endpoint,
                retryable=False,
            )
    return fields


@cache
def user_agent() -> str:
    """Return how this library presents itself."""
    from importlib.metadata import (  # noqa: PLC0415 - slow to import, and needed once
        PackageNotFoundError,
        version,
    )

    try:
        return f"oauthreg/{version('oauthreg')}"
    except PackageNotFoundError:
        return "oauthreg"


class Body:
    """The body of an answer, of at most 1 MiB, while it arrives.

    Args:
        status: The HTTP status.
        headers: The header fields, a repeated one joined.

    Raises:
        InvalidTokenResponseError: it has more content codings than three.
    """

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        self._status = status
        self._headers = {name.lower(): value for name, value in headers.items()}
        codings = self._headers.get("content-encoding", "").lower().replace(" ", "")
        self._codings = codings.split(",")
        self._raw = bytearray()
        if len(self._codings) > MOST_CODINGS:
            raise self._unfit(f"the answer has more than {MOST_CODINGS} content codings")

    def add(self, chunk: bytes) -> None:
        """Take the next part.

        Raises:
            InvalidTokenResponseError: the body is longer than 1 MiB.
        """
        self._raw += chunk
        self._check(len(self._raw))

    def response(self) -> TokenResponse:
        """Return the whole answer, its body decoded from gzip and deflate.

        Raises:
            InvalidTokenResponseError: the body is longer than 1 MiB.
            zlib.error: the encoding is broken.
        """
        body = bytes(self._raw)
        for coding in reversed(self._codings):
            if coding in _CODINGS and body:
                body = _inflated(body)
                self._check(len(body))
        return TokenResponse(status=self._status, headers=self._headers, body=body)

    def _check(self, size: int) -> None:
        if size > LONGEST_BODY:
            raise self._unfit("the body of the answer is longer than 1 MiB")

    def _unfit(self, message: str) -> InvalidTokenResponseError:
        return InvalidTokenResponseError(message, status=self._status, retryable=False)


def _inflated(body: bytes) -> bytes:
    """Decode gzip, zlib or bare deflate, up to one byte more than is allowed."""
    try:
        decoder = zlib.decompressobj(_EITHER_FORMAT)
        result = decoder.decompress(body, LONGEST_BODY + 1)
    except zlib.error:
        decoder = zlib.decompressobj(_BARE_DEFLATE)
        result = decoder.decompress(body, LONGEST_BODY + 1)
    if not decoder.eof and len(result) <= LONGEST_BODY:
        raise zlib.error("cut short")
    return result
