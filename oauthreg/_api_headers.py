"""The header fields of requests to a vendor's API: templates over the token and the settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter
from typing import TYPE_CHECKING

from oauthreg._templates import UnfitSettingError, fields_in, is_secret

if TYPE_CHECKING:
    from pydantic import BaseModel

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?|")
OF_THE_CLIENT = ("token_type", "access_token", "client_id")
"""What is filled in for each token; everything else is a setting."""

_NOT_OURS = frozenset(
    {"connection", "content-length", "content-type", "cookie", "dpop", "host", "transfer-encoding"}
)


def checked_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return header fields of which the first carries the token.

    Raises:
        ValueError: there is none, it lacks the token, or what is no header field is among them.
    """
    names = [name.lower() for name in headers]
    if not headers or "{access_token}" not in next(iter(headers.values())):
        raise ValueError("must have {access_token} in the first header: that one is the token's")
    for name in headers:
        if not HEADER_NAME.fullmatch(name) or name.lower() in _NOT_OURS:
            raise ValueError(f"must not have {name!r}: it is no header field, or the request's own")
        if names.count(name.lower()) > 1:
            raise ValueError(f"must not have {name!r} twice")
    return {
        "Authorization" if name.lower() == "authorization" else name: template
        for name, template in headers.items()
    }


def check_template(template: str, settings: type[BaseModel]) -> None:
    """Check the template of one header field when its class is made.

    Raises:
        TypeError: a placeholder names no setting, or a secret; or it makes no header field.
    """
    known = {**settings.model_fields, **dict.fromkeys(OF_THE_CLIENT)}
    for name in fields_in(template, known, settings.__name__):
        field = settings.model_fields.get(name)
        if name not in OF_THE_CLIENT and field is not None and is_secret(field):
            raise TypeError(f": {{{name}}} is a secret, which is not kept for requests to APIs")
    text = "".join(part for part, *_ in Formatter().parse(template))
    if not HEADER_VALUE.fullmatch(f"x{text}x"):
        raise TypeError(": must be printable ASCII characters, as header fields are")


def filled_headers(headers: Mapping[str, str], settings: BaseModel) -> dict[str, str]:
    """Return the header fields with the settings filled in: templates over `OF_THE_CLIENT`.

    One with a setting that is not set is left out.

    Raises:
        UnfitSettingError: a setting cannot stand in a header field.
    """
    filled = {name: _filled(template, settings) for name, template in headers.items()}
    return {name: template for name, template in filled.items() if template is not None}


def _filled(template: str, settings: BaseModel) -> str | None:
    done = []
    for text, name, _, _ in Formatter().parse(template):
        done.append(_escaped(text))
        if name in OF_THE_CLIENT:
            done.append(f"{{{name}}}")
        elif name is not None:
            value = getattr(settings, name)
            if value is None:
                return None
            if not HEADER_VALUE.fullmatch(str(value)):
                words = "must be printable ASCII characters: it stands in a header field"
                raise UnfitSettingError(name.replace("_", "-"), words)
            done.append(_escaped(str(value)))
    return "".join(done)


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
