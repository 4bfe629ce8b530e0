"""What a token flow knows of credentials that the server refused to other processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from oauthreg._errors import TokenEndpointError
    from oauthreg._flow import Flow


class SharedRefusals(Protocol):
    """Credentials that the server refused, shared with other processes."""

    def check(self, credential: object) -> Flow[None]:
        """Raise the refusal of a credential, if another process got it a moment ago."""

    def note(self, credential: object, error: TokenEndpointError) -> Flow[None]:
        """Tell other processes that the server refused a credential."""


class NotShared:
    """Refused credentials without a store: each process finds out for itself."""

    def check(self, credential: object) -> Flow[None]:  # noqa: ARG002 - as the protocol
        """Know nothing."""
        yield from ()

    def note(self, credential: object, error: TokenEndpointError) -> Flow[None]:  # noqa: ARG002 - likewise
        """Tell nobody."""
        yield from ()
