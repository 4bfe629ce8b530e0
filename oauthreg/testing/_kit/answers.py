"""What a vendor may answer: right answers, and wrong ones that a plugin must survive."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from oauthreg._errors import AuthorizationError
from oauthreg._flow import TokenRequest, TokenResponse

ID = "kit"
SECRET = "kit s3cret/+%&=:~"
TOKEN = "a-token-of-the-kit"
NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z
JSON = {"content-type": "application/json"}
Event = TokenResponse | AuthorizationError | Callable[[TokenRequest], TokenResponse]
"""What comes of a request; a function makes the answer from it."""


def answer(
    status: int = 200, /, *, headers: Mapping[str, str] = JSON, **fields: Any
) -> TokenResponse:
    """Return a JSON answer: `answer(400, error="invalid_scope")`.

    Args:
        status: The HTTP status.
        headers: The header fields, names in lower case.
        **fields: The fields of the JSON object.
    """
    return TokenResponse(status=status, headers=headers, body=json.dumps(fields).encode())


GRANTED = answer(access_token=TOKEN, token_type="Bearer", expires_in=300)
PAGE = TokenResponse(
    status=200, headers={"content-type": "text/html"}, body=b"<html>Please log in</html>"
)
EMPTY = TokenResponse(status=200)
REDIRECT = TokenResponse(status=302, headers={"location": "https://elsewhere.example/token"})
BUSY = TokenResponse(
    status=429, headers={**JSON, "retry-after": "7"}, body=b'{"error":"slow_down"}'
)


def expect(holds: object, otherwise: str) -> None:
    """Fail a check."""
    if not holds:
        raise AssertionError(otherwise)
