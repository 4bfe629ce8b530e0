"""The checks of many registrations, eight at a time."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from oauthreg._check.registration import RegistrationCheck
from oauthreg._check.results import CheckOptions, Result, Step
from oauthreg._manager.answers import unexpected
from oauthreg._manager.workers import Workers
from oauthreg._secret_values import ChainedToken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._check.probe import Probe
    from oauthreg._errors import Problem
    from oauthreg._registration import ClientRegistration
    from oauthreg._settings.usable import Usable

LANES = 8
OnStep = Callable[[str, str], None]


def check(
    usable: Usable,
    probe: Probe,
    options: CheckOptions,
    on_step: OnStep = lambda _id, _step: None,
) -> Iterator[Result]:
    """Check registrations; give each result as soon as it is there.

    Args:
        usable: The registrations, and what is wrong with those that cannot be used.
        probe: What the checks share.
        options: What they may do.
        on_step: Is given the id and the name of each step that begins, in another thread.
    """
    for id_, problems in usable.broken.items():
        yield Result(id=id_, steps=tuple(map(_problem_step, problems)))
    registrations = probe.configuration.registrations
    ids = [id_ for id_ in usable.ids if id_ not in usable.broken]
    ids.sort(key=partial(_depth, registrations))
    workers = Workers(LANES)
    done: queue.SimpleQueue[Result] = queue.SimpleQueue()
    for id_ in ids:
        workers.submit(partial(_check_one, probe, id_, options, on_step, done))
    for _ in ids:
        yield done.get()
    workers.close()


def _check_one(
    probe: Probe,
    registration_id: str,
    options: CheckOptions,
    on_step: OnStep,
    done: queue.SimpleQueue[Result],
) -> None:
    try:
        result = RegistrationCheck(probe, registration_id, options, on_step).run()
    except Exception as error:  # noqa: BLE001 - one check must not end the others
        seen = unexpected(error).message
        step = Step(name="settings", outcome="failed", seen=seen, remedy="Please report this.")
        result = Result(id=registration_id, steps=(step,))
    done.put(result)


def _problem_step(problem: Problem) -> Step:
    place = f" (in {problem.place})" if problem.place else ""
    seen = f"{problem.path} {problem.message}{place}"
    return Step(name="settings", outcome="failed", seen=seen, remedy=problem.remedy)


def _depth(registrations: Mapping[str, ClientRegistration], registration_id: str) -> int:
    """Return how many others' tokens come before a registration's own."""
    source = registrations[registration_id].subject_token
    if not isinstance(source, ChainedToken):
        return 0
    return 1 + _depth(registrations, source.registration_id)
