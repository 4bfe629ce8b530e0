"""Answers of a token endpoint: strict about what is handed out, lenient about how it is said."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, urlsplit

from oauthreg._errors import AuthorizationError, InvalidTokenResponseError, TokenEndpointError
from oauthreg._flow import Granted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._flow import TokenResponse

LONGEST_RETRY_AFTER = 3600.0
LONGEST_TEXT = 500
SHORTEST_SCRUBBED = 4
TRANSIENT_STATUS = frozenset({408, 425, 429})
TOKEN_TYPES = {"bearer": "Bearer", "dpop": "DPoP"}
PRINTABLE = re.compile(r"[\x20-\x7e]+")
HEADER_SAFE = re.compile(r"[\x21-\x7e]+")
KNOWN_FIELDS = frozenset(
    {"access_token", "token_type", "expires_in", "scope", "refresh_token", "error"}
)


def parse_token_response(response: TokenResponse, *, now: float) -> Granted:
    """Read a token answer (RFC 6749 sections 5.1 and 5.2).

    Args:
        response: The answer.
        now: Seconds since the epoch, for a Retry-After that is a date.

    Raises:
        TokenEndpointError: An error status, a redirect, or an `error` in a 200.
        InvalidTokenResponseError: A 2xx without a usable token.
    """
    if not 200 <= response.status < 300:  # noqa: PLR2004 - the class of success statuses
        raise refusal(response, now=now)
    fields = json_object(response)
    if fields is None:
        raise InvalidTokenResponseError(
            f"answered {response.status} without a JSON object: {_described(response)}",
            status=response.status,
            hint="Is this the token endpoint's address?",
        )
    if fields.get("error"):
        raise refusal(response, now=now)
    return granted_from(fields, status=response.status)


def granted_from(fields: Mapping[str, Any], *, status: int = 200) -> Granted:
    """Return what the fields of a token answer grant.

    Raises:
        InvalidTokenResponseError: There is no usable token in them.
    """
    token = fields.get("access_token")
    if not isinstance(token, str) or not HEADER_SAFE.fullmatch(token):
        fault = "no access_token" if token in (None, "") else "an access_token that is no token"
        raise InvalidTokenResponseError(
            f"answered {status} with {fault}",
            status=status,
            hint="Is this the token endpoint's address?" if token is None else None,
        )
    refresh_token = fields.get("refresh_token")
    return Granted(
        access_token=token,
        token_type=_token_type(fields.get("token_type"), status),
        expires_in=_seconds(fields.get("expires_in"), status),
        scopes=_scopes(fields.get("scope")),
        refresh_token=refresh_token if _is_token(refresh_token) else None,
        extra=MappingProxyType({k: v for k, v in fields.items() if k not in KNOWN_FIELDS}),
    )


def checked(granted: object) -> Granted:
    """Return what a plugin's own flow granted, if it can be put on a request.

    Raises:
        InvalidTokenResponseError: it cannot.
        TypeError: it is no `Granted`.
    """
    if not isinstance(granted, Granted):
        raise TypeError(f"a flow must return Granted, not {type(granted).__name__}")
    if not HEADER_SAFE.fullmatch(granted.access_token):
        raise InvalidTokenResponseError("the provider plugin granted something that is no token")
    return granted


def refusal(response: TokenResponse, *, now: float) -> TokenEndpointError:
    """Return the error that an answer other than a token means."""
    fields = json_object(response) or {}
    code, description = _error_words(fields)
    status = response.status
    words = [str(status), *([code] if code else []), *([f"({description})"] if description else [])]
    error_uri = fields.get("error_uri")
    return TokenEndpointError(
        f"answered {' '.join(words)}",
        status=status,
        error=code,
        error_description=description,
        error_uri=_clean(error_uri) if isinstance(error_uri, str) else None,
        retryable=status in TRANSIENT_STATUS or status >= 500,  # noqa: PLR2004 - server errors
        retry_after=retry_after(response, now=now),
        hint=_status_hint(response, code),
    )


def retry_after(response: TokenResponse, *, now: float) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110 section 10.2.3), at most an hour."""
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text) if text[0].isdigit() else _moment(text) - now
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER) if math.isfinite(seconds) else None


def _moment(http_date: str) -> float:
    date = parsedate_to_datetime(http_date)
    return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()


def json_object(response: TokenResponse) -> Mapping[str, Any] | None:
    """Return the body as a JSON object whatever its content type says; None if it is none."""
    try:
        value = json.loads(response.body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def scrubbed(error: AuthorizationError, sensitive: tuple[str, ...]) -> AuthorizationError:
    """Return the error without any value that the request carried and the answer echoed."""
    spelt = {
        spelling for one in sensitive for spelling in (one, quote(one, safe=""), quote_plus(one))
    }
    hidden = sorted((s for s in spelt if len(s) >= SHORTEST_SCRUBBED), key=len, reverse=True)

    def scrub(text: Any) -> Any:
        if isinstance(text, str):
            for value in hidden:
                text = text.replace(value, "***")
            text = _shortened(text)
        return text

    fields = {name: scrub(value) for name, value in vars(error).items()}
    return error.copy(**fields, args=tuple(scrub(arg) for arg in error.args))


def _is_token(value: object) -> bool:
    """Whether it is a text as RFC 6749 appendix A.17 has refresh tokens."""
    return isinstance(value, str) and PRINTABLE.fullmatch(value) is not None


def _token_type(value: object, status: int) -> str:
    if value in (None, ""):
        return "Bearer"
    known = TOKEN_TYPES.get(value.lower()) if isinstance(value, str) else None
    if known is None:
        raise InvalidTokenResponseError(
            f"answered {status} with token_type {_clean(str(value))!r}, "
            "which is neither Bearer nor DPoP",
            status=status,
            retryable=False,
            hint="A provider plugin's parse_response may map a vendor's own token type.",
        )
    return known


def _seconds(value: object, status: int) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(seconds) or seconds == 0:
        return None
    if seconds < 0:
        raise InvalidTokenResponseError(
            f"answered {status} with a token that ended {-seconds:g} s ago", status=status
        )
    return seconds


def _scopes(value: object) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return tuple(value.split())
    if isinstance(value, list):
        return tuple(item for item in value if isinstance(item, str))
    return None


def _error_words(fields: Mapping[str, Any]) -> tuple[str | None, str | None]:
    code = fields.get("error")
    description = fields.get("error_description")
    if isinstance(code, bool) or not isinstance(code, str | int):
        code = None
    return (
        _clean(str(code)) if code is not None else None,
        _clean(description) if isinstance(description, str) else None,
    )


def _clean(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."


def _described(response: TokenResponse) -> str:
    if not response.body:
        return "an empty body"
    kind = response.headers.get("content-type", "").partition(";")[0]
    return f"{len(response.body)} bytes of {_clean(kind) or 'no content type'}"


def _status_hint(response: TokenResponse, code: str | None) -> str | None:
    status = response.status
    if 300 <= status < 400:  # noqa: PLR2004 - the class of redirects
        try:
            target = urlsplit(response.headers.get("location", ""))
        except ValueError:
            target = urlsplit("")
        host = target.netloc.rpartition("@")[2]
        place = f" to {target.scheme}://{host}" if host else ""
        return (
            f"A redirect{place} is not followed, so that the credential goes nowhere else: "
            "set the endpoint's final address (mind a trailing slash)."
        )
    if status in (404, 405):
        return "Is this the token endpoint's address?"
    if status == 429:  # noqa: PLR2004 - Too Many Requests
        return "The server limits the rate of token requests."
    if status >= 500:  # noqa: PLR2004 - server errors
        return "A fault of the server, or a credential that it does not like."
    if status in (401, 403) and code in (None, "invalid_client"):
        return "Check client-id, client-secret and client-authentication-method."
    return None
