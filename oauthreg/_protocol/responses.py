"""Answers of a token endpoint: strict about tokens, lenient about how the fields are written."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from oauthreg._errors import InvalidTokenResponseError
from oauthreg._flow import NOTHING, Granted, TokenResponse
from oauthreg._protocol.answers import Answer, standard_fields
from oauthreg._protocol.refusals import TOKEN_ENDPOINT, described_body, is_success, refusal
from oauthreg._protocol.text import clean, form_fields, json_object, json_value

TOKEN_TYPES = {"bearer": "Bearer", "dpop": "DPoP"}
PRINTABLE = re.compile(r"[\x20-\x7e]+")
HEADER_SAFE = re.compile(r"[\x21-\x7e]+")
FIELD_NAME = re.compile(r"[A-Za-z_][\w-]{0,29}", re.ASCII)
MOST_FIELD_NAMES = 12
LONGEST_SCOPES = 10_000
API_URI = "api_uri"
KNOWN_FIELDS = frozenset(
    {"access_token", "token_type", "expires_in", "scope", "refresh_token", "error"}
)


def parse_token_response(
    response: TokenResponse,
    *,
    now: float,
    scope_separator: str = " ",
    answer: Answer = NOTHING,
    token_types: Mapping[str, str] = NOTHING,
) -> Granted:
    """Read a token answer (RFC 6749 sections 5.1 and 5.2).

    Args:
        response: The answer.
        now: Seconds since the epoch, for a Retry-After that is a date.
        scope_separator: What stands between two scopes, besides blanks.
        answer: Where the vendor's answer has the fields of RFC 6749, if elsewhere.
        token_types: The scheme of the Authorization header by the vendor's token type.

    Raises:
        TokenEndpointError: An error status, a redirect, or an `error` in a 200.
        InvalidTokenResponseError: A 2xx without a usable token.
    """
    if not is_success(response.status):
        raise refusal(response, now=now, answer=answer)
    given = json_object(response)
    fields = None if given is None else standard_fields(response, given, answer, now=now)
    if fields is not None and fields.get("error"):
        raise refusal(response, now=now, answer=answer)
    if fields is None or fields.get("access_token") is None:
        raise _no_token(response, given)
    kept = {name: value for name, value in fields.items() if name not in answer or name != API_URI}
    granted = granted_from(
        kept,
        status=response.status,
        scope_separator=scope_separator,
        token_types=token_types,
    )
    named = fields.get(API_URI) if API_URI in answer else None
    return replace(granted, api_uri=named) if isinstance(named, str) else granted


def granted_from(
    fields: Mapping[str, Any],
    *,
    status: int = HTTPStatus.OK,
    scope_separator: str = " ",
    token_types: Mapping[str, str] = NOTHING,
) -> Granted:
    """Return what the fields of a token answer grant.

    Args:
        fields: The fields of RFC 6749 section 5.1.
        status: The HTTP status, for errors.
        scope_separator: What stands between two scopes, besides blanks.
        token_types: The scheme of the Authorization header by the vendor's token type.

    Raises:
        InvalidTokenResponseError: There is no usable token in them.
    """
    token = fields.get("access_token")
    if not isinstance(token, str) or not HEADER_SAFE.fullmatch(token):
        fault = (
            "without an access_token"
            if token in (None, "")
            else "with an access_token that cannot be a token (RFC 6750 section 2.1)"
        )
        raise InvalidTokenResponseError(
            f"{TOKEN_ENDPOINT} answered {status} {fault}",
            status=status,
            hint="The server's answer is at fault: report it to who runs the server.",
        )
    refresh_token = fields.get("refresh_token")
    return Granted(
        access_token=token,
        token_type=_token_type(fields.get("token_type"), status, token_types),
        expires_in=_seconds(fields.get("expires_in"), status),
        scopes=_scopes(fields.get("scope"), scope_separator),
        refresh_token=refresh_token if _is_refresh_token(refresh_token) else None,
        extra=MappingProxyType({k: v for k, v in fields.items() if k not in KNOWN_FIELDS}),
    )


def checked(granted: object) -> Granted:
    """Return what a flow granted, if it can be put on a request.

    Its scopes are cleaned, and an id_token is left out: only logins verify one and keep it.

    Raises:
        InvalidTokenResponseError: it cannot.
        TypeError: it is no `Granted`.
    """
    if not isinstance(granted, Granted):
        raise TypeError(f"a flow must return Granted, not {type(granted).__name__}")
    if not HEADER_SAFE.fullmatch(granted.access_token):
        raise InvalidTokenResponseError("the provider plugin granted something that is no token")
    scopes = None if granted.scopes is None else _scopes(list(granted.scopes), " ")
    return without_id_token(replace(granted, scopes=scopes))


def without_id_token(granted: Granted) -> Granted:
    """Return the same without an id_token that nobody verified."""
    if "id_token" not in granted.extra:
        return granted
    kept = {name: value for name, value in granted.extra.items() if name != "id_token"}
    return replace(granted, extra=MappingProxyType(kept))


def _no_token(
    response: TokenResponse, fields: Mapping[str, Any] | None
) -> InvalidTokenResponseError:
    """Return the error of a success without `access_token`: the names of its fields, no values."""
    hint = "Is this the token endpoint's address?"
    if fields is None:
        fields = form_fields(response)
        kind = "an urlencoded form" if fields else described_body(response)
        if not fields and isinstance(json_value(response), list):
            kind = "a JSON array"
        fault = f"with {kind} instead of a JSON object"
    else:
        fault = "without an access_token"
    names = _field_names(fields or {})
    if names:
        fault += f"; its fields: {', '.join(names)}"
        hint += (
            " If it is, and this is the vendor's own format, say in the provider's answer which of "
            "these fields is the access_token."
        )
    return InvalidTokenResponseError(
        f"{TOKEN_ENDPOINT} answered {response.status} {fault}", status=response.status, hint=hint
    )


def _field_names(fields: Mapping[str, Any]) -> list[str]:
    """Return the names of the fields, and of those inside them, that cannot be a value."""
    names = []
    for name, value in fields.items():
        inner = value if isinstance(value, dict) else {}
        names += [f"{name}.{one}" for one in inner if FIELD_NAME.fullmatch(one)] or [name]
    known = [name for name in names if all(FIELD_NAME.fullmatch(p) for p in name.split(".", 1))]
    return known[:MOST_FIELD_NAMES]


def _is_refresh_token(value: object) -> bool:
    """Whether it is a text as RFC 6749 appendix A.17 has refresh tokens."""
    return isinstance(value, str) and PRINTABLE.fullmatch(value) is not None


def _token_type(value: object, status: int, token_types: Mapping[str, str]) -> str:
    if value in (None, ""):
        return "Bearer"
    types = {**TOKEN_TYPES, **{name.lower(): scheme for name, scheme in token_types.items()}}
    known = types.get(value.lower()) if isinstance(value, str) else None
    if known is None:
        raise InvalidTokenResponseError(
            f"{TOKEN_ENDPOINT} answered {status} with token_type {clean(str(value))!r}, "
            "which is neither Bearer nor DPoP",
            status=status,
            retryable=False,
            hint="If it is the vendor's own word, say in the provider's token-types what it means.",
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
            f"{TOKEN_ENDPOINT} answered {status} with a token that expired {-seconds:g} s ago",
            status=status,
        )
    return seconds


def _scopes(value: object, separator: str) -> tuple[str, ...] | None:
    """Return the scopes of an answer, each without blanks and control characters."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return None
    texts = [clean(item, LONGEST_SCOPES) for item in value if isinstance(item, str)]
    return tuple(scope for text in texts for scope in text.replace(separator, " ").split())
