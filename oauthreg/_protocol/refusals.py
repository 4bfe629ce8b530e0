"""An error answer of an authorization server as an error: status, the server's words, the wait."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from oauthreg._errors import TokenEndpointError
from oauthreg._flow import NOTHING, TokenResponse
from oauthreg._protocol.answers import Answer, standard_fields
from oauthreg._protocol.error_words import error_words
from oauthreg._protocol.text import body_text, clean, json_object

TOKEN_ENDPOINT = "the token endpoint"
LONGEST_RETRY_AFTER = 3600.0
LONGEST_TITLE = 100
TRANSIENT_STATUS = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
KNOWN_WITH_A_PAGE = frozenset(
    {
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
"""Statuses that say what to do, whoever sent the page."""
MARKUP = re.compile(r"\s*(?:<\?xml[^>]{0,99}>\s*)?<(?:!doctype html|html|head|body)", re.IGNORECASE)
TITLE = re.compile(r"<title[^<>]{0,99}>([^<]{1,400})", re.IGNORECASE)
WHERE_A_TITLE_IS = 8192


def refusal(
    response: TokenResponse,
    *,
    now: float,
    endpoint: str = TOKEN_ENDPOINT,
    answer: Answer = NOTHING,
) -> TokenEndpointError:
    """Return the error that an answer other than the expected one means.

    Args:
        response: The answer.
        now: Seconds since the epoch, for a Retry-After that is a date.
        endpoint: Who answered, for the text.
        answer: Where the vendor's answer has the fields of RFC 6749, if elsewhere.
    """
    status = response.status
    code, description, uri = error_words(response)
    fields = json_object(response) or {}
    said = standard_fields(response, fields, answer, now=now)
    code = _said(said, answer, "error") or code
    description = _said(said, answer, "error_description") or description
    words = [str(status), *([code] if code else []), *([f"({description})"] if description else [])]
    page = is_page(response)
    if page and not code and not description:
        words.append(f"with {described_body(response)}")
    return TokenEndpointError(
        f"{endpoint} answered {' '.join(words)}",
        status=status,
        error=code,
        error_description=description,
        error_uri=_said(said, answer, "error_uri") or uri,
        correlation_id=_text(said.get("correlation_id")),
        fields=fields,
        headers=response.headers,
        retryable=is_transient(status),
        retry_after=retry_after(response, now=now),
        hint=_hint(response, page=page),
    )


def _said(said: Mapping[str, Any], answer: Answer, name: str) -> str | None:
    """Return a text of the answer from the place that `answer` names for it."""
    return _text(said.get(name)) if name in answer else None


def _text(value: object) -> str | None:
    """Return a text or number of an answer, for one line."""
    usable = isinstance(value, str | int | float) and not isinstance(value, bool)
    return clean(str(value)).strip() or None if usable else None


def is_success(status: int) -> bool:
    """Whether it is a status of the class 2xx."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def is_transient(status: int) -> bool:
    """Whether a status says that asking again may help: 408, 425, 429 and 5xx."""
    return status in TRANSIENT_STATUS or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def retry_after(response: TokenResponse, *, now: float) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110 section 10.2.3), at most an hour."""
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text) if text[0].isdigit() else _timestamp(text) - now
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER) if math.isfinite(seconds) else None


def is_page(response: TokenResponse) -> bool:
    """Whether the body is an HTML page: not an authorization server's answer to a client."""
    return MARKUP.match(body_text(response)[:WHERE_A_TITLE_IS]) is not None


def described_body(response: TokenResponse) -> str:
    """Return what kind of body it is, without its content; of a page also its title."""
    if not response.body:
        return "an empty body"
    if is_page(response):
        title = TITLE.search(body_text(response)[:WHERE_A_TITLE_IS])
        named = clean(" ".join(title[1].split()), LONGEST_TITLE) if title else ""
        return f'an HTML page titled "{named}"' if named else "an HTML page"
    kind = response.headers.get("content-type", "").partition(";")[0]
    return f"{len(response.body)} bytes of {clean(kind, LONGEST_TITLE) or 'no content type'}"


def answer_words(response: TokenResponse) -> str:
    """Return what an answer is that is of no use: its status, and what it has for a body."""
    status = str(response.status)
    if is_success(response.status):
        return f"{status}, with {described_body(response)} instead of a JSON object"
    if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
        return f"{status}, a redirect{_target(response)}"
    return f"{status}, with {described_body(response)}" if is_page(response) else status


def _timestamp(http_date: str) -> float:
    date = parsedate_to_datetime(http_date)
    return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()


def _hint(response: TokenResponse, *, page: bool) -> str | None:
    """Return what the answer alone suggests; `hints` knows more by code and registration."""
    status = response.status
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return (
            f"A redirect{_target(response)} is not followed, so that the credential goes nowhere "
            "else: set the endpoint's final address (mind a trailing slash)."
        )
    if not page or status in KNOWN_WITH_A_PAGE:
        return None
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "A proxy or load balancer answers in the server's place, which may be down."
    return (
        "An HTML page does not come from a token endpoint: a proxy, firewall or load balancer "
        "refused the request on its way, or the address is another one."
    )


def _target(response: TokenResponse) -> str:
    """Return where a redirect goes: scheme, host and port only."""
    try:
        target = urlsplit(response.headers.get("location", ""))
    except ValueError:
        return ""
    host = target.netloc.rpartition("@")[2]
    return f" to {clean(f'{target.scheme}://{host}', LONGEST_TITLE)}" if host else ""
