"""The authorization response: whether it belongs to the request, and its fields."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from oauthreg._addresses import ascii_host
from oauthreg._errors import CallbackError
from oauthreg._grants.pending_login import check_same_login
from oauthreg._protocol.hints import LOG_IN_AGAIN, code_hint
from oauthreg._protocol.scrub import scrubbed
from oauthreg._protocol.text import clean
from oauthreg._secret_values import Secret, SecretReadError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._grants.authorization_code import AuthorizationRequest
    from oauthreg._protocol.context import PluginContext

MOST_FIELDS = 100
LONGEST_CALLBACK = 64 * 1024
PARTS = ("scheme", "host", "port", "path")
DEFAULT_PORTS = {"http": 80, "https": 443}
KEPT = "!$%&'()*+,/:;=@[]~"  # what a path has unescaped
BARE_QUERY = re.compile(r"[\w.~-]+=", re.ASCII)
ONLY_THE_QUERY = (
    "Pass the address that the browser was sent to. Behind a proxy that changes it, pass only its "
    "query, from the ? on."
)


class Callback:
    """The fields of an authorization response, which repr and tracebacks do not show.

    Args:
        fields: Names and values.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = dict(fields)

    def get(self, name: str) -> str:
        """Return a field's value; empty if it is not there."""
        return self._fields.get(name, "")

    def as_mapping(self) -> Mapping[str, str]:
        """Return all fields."""
        return dict(self._fields)


def read_address(callback_url: object) -> Secret:
    """Return the address of a callback, whose code no frame and no repr shows.

    Raises:
        TypeError: it is no text.
        CallbackError: it is no text that an address can be.
    """
    if not isinstance(callback_url, str):
        raise TypeError(f"the callback's address must be a str, not {type(callback_url).__name__}")
    try:
        return Secret(callback_url)
    except SecretReadError:
        del callback_url
    raise CallbackError("the callback's address is not one that can be read", hint=LOG_IN_AGAIN)


def read_callback(
    context: PluginContext, request: AuthorizationRequest, callback_url: Secret
) -> Callback:
    """Return the authorization response, once it is sure that it belongs to the request.

    `callback_url` is the whole address that the browser was sent to; or only its query with the
    leading `?` (for the implicit grant its fragment with `#`), for an application behind a proxy
    that changes the address. Whatever it has of an address must be that of redirect_uri: a response
    at another address is of another login (RFC 9700 section 4.4.2.2).

    Raises:
        CallbackError: the request is of another registration or issuer; or the callback is at
            another address, has a parameter twice, has another state or issuer (RFC 9207), or is
            an error.
    """
    check_same_login(context, request)
    outcome = _read(context, request, callback_url.get_secret_value())
    if isinstance(outcome, CallbackError):
        raise scrubbed(outcome, (request.state, request.nonce or "", request.code_verifier))
    return outcome


def _read(
    context: PluginContext, request: AuthorizationRequest, callback_url: str
) -> Callback | CallbackError:
    """Return the response, or what is wrong: its frame shows the code, so it raises nothing."""
    try:
        pairs = _pairs(request, callback_url)
    except ValueError as error:
        return CallbackError(f"the callback's address is {error}", hint=ONLY_THE_QUERY)
    fields, names = dict(pairs), [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        listed = clean(", ".join(twice), 100)
        return CallbackError(f"the callback has a parameter twice: {listed}", hint=LOG_IN_AGAIN)
    state = fields.get("state", "").encode("utf-8", "surrogatepass")
    if not request.state or not hmac.compare_digest(state, request.state.encode()):
        return CallbackError(
            "the callback's state is not that of this login: it is of another one, or forged",
            hint=LOG_IN_AGAIN,
        )
    return _issuer_fault(context, request, fields) or _error(context, fields) or Callback(fields)


def _issuer_fault(
    context: PluginContext, request: AuthorizationRequest, fields: Mapping[str, str]
) -> CallbackError | None:
    """Return what is wrong with the issuer of a response (RFC 9207 section 2.4)."""
    issuer = fields.get("iss")
    if not issuer:
        if not request.iss_required:
            return None
        return CallbackError(
            f"the callback names no issuer (iss), which {request.issuer} always does",
            hint=LOG_IN_AGAIN,
        )
    if request.issuer is None:
        name = f"provider.{context.registration.provider.name}.issuer-uri"
        return CallbackError(
            f"the callback is from the issuer {clean(issuer, 200)}, and {name} is not set to "
            "compare it with",
            hint=f"If it is the server that you mean, set {name} to it. {LOG_IN_AGAIN}",
        )
    if issuer != request.issuer:
        return CallbackError(
            f"the callback is from the issuer {clean(issuer, 200)}, not from {request.issuer} "
            "(RFC 9207)",
            hint=LOG_IN_AGAIN,
        )
    return None


def _error(context: PluginContext, fields: Mapping[str, str]) -> CallbackError | None:
    if "error" not in fields:
        return None
    code = clean(fields["error"], 100)
    description = clean(fields.get("error_description", ""), 300) or None
    return CallbackError(
        f"the login ended with {code}" + (f" ({description})" if description else ""),
        error=code,
        error_description=description,
        hint=code_hint(context, code),
    )


def _pairs(request: AuthorizationRequest, callback_url: str) -> list[tuple[str, str]]:
    """Return the callback's fields.

    Raises:
        ValueError: it has none, or is at another address than redirect_uri; the text says so.
    """
    if len(callback_url) > LONGEST_CALLBACK:
        raise ValueError("longer than 64 KiB")
    mark = "#" if request.response_type == "token" else "?"
    text = f"{mark}{callback_url}" if BARE_QUERY.match(callback_url) else callback_url
    try:
        parts, expected = urlsplit(text), urlsplit(request.redirect_uri)
        query = parts.fragment if mark == "#" else parts.query
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        compared = zip(PARTS, _address(parts), _address(expected), strict=True)
        differing = [name for name, ours, theirs in compared if ours != theirs]
        there = pairs if mark == "?" else parse_qsl(parts.query, keep_blank_values=True)
        own = parse_qsl(expected.query, keep_blank_values=True)
    except ValueError:
        raise ValueError("not one that can be read") from None
    if not parts.scheme and not parts.netloc:
        differing = [name for name in differing if name == "path" and parts.path]
    if mark == "?" or parts.scheme:  # a server keeps redirect_uri's own query (RFC 6749 3.1.2)
        differing += ["query"] if any(one not in there for one in own) else []
        pairs = [one for one in pairs if one not in own]
    if differing:
        where = request.redirect_uri.partition("?")[0]
        raise ValueError(f"not this login's redirect_uri {where}: another {', '.join(differing)}")
    return pairs


def _address(parts: SplitResult) -> tuple[str, str, int | None, str]:
    """Return the parts that are compared, in the spelling of a browser; PARTS names them."""
    user, _, _ = parts.netloc.rpartition("@")
    host = ascii_host(parts.hostname or "")
    port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    path = re.sub("%[0-9a-f]{2}", lambda hexed: hexed[0].upper(), quote(parts.path, safe=KEPT))
    return parts.scheme, f"{user}@{host}", port, path or "/"
