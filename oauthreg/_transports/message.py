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
POOL_SIZE = 32  # idle connections kept

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_EITHER_FORMAT = zlib.MAX_WBITS | 32  # gzip or zlib, as the first bytes say
_BARE_DEFLATE = -zlib.MAX_WBITS
_CODINGS = {"gzip", "x-gzip", "deflate"}


def header_fields(request: TokenRequest, address: Address) -> Pairs:
    """Return what is sent besides Host and Content-Length; a request's own fields beat defaults.

    Raises:
        ConnectionFailedError: a field holds what HTTP does not allow.
    """
    defaults = {
        "User-Agent": user_agent(),
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
    }
    if request.form:
        defaults["Content-Type"] = "application/x-www-form-urlencoded"
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
    """The body of an answer while it arrives."""

    def __init__(self, status: int) -> None:
        self._status = status
        self._raw = bytearray()

    def add(self, chunk: bytes) -> None:
        """Take the next part.

        Raises:
            InvalidTokenResponseError: the body is longer than it may be.
        """
        self._raw += chunk
        self._check(len(self._raw))

    def response(self, headers: Mapping[str, str]) -> TokenResponse:
        """Return the whole answer, its body undone of gzip and deflate.

        Raises:
            InvalidTokenResponseError: the body is longer than it may be.
            zlib.error: the encoding is broken.
        """
        fields = {name.lower(): value for name, value in headers.items()}
        body = bytes(self._raw)
        encoding = fields.get("content-encoding", "").lower().replace(" ", "")
        for coding in reversed(encoding.split(",")):
            if coding in _CODINGS and body:
                body = _inflated(body)
                self._check(len(body))
        return TokenResponse(status=self._status, headers=fields, body=body)

    def _check(self, size: int) -> None:
        if size > LONGEST_BODY:
            raise InvalidTokenResponseError(
                "the body of the answer is longer than 1 MiB", status=self._status, retryable=False
            )


def _inflated(body: bytes) -> bytes:
    """Undo gzip, zlib or bare deflate, to one byte more than is allowed."""
    try:
        decoder = zlib.decompressobj(_EITHER_FORMAT)
        result = decoder.decompress(body, LONGEST_BODY + 1)
    except zlib.error:
        decoder = zlib.decompressobj(_BARE_DEFLATE)
        result = decoder.decompress(body, LONGEST_BODY + 1)
    if not decoder.eof and len(result) <= LONGEST_BODY:
        raise zlib.error("cut short")
    return result
