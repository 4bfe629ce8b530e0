"""One flow of a plugin, driven by itself: its steps are performed as the manager would."""

from __future__ import annotations

from itertools import chain, repeat
from typing import TYPE_CHECKING

from oauthreg._flow import NeedMetadata, NeedToken, Pause, ReadSecret, TokenRequest
from oauthreg._manager.answers import read_secret
from oauthreg.testing._kit.answers import ID, TOKEN, expect
from oauthreg.testing._kit.managers import Script, answered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oauthreg._flow import Step
    from oauthreg._registration import ProviderDetails
    from oauthreg.testing._kit.answers import Event

MOST_REQUESTS = 10
MOST_STEPS = 20


class EndlessError(AssertionError):
    """A flow does not end by itself."""


class Performer:
    """Performs the steps of one flow from a script, a bounded number of them.

    Args:
        script: What comes of its requests.
        details: Whose metadata it is asked for.
        then: What comes of every further request; without it, there must be none.
    """

    def __init__(
        self, script: Sequence[Event], details: ProviderDetails, *, then: Event | None = None
    ) -> None:
        self.steps: list[Step] = []
        self._metadata = Script(details, ()).metadata
        self._events = chain(script, [] if then is None else repeat(then))

    @property
    def requests(self) -> list[TokenRequest]:
        """The requests that were made."""
        return [step for step in self.steps if isinstance(step, TokenRequest)]

    def perform(self, step: Step) -> object:
        """Answer one step."""
        self.steps.append(step)
        if len(self.steps) > MOST_STEPS:
            raise EndlessError(f"the flow takes more than {MOST_STEPS} steps")
        match step:
            case TokenRequest():
                if len(self.requests) > MOST_REQUESTS:
                    raise EndlessError(f"the flow makes more than {MOST_REQUESTS} requests")
                return answered(self._events, step)
            case NeedToken(registration_id):
                expect(registration_id != ID, "the flow asks for the token that it has to get")
                return TOKEN
            case NeedMetadata():
                return self._metadata
            case ReadSecret():
                return read_secret(step)
            case Pause():
                return None
        raise AssertionError(f"a plugin's flow may not yield {step!r}")

    @property
    def said(self) -> list[object]:
        """The steps by value, without signatures, which may differ each time."""
        return [by_value(step) for step in self.steps]


class Ids:
    """Gives predictable ids, and counts them."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.given = 0

    def __call__(self) -> str:
        """Give the next one."""
        self.given += 1
        return f"{self._prefix}-{self.given}"


def by_value(step: Step) -> object:
    """Return what can be compared of a step."""
    if not isinstance(step, TokenRequest):
        return step
    pairs = [(name, _unsigned(value)) for name, value in (*step.form, *step.headers)]
    return step.method, step.url, step.content, pairs


def _unsigned(text: str) -> str:
    return text.rpartition(".")[0] if text.count(".") == 2 and "eyJ" in text else text  # noqa: PLR2004 - a JWT has three parts
