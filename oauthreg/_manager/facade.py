"""What both managers have alike: every method that never waits."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NoReturn, Self

from oauthreg._manager.core import Core
from oauthreg._manager.options import checked_ids, read_hidden
from oauthreg._manager.registry import RegistrationRegistry
from oauthreg._masked import Hidden
from oauthreg._registration import ClientRegistration
from oauthreg._reports import Health, RegistrationStatus
from oauthreg._settings.load import Configuration, Settings, load
from oauthreg.events import Event, Listener, Served

_MISSING: Any = object()


class Facade:
    """A manager's methods that never wait.

    Args:
        core: Registry and renewal engine, which `from_settings` builds.
    """

    def __init__(self, core: Core = _MISSING) -> None:
        if not isinstance(core, Core):
            name = type(self).__name__
            raise TypeError(f"build it by {name}.from_settings(), with a path or a mapping")
        self._core = core

    @classmethod
    def from_settings(
        cls,
        settings: Settings = None,
        *,
        only: str | Iterable[str] | None = None,
        profile: str | None = None,
        env_file: str | os.PathLike[str] | None = None,
        secrets_dir: str | os.PathLike[str] | None = None,
        arguments: Mapping[str, Any] | None = None,
        on_event: Listener | None = None,
    ) -> Self:
        """Build a manager from settings. Does no network I/O; safe before a fork.

        Args:
            settings: A path or several, later ones override; or the whole configuration as a
                mapping, which reads nothing else. Without it: `OAUTHREG_SETTINGS`, else
                `settings.toml` in the working directory, else the `[tool.oauthreg]` table of
                `pyproject.toml` there; with the environment, and the `.env` beside the file.
            only: Resolve just these registrations: one id, or several.
            profile: Read `<stem>.<profile><suffix>` too; default: `OAUTHREG_PROFILE`.
            env_file: A `.env` file; default: `OAUTHREG_ENV_FILE`, or the one beside the default
                settings file.
            secrets_dir: A folder with one file per setting; default: `OAUTHREG_SECRETS_DIR`.
            arguments: Settings that override every other source.
            on_event: Subscribed to every event but `Served`, which would make hits dearer.

        Raises:
            ConfigurationError: with every problem of every registration.
        """
        asked = only if only is None else checked_ids(only)
        sources = {"profile": profile, "env_file": env_file, "secrets_dir": secrets_dir}
        given = Hidden((settings, arguments))
        del settings, arguments  # tables may hold secrets

        def load_again() -> Configuration:
            return read_hidden(
                lambda one: load(one[0], only=asked, arguments=one[1], **sources), given
            )

        core = Core(RegistrationRegistry(load_again(), load_again))
        if on_event is not None:
            core.subscribe(_all_but_served(), on_event)
        manager = cls(core)
        manager._start_warm_up()
        return manager

    @property
    def registrations(self) -> Mapping[str, ClientRegistration]:
        """Every registration by its id."""
        return self._core.registry.registrations

    def register(self, registration_id: str, settings: Mapping[str, Any]) -> ClientRegistration:
        """Add or replace a registration at run time.

        Args:
            registration_id: Its id.
            settings: Its table, as under `registration.<id>` in a settings file.

        Raises:
            ConfigurationError: with every problem of it; nothing was changed then.
        """
        hidden = Hidden(settings)
        del settings
        return self._core.register(registration_id, hidden)

    def remove(self, registration_id: str) -> None:
        """Forget a registration and its tokens.

        Raises:
            UnknownRegistrationError: there is none of this id.
        """
        self._core.remove(registration_id)

    def override(
        self, registration_id: str, token_value: str | None
    ) -> AbstractContextManager[None]:
        """Hand out a fixed token instead of a real one, for tests; no request is sent.

        It counts at once, in every thread and for every principal, until it is replaced, or ended
        by None. As a context manager (`with manager.override("my-client", "a-token"):`) it ends
        with the block, and what was handed out before comes back.

        Raises:
            UnknownRegistrationError: there is no registration of this id.
            ValueError: it is no token that could be sent.
        """
        hidden = Hidden(token_value)
        del token_value
        return _Override(self._core.override(registration_id, hidden))

    def reject(self, registration_id: str, token_value: str) -> None:
        """Report that an API rejected this token, so that the next `authorize` renews it.

        At most once per token, however many callers report it. When fresh tokens are rejected
        too, renewals are spaced: one second, doubling to a minute, until five minutes without.
        """
        hidden = Hidden(token_value)
        del token_value
        self._core.reject(registration_id, hidden)

    def status(self) -> Mapping[str, RegistrationStatus]:
        """Return the state of every registration's own token, without any token.

        Each has `state` (`fresh`, `stale`, `rejected`, `none`), `seconds_left` by the server's
        expiry, `renewing`, and while a failure is waited for its `error` and `retry_after`.
        `store` is None for a token that stays in this process, else the `type` of the store; if
        its last call failed, also why (`failure`) and the seconds until the next (`retry_after`).
        """
        return self._core.status()

    def health(self) -> Mapping[str, Health]:
        """Return whether every registration gets its tokens: by id its `state`, `reason`, `since`.

        `ready`: nothing failed since the last success; also never asked, or ended unused.
        `degraded`: there is a valid token, but renewals fail. `down`: the last attempt failed,
        and there is no valid token. For tokens of users, or for a caller's token, only failures
        of the client or the endpoint count. A store has an entry `token_store`, which no
        registration can be called: `degraded` while this process goes on without it.

        Asks nobody, and never waits. `since` is the first failure after the last success (UTC).
        """
        return self._core.health()

    def subscribe(
        self, kinds: Iterable[type[Event]] | type[Event], listener: Callable[[Any], object]
    ) -> None:
        """Call a listener with every event of these kinds (`oauthreg.events`) from now on.

        Any number of listeners may subscribe, each is called in the thread or task where the
        event happens, and its exceptions are logged. Only a listener that asks for `Served` makes
        hits dearer.

        Raises:
            TypeError: a kind is no event class, or the listener cannot be called.
        """
        self._core.subscribe(kinds, listener)

    def _start_warm_up(self) -> None:
        """Begin to authorize what is eager."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.registrations)} registrations>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} is neither copied nor pickled, it holds live tokens and "
            "connections: build one in each process by from_settings(), and pass registration ids"
        )


@dataclass(frozen=True, slots=True)
class _Override(AbstractContextManager[None]):
    """An override that ends with a `with` block."""

    undo: Callable[[], None]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.undo()


def _all_but_served() -> tuple[type[Event], ...]:
    return tuple(kind for kind in Event.__subclasses__() if kind is not Served)
