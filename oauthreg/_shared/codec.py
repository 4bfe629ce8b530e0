"""Records as bytes: JSON with a format number, the name they stand under and their generation.

Every format keeps the fields `format` and `needs`, the first version of this package that reads
it. An unknown field belongs to a later version of the same format, and is kept when the record is
saved again.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64decode, b64encode
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from oauthreg._shared.entries import (
    MOST_SENT,
    AccessEntry,
    Content,
    FailureRecord,
    LoginEntry,
    NamingKey,
    Rejection,
    StoredToken,
    received_at,
    refresh_token,
)
from oauthreg._shared.names import CHAIN, LOGIN, NAMING, REFUSED, TOKEN, WAIT, kind_of
from oauthreg._shared.seal import KEY_BYTES, UnreadableError
from oauthreg.stores import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FORMAT = 1
NEEDS = "0.1.0"
LATEST = 1e11
LONGEST_LIFETIME = 3.2e9
TOKEN_VALUE = re.compile(r"[\x21-\x7e]+")
VERSION = re.compile(r"[0-9][0-9A-Za-z.+-]{0,30}")


def encode(content: Content, *, name: str, generation: int) -> bytes:
    """Return a record as it is sealed under a name."""
    head = {"format": FORMAT, "needs": NEEDS, "name": name, "generation": generation}
    table = {**content.rest, **_ENCODERS[kind_of(name)](content), **head}
    return json.dumps(table, separators=(",", ":"), default=dict).encode()


def decode(content: bytes, *, name: str, generation: int) -> Content:
    """Return the record that was sealed under a name.

    Raises:
        UnreadableError: it is of a newer format, of another name or generation, or damaged.
    """
    try:
        table = json.loads(content)
        if not isinstance(table, dict):
            _damaged("no table")
        fields = _Fields(table)
        if fields.whole("format") > FORMAT:
            raise UnreadableError(_newer(table.get("needs")), newer=True)
        fields.text("needs")
        if fields.text("name") != name:
            raise UnreadableError("it was sealed under another name")
        if fields.whole("generation") != generation:
            raise UnreadableError("it was sealed under another generation")
        return _DECODERS[kind_of(name)](fields)
    except (ValueError, LookupError, OverflowError, RecursionError, OSError) as error:
        raise UnreadableError(f"it is damaged ({type(error).__name__})") from None


def _newer(needs: object) -> str:
    version = needs if isinstance(needs, str) and VERSION.fullmatch(needs) else "a newer version"
    return f"it needs oauthreg {version}"


def _damaged(name: str) -> NoReturn:
    raise ValueError(name)


class _Fields:
    """Takes the fields out of a table, one by one; what stays is `rest`."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._left = dict(table)

    def whole(self, name: str) -> int:
        value = self._left.pop(name)
        return value if isinstance(value, int) and value >= 0 else _damaged(name)

    def number(self, name: str, most: float = math.inf) -> float:
        value = self._left.pop(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            _damaged(name)
        return float(value) if math.isfinite(value) and 0 <= value <= most else _damaged(name)

    def time(self, name: str) -> float:
        return self.number(name, LATEST)

    def text(self, name: str) -> str:
        value = self._left.pop(name)
        return value if isinstance(value, str) else _damaged(name)

    def token_value(self, name: str) -> str:
        value = self.text(name)
        return value if TOKEN_VALUE.fullmatch(value) else _damaged(name)

    def table(self, name: str) -> Mapping[str, Any]:
        value = self._left.pop(name)
        return MappingProxyType(value) if isinstance(value, dict) else _damaged(name)

    def texts(self, name: str) -> Mapping[str, str]:
        table = self.table(name)
        fits = all(isinstance(value, str) for value in table.values())
        return table if fits else _damaged(name)

    def list(self, name: str) -> list[Any]:
        value = self._left.pop(name)
        return value if isinstance(value, list) else _damaged(name)

    def has(self, name: str) -> bool:
        """Whether the field is there and not null; null is taken out."""
        if self._left.get(name) is None:
            self._left.pop(name, None)
            return False
        return True

    def inner(self, name: str) -> _Fields:
        return _Fields(self.table(name))

    def rest(self) -> Mapping[str, Any]:
        return MappingProxyType(self._left)


def _encode_access(entry: AccessEntry) -> dict[str, Any]:
    token = entry.token
    return {
        "token": None
        if token is None
        else {
            **token.rest,
            "value": token.token_value,
            "type": token.token_type,
            "scopes": token.scopes,
            **({} if token.api_uri is None else {"api_uri": token.api_uri}),
            "extra": token.extra,
            "start": token.start._asdict(),
            "lifetime": token.lifetime,
            "end": token.end,
            **({"login": token.login} if token.login else {}),
        },
        "rejections": [{"fingerprint": r.fingerprint, "end": r.end} for r in entry.rejections],
        "refused_in_a_row": entry.refused_in_a_row,
        "last_rejection": entry.last_rejection,
        "renew_at": entry.renew_at,
    }


def _decode_access(fields: _Fields) -> AccessEntry:
    return AccessEntry(
        token=_decode_token(fields.inner("token")) if fields.has("token") else None,
        rejections=tuple(_decode_rejection(one) for one in fields.list("rejections")),
        refused_in_a_row=fields.whole("refused_in_a_row"),
        last_rejection=fields.time("last_rejection"),
        renew_at=fields.time("renew_at"),
        rest=fields.rest(),
    )


def _decode_token(fields: _Fields) -> StoredToken:
    scopes = fields.list("scopes")
    if not all(isinstance(scope, str) for scope in scopes):
        _damaged("scopes")
    start = fields.inner("start")
    return StoredToken(
        token_value=fields.token_value("value"),
        token_type=fields.token_value("type"),
        scopes=tuple(scopes),
        api_uri=fields.text("api_uri") if fields.has("api_uri") else None,
        extra=fields.table("extra"),
        start=Reading(start.time("time"), start.text("boot"), start.number("steady")),
        lifetime=fields.number("lifetime", LONGEST_LIFETIME),
        end=fields.time("end"),
        login=fields.text("login") if fields.has("login") else "",
        rest=fields.rest(),
    )


def _decode_rejection(one: object) -> Rejection:
    fields = _Fields(one) if isinstance(one, dict) else _damaged("rejections")
    return Rejection(fields.text("fingerprint"), fields.time("end"))


def _encode_login(entry: LoginEntry) -> dict[str, Any]:
    token = entry.refresh_token
    return {
        "refresh_token": None if token is None else token.token_value,
        "issued_at": None if token is None else received_at(token),
        "sent": entry.sent,
        "used": entry.used,
        "ends": entry.ends,
        "extra": entry.extra,
        **({"id": entry.id} if entry.id else {}),
    }


def _decode_login(fields: _Fields) -> LoginEntry:
    token = None
    if fields.has("refresh_token"):
        token = refresh_token(fields.text("refresh_token"), fields.time("issued_at"))
    else:
        fields.has("issued_at")
    return LoginEntry(
        refresh_token=token,
        sent=min(fields.whole("sent"), MOST_SENT),
        used=fields.time("used"),
        ends=fields.time("ends") if fields.has("ends") else None,
        extra=fields.table("extra"),
        id=fields.text("id") if fields.has("id") else "",
        rest=fields.rest(),
    )


def _encode_failure(record: FailureRecord) -> dict[str, Any]:
    return {
        "said": record.said,
        "until": record.until,
        "status": record.status,
        "message": record.message,
        "details": record.details,
    }


def _decode_failure(fields: _Fields) -> FailureRecord:
    details = fields.texts("details")
    return FailureRecord(
        said=fields.time("said"),
        until=fields.time("until"),
        status=fields.whole("status"),
        message=fields.text("message"),
        details={name: details[name] for name in FailureRecord.DETAILS if name in details},
        rest=fields.rest(),
    )


def _encode_naming(naming: NamingKey) -> dict[str, Any]:
    return {"key": b64encode(naming.key).decode(), "saved": naming.saved}


def _decode_naming(fields: _Fields) -> NamingKey:
    key = b64decode(fields.text("key"), validate=True)
    if len(key) != KEY_BYTES:
        _damaged("key")
    return NamingKey(key=key, saved=fields.time("saved"), rest=fields.rest())


_ENCODERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    TOKEN: _encode_access,
    LOGIN: _encode_login,
    CHAIN: _encode_login,
    REFUSED: _encode_failure,
    WAIT: _encode_failure,
    NAMING: _encode_naming,
}
_DECODERS: dict[str, Callable[[_Fields], Content]] = {
    TOKEN: _decode_access,
    LOGIN: _decode_login,
    CHAIN: _decode_login,
    REFUSED: _decode_failure,
    WAIT: _decode_failure,
    NAMING: _decode_naming,
}
