"""The one token request of a check, and what was seen of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from oauthreg._errors import AuthorizationError
from oauthreg._flow import NeedMetadata, TokenRequest
from oauthreg._renewal.flow_inputs import FlowInputs
from oauthreg._renewal.refusals import NotShared
from oauthreg._renewal.token_flow import token_flow

if TYPE_CHECKING:
    from oauthreg._discovery import Metadata
    from oauthreg._errors import TokenEndpointError
    from oauthreg._flow import Flow, Granted
    from oauthreg._renewal.fetches import TokenFetch
    from oauthreg._renewal.flight import Procedure
    from oauthreg._renewal.refusals import SharedRefusals

T = TypeVar("T")


@dataclass(slots=True)
class Seen:
    """What was seen of the requests of one registration.

    Attributes:
        seconds: How long the last answer took.
        ahead: Seconds by which the server's clock is ahead of this machine's; None if unknown.
    """

    seconds: float | None = None
    ahead: float | None = None

    def note(self, headers: Any, begun: float, wall: float) -> None:
        """Note an answer: the server dated it between the request and now, to the second."""
        self.seconds = time.monotonic() - begun
        try:
            dated = parsedate_to_datetime(headers.get("date", "")).timestamp()
        except (TypeError, ValueError):
            return
        early, late = dated - (wall + self.seconds), dated + 1.0 - wall
        self.ahead = 0.0 if early <= 0 <= late else (early if early > 0 else late)


@dataclass(slots=True)
class OneTry:
    """Lets a flow try one credential only, and after what other processes were refused.

    Attributes:
        shared: What other processes were refused.
        failure: The refusal that this flow got.
    """

    shared: SharedRefusals = field(default_factory=NotShared)
    failure: TokenEndpointError | None = None

    def check(self, credential: object) -> Flow[None]:
        """Raise the refusal of an earlier credential, here or in another process."""
        if self.failure is not None:
            raise self.failure
        yield from self.shared.check(credential)

    def note(self, credential: object, error: TokenEndpointError) -> Flow[None]:
        """Remember a refusal; other processes find out for themselves."""
        del credential
        self.failure = error
        yield from ()


def one_token(
    fetch: TokenFetch, inputs: FlowInputs, seen: Seen, metadata: Metadata | None
) -> Procedure[Granted]:
    """Fetch a token by one request; only a DPoP nonce that the server asks for is a second one.

    Args:
        fetch: What is fetched.
        inputs: The flow's inputs.
        seen: What was seen is noted here.
        metadata: The provider's metadata, where it was fetched.

    Raises:
        AuthorizationError: it failed.
    """
    return (yield from watched(token_flow(fetch, inputs), seen, metadata))


def watched(flow: Procedure[T], seen: Seen, metadata: Metadata | None = None) -> Procedure[T]:
    """Pass a flow's steps on, answer what is known, and note what is seen of its requests."""
    try:
        step = next(flow)
        while True:
            if isinstance(step, NeedMetadata) and metadata is not None:
                step = flow.send(metadata)
                continue
            begun, wall = time.monotonic(), time.time()
            try:
                answer = yield step
            except AuthorizationError as error:
                step = flow.throw(error)
                continue
            if isinstance(step, TokenRequest):
                seen.note(answer.headers, begun, wall)
            step = flow.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        flow.close()
