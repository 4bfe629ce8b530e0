"""A request as text, to be compared with the one that the vendor documents."""

from __future__ import annotations

import json
import re
from base64 import b64decode, urlsafe_b64decode
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from oauthreg.testing._kit.answers import SECRET

if TYPE_CHECKING:
    from oauthreg._flow import TokenRequest

JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)
DRAWN = frozenset({"kid", "x5t", "x5t#S256", "x5c"})
"""Header fields that a generated key decides."""


def request_text(request: TokenRequest) -> str:
    """Return a request's method and address, its header fields, and its form, a line each.

    A credential of the kit is `<secret>`, Basic shows its two parts decoded, and of a JWT the
    header and the claims are shown. `<client certificate>` is one that is shown in TLS.
    """
    lines = [f"{request.method} {request.url}"]
    lines += ["<client certificate>"] if request.certificate is not None else []
    lines += [f"{name}: {_shown(_basic(value))}" for name, value in request.headers]
    lines += [f"{name}={_shown(value)}" for name, value in request.form]
    if request.content is not None:
        lines.append(_shown(request.content.decode("utf-8", "replace")))
    return "\n".join(lines)


def _basic(value: str) -> str:
    scheme, _, pair = value.partition(" ")
    if scheme != "Basic":
        return value
    return f"Basic {unquote(b64decode(pair).decode('utf-8', 'replace'))}"


def _shown(value: str) -> str:
    escaped = json.dumps(SECRET)[1:-1]
    hidden = value.replace(SECRET, "<secret>").replace(escaped, "<secret>")
    return JWT.sub(lambda found: _claims(found[0]), hidden)


def _claims(token: str) -> str:
    try:
        header, claims = (_part(part) for part in token.split(".")[:2])
    except ValueError:
        return token
    for name in DRAWN & header.keys():
        header[name] = "..."
    return f"<jwt {json.dumps(header)} {json.dumps(claims)}>"


def _part(text: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return value
