"""A server's own words about an error, wherever vendors put them.

RFC 6749 has `error` and `error_description` in a JSON object. Others have an object or a list of
them (`{"error": {"message": ...}}`, `{"errors": [...]}`, `{"fault": {...}}`), other names
(`errorCode`, `faultstring`, `title` and `detail`), a form, or a WWW-Authenticate header.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from oauthreg._protocol.text import clean, form_fields, json_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from oauthreg._flow import TokenResponse

LONGEST_CHALLENGE = 4096
MOST_PARTS = 50
MOST_WORDS = 3
RFC_CODE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")  # RFC 6749 appendix A.7, without blanks
VENDOR_CODE = re.compile(r"[\w.-]{1,100}", re.ASCII)
NO_CODES = frozenset({"error", "fail", "failed", "failure", "false", "ok", "success", "true"})
CODE_FIELDS = ("error", "errorcode", "code", "errcode", "faultcode", "status", "type")
WORD_FIELDS = (
    "errordescription", "errorsummary", "errormessage", "message", "title", "detail", "details",
    "faultstring", "reason", "description", "msg", "errmsg", "error",
)  # fmt: skip
WORD_ENDINGS = ("message", "description", "reason", "summary", "detail")
LISTS_OF_WORDS = frozenset({"error", "errors", "message", "messages", "details"})
PARAMETER = re.compile(
    r'(?<![\w-])(error|error_description|error_uri)\s{0,9}=\s{0,9}(?:"([^"]*)"|([^\s,"]+))'
)


class ErrorWords(NamedTuple):
    """What the answer has, cleaned; None for what it lacks.

    Attributes:
        code: The error code.
        description: Its explanation.
        uri: The server's page about the error.
    """

    code: str | None = None
    description: str | None = None
    uri: str | None = None


def error_words(response: TokenResponse) -> ErrorWords:
    """Return the server's words about an error: of the body, else of WWW-Authenticate."""
    value = json_value(response)
    if not isinstance(value, dict | list):
        value = form_fields(response)
    found = _words(value, response.status) if value else ErrorWords()
    return found if found.code or found.description else _challenge_words(response)


def _words(value: Any, status: int) -> ErrorWords:
    objects, texts = _parts(value)
    top = value if isinstance(value, dict) else {}
    error, description = top.get("error"), top.get("error_description")
    code = next((code for item in objects for code in _codes(item, status)), None)
    if code is None and isinstance(error, str):
        code = error
    if not isinstance(description, str):
        named = [text for item in objects for text in _named_words(item)]
        words = [clean(text).strip() for text in (*named, *texts)]
        distinct = [text for text in dict.fromkeys(words) if text and text != code]
        description = "; ".join(distinct[:MOST_WORDS])
    uri = top.get("error_uri")
    return ErrorWords(
        clean(code) if code else None,
        clean(description) or None,
        clean(uri) if isinstance(uri, str) else None,
    )


def _codes(item: Mapping[str, Any], status: int) -> Iterator[str]:
    """Give the values of an object that look like an error code, and not like the HTTP status."""
    for name in CODE_FIELDS:
        value = item.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int):
            continue
        text = str(value)
        syntax = RFC_CODE if name == "error" else VENDOR_CODE
        if syntax.fullmatch(text) and text != str(status) and text.lower() not in NO_CODES:
            yield text


def _named_words(item: Mapping[str, Any]) -> Iterator[str]:
    """Give the texts of an object that stand where vendors explain an error."""
    others = (name for name in item if name not in WORD_FIELDS and name.endswith(WORD_ENDINGS))
    for name in (*WORD_FIELDS, *others):
        value = item.get(name)
        if isinstance(value, str):
            yield value


def _parts(value: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the objects in a value, the outer ones first, and the texts in lists of words."""
    objects: list[dict[str, Any]] = []
    texts: list[str] = []
    waiting: list[tuple[bool, Any]] = [(isinstance(value, list), value)]
    for _ in range(MOST_PARTS):
        if not waiting:
            break
        has_words, part = waiting.pop(0)
        if isinstance(part, dict):
            folded = {_folded(name): item for name, item in part.items()}
            objects.append(folded)
            waiting += [
                (has_words or name in LISTS_OF_WORDS, item)
                for name, item in folded.items()
                if isinstance(item, dict | list)
            ]
        elif isinstance(part, list):
            waiting += [(has_words, item) for item in part[:MOST_PARTS]]
        elif has_words and isinstance(part, str):
            texts.append(part)
    return objects, texts


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _challenge_words(response: TokenResponse) -> ErrorWords:
    """Return the words of a WWW-Authenticate header (RFC 6750 section 3)."""
    text = response.headers.get("www-authenticate", "")[:LONGEST_CHALLENGE]
    found = {name: clean(quoted or bare) for name, quoted, bare in PARAMETER.findall(text)}
    return ErrorWords(found.get("error"), found.get("error_description"), found.get("error_uri"))
