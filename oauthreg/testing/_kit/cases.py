"""One registration of a plugin, as the kit tries it: its settings, its script, its attempts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from oauthreg._errors import AuthorizationError, PluginFailedError
from oauthreg._flow import TokenRequest, TokenResponse, run
from oauthreg._grants.table import GRANTS, canonical_grant
from oauthreg._provider import ProviderPlugin
from oauthreg._registration import AuthorizedClient
from oauthreg._settings.load import Configuration, load
from oauthreg.testing._kit.answers import ID, NOW, SECRET, Event, expect
from oauthreg.testing._kit.generated import text_file
from oauthreg.testing._kit.managers import Script, ScriptedManager, authorize_in_a_task
from oauthreg.testing._kit.performer import Ids, Performer

if TYPE_CHECKING:
    from oauthreg._protocol.context import PluginContext

E = TypeVar("E", bound=AuthorizationError)
CREDENTIALS = frozenset(
    {
        *("client-secret", "client-secret-file", "client-secret-ref", "client-secrets"),
        *("private-key", "private-key-file", "private-key-ref"),
        *("assertion", "assertion-file", "assertion-ref", "certificate-file"),
        *("credentials-file", "credentials-ref"),
    }
)


@dataclass(frozen=True)
class Case:
    """A registration of one plugin.

    Attributes:
        title: What it is called in failures.
        plugin: The plugin's class.
        name: The name of its entry point.
        settings: The table of the provider, without `type`.
        registration: The table of the registration, complete.
        script: What the vendor answers to the requests of one flow.
        now: Seconds since the epoch at which it is tried.
        scripted: Whether the author wrote the script: the embedded server cannot stand in.
    """

    title: str
    plugin: type[ProviderPlugin[Any]]
    name: str
    settings: Mapping[str, Any]
    registration: Mapping[str, Any]
    script: Sequence[Event]
    now: float = NOW
    scripted: bool = False

    @property
    def last(self) -> TokenResponse:
        """The answer with the token."""
        event = self.script[-1]
        expect(isinstance(event, TokenResponse), "the script does not end with an answer")
        return cast("TokenResponse", event)

    @cached_property
    def configuration(self) -> Configuration:
        """The whole configuration, read once: keys take their time."""
        provider = {ID: {**self.settings, "type": self.name}}
        return load({"provider": provider, "registration": {ID: self.registration}})

    @contextmanager
    def manager(self, script: Sequence[Event] = ()) -> Iterator[ScriptedManager]:
        """Give the manager for threads over a script."""
        with ScriptedManager(self.configuration, script or self.script, self.now) as manager:
            yield manager

    def under(self, settings: Mapping[str, Any]) -> Case:
        """Return the same under other settings of the provider."""
        return replace(self, settings=settings)

    def attempt(self) -> tuple[ProviderPlugin[Any], PluginContext | None]:
        """Return the plugin, and the context of its flow; None if it needs no request."""
        with self.manager() as manager:
            plugin, contexts = manager.plugin, []
            flow = plugin.flow

            def spy(context: PluginContext) -> object:
                contexts.append(context)
                return flow(context)

            vars(plugin)["flow"] = spy
            manager.authorize(ID, principal=ID)
            del vars(plugin)["flow"]
        return plugin, contexts[0] if contexts else None

    def performed(
        self, context: PluginContext, plugin: ProviderPlugin[Any], *, then: Event | None = None
    ) -> Performer:
        """Return who performed one flow, over the script or over one answer again and again."""
        script = self.script if then is None else ()
        performer = Performer(script, context.registration.provider, then=then)
        run(plugin.flow(context), performer.perform)
        return performer

    def requests(self) -> list[TokenRequest]:
        """Return what one flow sends."""
        plugin, context = self.attempt()
        return self.performed(context, plugin).requests if context is not None else []

    def sent_by_known_ids(self) -> list[TokenRequest]:
        """Return the same, with ids that are alike each time."""
        plugin, context = self.attempt()
        if context is None:
            return []
        return self.performed(replace(context, new_id=Ids("id")), plugin).requests

    def outcome(
        self,
        script: Sequence[Event] = (),
        *,
        prepare: Callable[[ProviderPlugin[Any]], object] | None = None,
    ) -> tuple[AuthorizedClient | AuthorizationError, Script]:
        """Return what `authorize` gives or raises over a script, and the script after that.

        Args:
            script: Instead of the case's own.
            prepare: Called with the plugin before.
        """
        with self.manager(script) as manager:
            if prepare is not None:
                prepare(manager.plugin)
            try:
                client = manager.authorize(ID, principal=ID)
            except PluginFailedError as error:
                last = (script or self.script)[-1]
                raise AssertionError(f"{last!r}: {error}") from error.exception
            except AuthorizationError as error:
                return error, manager.script
        return client, manager.script

    def outcome_in_a_task(
        self, script: Sequence[Event] = ()
    ) -> tuple[AuthorizedClient | AuthorizationError, Script]:
        """Return the same of the manager for asyncio."""
        work = authorize_in_a_task(self.configuration, script or self.script, self.now)
        return asyncio.run(work)

    def granted(self, script: Sequence[Event] = ()) -> AuthorizedClient:
        """Return the client that is authorized over a script."""
        outcome, _ = self.outcome(script)
        if isinstance(outcome, AuthorizationError):
            raise AssertionError(f"it was refused: {outcome}") from outcome  # noqa: TRY004 - a check
        return outcome

    def raised(self, script: Sequence[Event]) -> AuthorizationError:
        """Return what `authorize` raises over a script whose last answer is repeated."""
        outcome, _ = self.outcome(script)
        if isinstance(outcome, AuthorizationError):
            return outcome
        raise AssertionError(f"{script[-1]!r} was taken for a token")

    def refused(self, last: TokenResponse, kind: type[E]) -> E:
        """Return the error for an answer in the token's place, of the kind it has to be."""
        error = self.raised([*self.script[:-1], last])
        if isinstance(error, kind):
            return error
        raise AssertionError(f"{last!r} became {type(error).__name__}: {error}") from error

    def at(self, now: float, script: Sequence[Event]) -> Case:
        """Return the same at another time, over another script."""
        other = replace(self, now=now, script=script)
        vars(other)["configuration"] = self.configuration  # which is the same, and takes its time
        return other


def complete(plugin: type[ProviderPlugin[Any]], table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a registration with what its grant and its client authentication need.

    A callable value is called: `{"private-key-file": key_file}`.
    """
    given = {name: value() if callable(value) else value for name, value in table.items()}
    stated = {**plugin.defaults, **given}
    method = stated.get("client-authentication-method", plugin.client_authentication_method)
    documented = bool({"credentials-file", "credentials-ref"} & given.keys())
    needed: dict[str, Any] = {}
    if not (documented and "client-id" in plugin.document):
        needed["client-id"] = ID
    if method != "none" and not CREDENTIALS & given.keys():
        needed["client-secret"] = SECRET
    grant = GRANTS.get(canonical_grant(str(stated.get("authorization-grant-type") or "")))
    if grant is not None:
        needed |= _needed_by(grant.setting, login=grant.login is not None, given=given)
    return {**needed, **given, "provider": ID}


def _needed_by(grant: str, *, login: bool, given: Mapping[str, Any]) -> dict[str, Any]:
    refreshes = login or grant == "refresh_token"
    if refreshes and not any(name.startswith("refresh-token") for name in given):
        return {"refresh-token-file": text_file("a-refresh-token-of-the-kit")}
    exchanges = grant == "token-exchange" or (grant == "jwt-bearer" and not _signs(given))
    if exchanges and not any(name.startswith("subject-token") for name in given):
        return {"subject-token-file": text_file("a-subject-token-of-the-kit")}
    if grant == "password" and "password" not in given:
        return {"username": "alice", "password": "a-password-of-the-kit"}
    return {}


def _signs(given: Mapping[str, Any]) -> bool:
    return any(name.startswith(("private-key", "credentials")) for name in given)
