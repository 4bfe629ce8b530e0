"""What a check found, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["ok", "warning", "skipped", "failed"]
STEPS = (
    *("settings", "name", "tls", "metadata", "login", "secret"),
    *("token", "latency", "scopes", "lifetime", "clock", "api"),
)
"""Every step that a check may take, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a check.

    Attributes:
        name: One of `STEPS`.
        outcome: `ok`; `warning`, which is well but worth a look; `skipped`; or `failed`.
        seen: What was seen, in words; never a credential.
        remedy: What to do, where something is wrong.
        seconds: How long it took, where that says something.
    """

    name: str
    outcome: Outcome
    seen: str
    remedy: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the check of one registration found.

    Attributes:
        id: The registration's id.
        steps: What was done, in order.
        provider: Its provider's name; None where the settings are wrong.
        grant: Its grant, as settings write it; None likewise.
    """

    id: str
    steps: tuple[Step, ...] = field(default=())
    provider: str | None = None
    grant: str | None = None

    @property
    def ok(self) -> bool:
        """Whether no step failed."""
        return not self.failed

    @property
    def failed(self) -> tuple[Step, ...]:
        """The steps that failed."""
        return tuple(step for step in self.steps if step.outcome == "failed")

    @property
    def misconfigured(self) -> bool:
        """Whether its settings are wrong."""
        return any(step.name == "settings" for step in self.failed)

    @property
    def warnings(self) -> tuple[Step, ...]:
        """The steps that are worth a look."""
        return tuple(step for step in self.steps if step.outcome == "warning")

    def step(self, name: str) -> Step | None:
        """Return a step by its name; None if it was not taken."""
        return next((step for step in self.steps if step.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What a check may do.

    Attributes:
        offline: Stop before the network.
        renew: Spend refresh tokens, those of logins too.
        password_grants: Send passwords.
        api: Ask the addresses of `urls` with the token.
        force: Ask an endpoint that asked other processes to wait, too.
        principal: Whose login is looked up.
        timeout: Seconds for each registration, at most; None: what its http profile allows.
    """

    offline: bool = False
    renew: bool = False
    password_grants: bool = False
    api: bool = False
    force: bool = False
    principal: str | None = None
    timeout: float | None = None
