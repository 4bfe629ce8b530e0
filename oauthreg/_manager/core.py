"""The core that both facades share: registry, renewal engine, hit path, and the calls they take."""

from __future__ import annotations

import atexit
import os
import secrets
import threading
import weakref
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from oauthreg._errors import ManagerClosedError, UnknownRegistrationError
from oauthreg._grants.table import GRANTS
from oauthreg._manager import created
from oauthreg._manager.flights import CALLER_MARGIN, Flights
from oauthreg._manager.options import (
    DAY,
    checked_id,
    checked_token,
    login_required,
    needs_principal,
    read_hidden,
    read_options,
)
from oauthreg._manager.process import process_lock
from oauthreg._manager.store_use import StoreUse
from oauthreg._manager.workers import Workers
from oauthreg._protocol.responses import HEADER_SAFE
from oauthreg._renewal.clocks import Clocks
from oauthreg._renewal.engine import Engine
from oauthreg._renewal.engine_state import EngineState
from oauthreg._renewal.fetches import TokenFetch, labels
from oauthreg._renewal.health import READY, STORE
from oauthreg._renewal.refresh_chain import chain_name
from oauthreg._renewal.store_rules import lease_seconds
from oauthreg._renewal.token_records import TokenRecords
from oauthreg._secret_values import Secret
from oauthreg._subscriptions import Subscriptions
from oauthreg._token_key import request_principal, token_key
from oauthreg.events import Event, Served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from oauthreg._manager.registry import RegistrationRegistry
    from oauthreg._masked import Hidden
    from oauthreg._registration import AuthorizedClient, ClientRegistration
    from oauthreg._renewal.engine import Decision
    from oauthreg._renewal.flight import Procedure
    from oauthreg._reports import Health, RegistrationStatus
    from oauthreg._secret_values import TokenOf
    from oauthreg._settings.load import Configuration, ResolvedRegistration
    from oauthreg.events import Listener


class Core:
    """Everything of a manager but how it waits.

    Args:
        registry: The registrations.
        clocks: Time and randomness.
        token_of: Gives the token of another registration within so many seconds, instead of
            this core itself.

    Attributes:
        hot: The tables of the hit path.
        workers: Threads for blocking reads, and for the requests of the manager for threads.
        store: The store, if the settings name one.
    """

    def __init__(
        self,
        registry: RegistrationRegistry,
        *,
        clocks: Clocks | None = None,
        token_of: Callable[[str, float], Procedure[str]] | None = None,
    ) -> None:
        self.clocks = clocks or Clocks()
        self.registry = registry
        self.events = Subscriptions()
        self.state = EngineState(self.clocks, self.events.publish)
        self.engine = Engine(self.state)
        self.records = TokenRecords(self.state)
        self.flights = Flights(
            self.state, self.engine, self.records, self.events, token_of or self.token_of
        )
        self.hot = self.state.hot
        self.workers = Workers()
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._fingerprint_key = secrets.token_bytes(32)
        self._plain: dict[str, TokenFetch] = {}
        self._overrides: dict[str, Secret] = {}
        self._facades: dict[str, Any] = {}
        self._closers: list[Callable[[], object]] = []
        self.store = StoreUse(
            registry, self.state, self.engine, self.records, self.flights, self.fetch
        )
        self.store.open()
        _cores.add(self)
        for listener in tuple(created.listeners):
            listener(self)

    def authorize(
        self, registration_id: str, options: Mapping[str, Any]
    ) -> Procedure[AuthorizedClient]:
        """Authorize one call that the hit path could not serve.

        Raises:
            TypeError: an option of this name does not exist, or its value is of a wrong kind.
            UnknownRegistrationError: there is no registration of this id.
            AuthorizationError: there is no live token.
            ManagerClosedError: the manager is closed.
        """
        self.check_open()
        hot_key = self.hot.key(registration_id, options)  # before the registration: see HotKey
        resolved = self.registry.find(registration_id)
        registration = resolved.registration
        call = read_options(registration, options)
        override = self.fixed_token(registration.registration_id)
        if override is None and call.principal is None and needs_principal(registration):
            raise login_required(registration)
        fetch = self.fetch(
            resolved,
            call.registration,
            call.principal,
            subject_token=call.subject_token,
            actor_token=call.actor_token,
        )
        if override is not None:
            return fetch.client(fetch.fixed_token(override, self.clocks.now()))
        timeout = call.timeout
        decision = yield from self.flights.obtain(
            fetch,
            self._default_timeout(fetch) if timeout is None else timeout,
            hot_key=hot_key,
            min_ttl=call.min_ttl,
            force=call.force,
        )
        return self._served(fetch, decision)

    def token_of(self, registration_id: str, timeout: float) -> Procedure[str]:
        """Return the token of another registration, within so many seconds."""
        client = yield from self.authorize(registration_id, {"timeout": min(timeout, DAY)})
        return client.access_token.token_value

    def fetch(
        self,
        resolved: ResolvedRegistration,
        registration: ClientRegistration | None = None,
        principal: str | None = None,
        *,
        subject_token: Secret | TokenOf | None = None,
        actor_token: Secret | TokenOf | None = None,
    ) -> TokenFetch:
        """Return the fetch of a registration's token, with a call's options in it."""
        own = resolved.registration
        asked = registration or own
        principal = own.principal if principal is None else principal
        plain = asked is own and principal is own.principal
        plain = plain and subject_token is actor_token is None
        known = self._plain.get(own.registration_id) if plain else None
        if known is not None and known.registration is own:
            return known
        tokens = {"subject_token": subject_token, "actor_token": actor_token}
        key = token_key(
            asked,
            fingerprint_key=self._fingerprint_key,
            key_of=self._key_of,
            principal=request_principal(asked, resolved.plugin, principal),
            **tokens,
        )
        chain = chain_name(asked, principal, fingerprint_key=self._fingerprint_key)
        fetch = TokenFetch(
            key=key,
            registration=asked,
            plugin=resolved.plugin,
            principal=principal,
            refresh_chain=chain,
            own=plain and GRANTS[own.authorization_grant_type].acts_for_client(own),
            **tokens,
        )
        if plain:
            self._plain[own.registration_id] = fetch
        return fetch

    def override(self, registration_id: str, token_value: Hidden) -> Callable[[], None]:
        """Serve a fixed token instead of a real one; None ends that.

        Returns:
            What puts back what was served before.

        Raises:
            UnknownRegistrationError: there is no registration of this id.
            ValueError: it is no token that could be sent.
        """
        self.check_open()
        known = self.registry.find(registration_id).registration.registration_id
        before = self._overrides.get(known)
        if token_value.value is None:
            self._override(known, None)
        elif isinstance(token_value.value, str) and HEADER_SAFE.fullmatch(token_value.value):
            self._override(known, Secret(token_value.value))
        else:
            raise ValueError("a token is a non-empty text of printable ASCII without spaces")
        return lambda: self._override(known, before)

    def reject(self, registration_id: str, token_value: Hidden) -> None:
        """Mark a token as rejected by an API."""
        self.check_process()
        token = checked_token(token_value)
        if token is None:
            raise TypeError("token_value must be the token that the API rejected; it is None")
        self.records.reject(checked_id(registration_id), token.get_secret_value())

    def fixed_token(self, registration_id: str) -> Secret | None:
        """Return the token that stands for a registration's real ones, if one does."""
        override = self._overrides.get(registration_id)
        return self.registry.fixed_token(registration_id) if override is None else override

    def invalidate(self, registration_id: str) -> None:
        """Drop a registration's access tokens."""
        self.check_open()
        self.records.forget(self.registry.find(registration_id).registration.registration_id)

    def register(self, registration_id: str, settings: Hidden) -> ClientRegistration:
        """Add or replace a registration."""
        self.check_open()
        register = partial(self.registry.register, registration_id)
        registration, changed = read_hidden(register, settings)
        self._replaced(changed)
        return registration

    def remove(self, registration_id: str) -> None:
        """Remove a registration and its tokens."""
        self.check_open()
        known = self.registry.remove(registration_id)
        self._overrides.pop(known, None)
        self._replaced({known})

    def adopt(self, configuration: Configuration) -> None:
        """Take a configuration that was read again."""
        self._replaced(self.registry.adopt(configuration))
        self.store.open()

    def status(self) -> Mapping[str, RegistrationStatus]:
        """Return the state of every registration's own token, without any token."""
        self.check_process()
        fetches = [self.fetch(resolved) for resolved in self.registry.resolved()]
        store = self.store.state()
        return {
            fetch.name: {
                **self.records.status(fetch),
                "store": store if self.flights.shared_by(fetch) is not None else None,
            }
            for fetch in fetches
        }

    def health(self) -> Mapping[str, Health]:
        """Return whether every registration gets its tokens, and the store answers."""
        self.check_process()
        found = {
            name: READY if self.fixed_token(name) else self.records.health(self.fetch(resolved))
            for name, resolved in self.registry.by_id().items()
        }
        sharing = self.flights.sharing
        return found if sharing is None else {**found, STORE: sharing.access.health()}

    def subscribe(self, kinds: Iterable[type[Event]] | type[Event], listener: Listener) -> None:
        """Call a listener with every event of these kinds."""
        self.events.add(kinds, listener)
        if self.events.wants(Served):
            self.state.clear_hot_path(off=True)

    def unsubscribe(self, listener: Listener) -> None:
        """Call a listener no more; hits are fast again if no other asks for them."""
        self.events.remove(listener)
        if not self.state.closed:
            self.state.clear_hot_path(off=self.events.wants(Served))

    def eager(self) -> tuple[str, ...]:
        """Return the ids of registrations that are authorized at start-up."""
        return tuple(
            resolved.registration.registration_id
            for resolved in self.registry.resolved()
            if resolved.registration.eager
        )

    def facade(self, kind: str) -> Any:
        """Return the facade `sync` or `async` over this core: the same one each time."""
        with self._lock:
            if kind not in self._facades:
                module, name = _FACADES[kind]
                getattr(import_module(module), name)(self)
            return self._facades[kind]

    def add_facade(self, kind: str, facade: object) -> None:
        """Note a facade over this core; the first of its kind stays."""
        self._facades.setdefault(kind, facade)

    def on_close(self, closer: Callable[[], object]) -> None:
        """Call a function, which must not block, when the core is closed."""
        self._closers.append(closer)

    def check_open(self) -> None:
        """Raise ManagerClosedError if the manager is closed."""
        if self.state.closed:
            raise ManagerClosedError
        self.check_process()

    def check_process(self) -> None:
        """Make anew what belongs to a process, if this is another one than before."""
        if self._pid == os.getpid():
            return
        with process_lock():
            if self._pid != os.getpid():
                self._lock = threading.RLock()
                self.registry.reset_after_fork()
                self.state.reset_after_fork()
                self._pid = os.getpid()

    def close(self) -> bool:
        """End renewals; False if the manager was closed before."""
        self.check_process()
        with self._lock:
            if self.state.closed:
                return False
            self.state.close()
        self.flights.close()
        self.workers.close()
        self.store.close()
        for closer in self._closers:
            closer()
        return True

    def _override(self, registration_id: str, token: Secret | None) -> None:
        if token is None:
            self._overrides.pop(registration_id, None)
        else:
            self._overrides[registration_id] = token
        self.state.clear_hot_path()
        self.records.forget(registration_id)

    def _served(self, fetch: TokenFetch, decision: Decision) -> AuthorizedClient:
        cached = decision.cached
        if cached is not None and not decision.waited and self.events.wants(Served):
            stale = cached.older_than(cached.stale_after, self.clocks.now())
            self.events.publish(Served(stale=stale, **labels(fetch)))
        client: AuthorizedClient = decision.client
        return client

    def _default_timeout(self, fetch: TokenFetch) -> float:
        """Return how long a caller waits: another process's lease, the flight, and a margin."""
        total = fetch.http.total_timeout
        lease = lease_seconds(total) if self.flights.shared_by(fetch) is not None else 0.0
        return lease + total + CALLER_MARGIN

    def _key_of(self, registration_id: str) -> str:
        """Return the token key of a registration; of an unknown one, its id."""
        try:
            return self.fetch(self.registry.find(registration_id)).key
        except UnknownRegistrationError:
            return registration_id

    def _replaced(self, changed: set[str]) -> None:
        """Drop what belonged to registrations that changed."""
        self._plain.clear()  # one's key may depend on another's, whose token it exchanges
        self.state.clear_hot_path()
        self.records.disown(changed)
        self.state.configuration_changed()
        self.flights.forget_working()


_FACADES = {
    "sync": ("oauthreg._manager.sync_manager", "AuthorizedClientManager"),
    "async": ("oauthreg._manager.async_manager", "AsyncAuthorizedClientManager"),
}
"""By name, since each is loaded only where it is used."""
_cores: weakref.WeakSet[Core] = weakref.WeakSet()


def open_cores() -> list[Core]:
    """Return the core of every manager of this process that is not closed."""
    return [core for core in list(_cores) if not core.state.closed]


@atexit.register
def _at_exit() -> None:
    for core in list(_cores):
        core.store.save_marks()
        core.close()
