"""What must never be shown: every credential of an attempt, wherever it came from."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, unquote_plus, urlsplit

from oauthreg._flow import NeedToken, TokenRequest, TokenResponse
from oauthreg._protocol.refusals import is_success
from oauthreg._protocol.text import json_object
from oauthreg.testing._kit.answers import TOKEN
from oauthreg.testing._kit.text import JWT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from oauthreg._flow import Step
    from oauthreg._protocol.context import PluginContext
    from oauthreg._provider import ProviderPlugin
    from oauthreg.testing._kit.answers import Event

SHORT = 4  # a value below this says nothing where it is part of another
ENDINGS = ("code", "jwt", "key", "nonce")
PARTS = (
    *("assertion", "cookie", "credential", "password", "secret", "session", "ticket", "token"),
)
"""What the names of an answer's fields end in, or have in them, that hold a credential."""
SHORTEST = 6  # of such a field; shorter values are words
NO_CREDENTIALS = ("type", "uri", "url", "endpoint", "issuer")
"""How names end of what is about a credential."""


def given_to(plugin: ProviderPlugin[Any], context: PluginContext) -> dict[str, str]:
    """Return the credentials that the manager gave to an attempt, by what they are."""
    found = {name: getattr(context, name) for name in type(context).__dataclass_fields__}
    found |= getattr(context, "secrets", None) or {}
    found |= {f"setting {name}": value for name, value in vars(plugin.settings).items()}
    revealed = {name: _revealed(value) for name, value in found.items()}
    return {name: value for name, value in revealed.items() if value}


def received(script: Sequence[Event], steps: Iterable[Step]) -> dict[str, str]:
    """Return the credentials that steps on the way to the token are answered."""
    asks = any(isinstance(step, NeedToken) for step in steps)
    found = {"token of another registration": TOKEN} if asks else {}
    for event in script[:-1]:
        if isinstance(event, TokenResponse) and is_success(event.status):
            found |= dict(_credentials_in(json_object(event) or {}))
    return found


def signed_in(requests: Iterable[TokenRequest]) -> dict[str, str]:
    """Return the JWTs that requests carry, and what they declare as sensitive."""
    found: dict[str, str] = {}
    for request in requests:
        for text in (request.url, *(value for _, value in fields(request))):
            found |= {f"JWT {token[:12]}...": token for token in JWT.findall(text)}
        found |= {f"sensitive {value[:2]}...": value for value in request.sensitive}
    return found


def fields(request: TokenRequest) -> list[tuple[str, str]]:
    """Return everything that a request says in header, form and body, by its name."""
    body = [] if request.content is None else [("body", request.content.decode("utf-8", "replace"))]
    return [*request.headers, *request.form, *body]


def spellings(value: str, client_id: str = "") -> tuple[str, ...]:
    """Return how a value may stand in a request or a text; with a client id, as Basic too."""
    forms = [value, quote(value, safe=""), quote_plus(value)]
    pairs = [f"{client_id}:{form}" for form in forms] if client_id else []
    basic = [b64encode(text.encode()).decode().rstrip("=") for text in (value, *pairs)]
    return tuple(dict.fromkeys([*forms, *basic, value.encode().hex()]))


def shows(text: str, value: str, client_id: str = "") -> bool:
    """Whether a text has the value in some spelling; a short one only where it stands alone."""
    if len(value) < SHORT:
        return False
    return any(form in text for form in spellings(value, client_id))


def in_address(url: str, value: str, client_id: str) -> bool:
    """Whether an address has the value in its path or query; a short one as a whole part."""
    if len(value) >= SHORT:
        return shows(url, value, client_id)
    parts = urlsplit(url)
    pairs = (pair.rpartition("=")[2] for pair in parts.query.split("&"))
    return value in map(unquote_plus, (*parts.path.split("/"), *pairs))


def _credentials_in(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in answer.items():
        if isinstance(value, dict):
            yield from _credentials_in(value)
        elif isinstance(value, str) and _looks_secret(name, value):
            yield f"{name} of an earlier answer", value


def _looks_secret(name: str, value: str) -> bool:
    return len(value) >= SHORTEST and (_named(name) or JWT.fullmatch(value) is not None)


def _named(name: str) -> bool:
    plain = name.lower()
    secret = plain.endswith(ENDINGS) or any(part in plain for part in PARTS)
    return secret and not plain.endswith(NO_CREDENTIALS)


def _revealed(value: object) -> str | None:
    """Return the value of a Secret, or of pydantic's SecretStr; None if it is elsewhere."""
    reveal = getattr(value, "get_secret_value", None)
    try:
        return None if reveal is None else str(reveal())
    except TypeError:  # of one that is read for each attempt, into `context.secrets`
        return None
