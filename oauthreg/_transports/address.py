"""Where a request may go: https, or plain http to loopback."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from oauthreg import _addresses
from oauthreg._errors import ConnectionFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oauthreg._addresses import Address

_RULE = "plain http is for loopback only: 127.0.0.0/8, ::1, and localhost where it is one of them"


def parse(url: str, *, link_local: bool = False) -> Address:
    """Take an address apart.

    Args:
        url: The address.
        link_local: Whether it may be a cloud's metadata service.

    Raises:
        ConnectionFailedError: it is no absolute address, or nothing may be sent to it.
    """
    try:
        address = _addresses.parse(url)
    except ValueError as error:
        refusal = _not_an_address(url, str(error))
    else:
        if address.origin.may_see_tokens or (link_local and address.origin.is_metadata_service):
            return address
        refusal = _not_loopback(address)
    raise refusal  # here, so that it has no context


def check_resolved(address: Address, resolved: Iterable[tuple[Any, ...]]) -> None:
    """Check what `getaddrinfo` made of a name that is asked in the clear.

    Raises:
        ConnectionFailedError: one of the addresses is not where such a name may be.
    """
    found = {entry[4][0] for entry in resolved}
    if address.origin.is_metadata_service and found != {_addresses.METADATA_ADDRESS}:
        raise ConnectionFailedError(
            f"nothing was sent to {address.endpoint}: it is not at {_addresses.METADATA_ADDRESS}",
            endpoint=address.endpoint,
            retryable=False,
        )
    if address.origin.must_resolve_to_loopback and not all(map(_addresses.is_loopback, found)):
        raise _not_loopback(address)


def _not_an_address(url: str, reason: str) -> ConnectionFailedError:
    endpoint = re.sub(r"//.*@", "//", re.split(r"[?#]", url, maxsplit=1)[0])
    return ConnectionFailedError(
        f"{endpoint!r} is not an address that can be asked: it {reason}",
        endpoint=endpoint,
        retryable=False,
    )


def _not_loopback(address: Address) -> ConnectionFailedError:
    return ConnectionFailedError(
        f"nothing was sent to {address.endpoint}: {_RULE}",
        endpoint=address.endpoint,
        retryable=False,
        hint="Use https",
    )
