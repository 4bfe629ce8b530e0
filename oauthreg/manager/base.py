"""What both managers are: registrations, the engine, and the policy of every method."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import weakref
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Self

from oauthreg.discovery import discover
from oauthreg.errors import (
    AuthorizationError,
    ConfigurationError,
    LoginRequiredError,
    ManagerClosedError,
    SecretUnavailableError,
    UnknownRegistrationError,
    WaitTimedOutError,
)
from oauthreg.events import Served, tell
from oauthreg.registration import USER_GRANTS, AuthorizeOptions
from oauthreg.renewal.acquire import Surroundings, acquire
from oauthreg.renewal.clocks import Clocks
from oauthreg.renewal.engine import Engine
from oauthreg.renewal.orders import MetadataOrder, TokenOrder
from oauthreg.renewal.slots import HotTable, Spot
from oauthreg.secret_values import Secret, SecretReadError
from oauthreg.settings.fleet import Fleet, load, with_registration
from oauthreg.settings.tables import did_you_mean
from oauthreg.sources.tree import canonical
from oauthreg.token_key import token_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from oauthreg.events import Listener
    from oauthreg.registration import AuthorizedClient, ClientRegistration
    from oauthreg.renewal.engine import Ruling
    from oauthreg.renewal.slots import Flight
    from oauthreg.secret_values import Readable
    from oauthreg.settings.fleet import Entry, Settings
    from oauthreg.wire import Flow

OPTIONS = frozenset(AuthorizeOptions.__annotations__)
NOT_KEPT = frozenset({"force", "min_ttl"})
CALLS_KEPT = 4096
PATIENCE = 1.0
GRACE = 0.25


class Call(NamedTuple):
    """One call of `authorize`, read: what is needed, and how long the caller waits."""

    order: TokenOrder
    spot: Spot | None
    min_ttl: float
    force: bool
    timeout: float


class BaseManager:
    """Shared by both managers; not for use by itself."""

    def __init__(
        self,
        fleet: Fleet,
        *,
        on_event: Listener | None = None,
        clocks: Clocks | None = None,
        load_again: Callable[[], Fleet] | None = None,
    ) -> None:
        self._clocks = clocks or Clocks()
        self._wall = self._clocks.wall
        self._monotonic = self._clocks.monotonic
        self._listener = on_event
        self._engine = Engine(self._clocks, on_event)
        self._fingerprint_key = secrets.token_bytes(32)
        self._load_again = load_again
        self._lock = threading.Lock()
        self._fleet = fleet
        self._plain: dict[str, TokenOrder] = {}
        self._overrides: dict[str, str] = {}
        self._hot: HotTable = {}
        self._hot_calls: HotTable = {}
        self._closed = False
        _managers.add(self)

    @classmethod
    def from_settings(
        cls,
        settings: Settings = None,
        *,
        only: Iterable[str] | None = None,
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
                `settings.toml` in the working directory, with the environment and `.env`.
            only: Resolve just these registrations.
            profile: Read `<stem>.<profile><suffix>` too; default: `OAUTHREG_PROFILE`.
            env_file: A `.env` file; default: `OAUTHREG_ENV_FILE`, or the one beside the default
                settings file.
            secrets_dir: A folder with one file per setting; default: `OAUTHREG_SECRETS_DIR`.
            arguments: Settings that override every other source.
            on_event: Called with every event of the renewal engine.

        Raises:
            ConfigurationError: with every problem of every registration.
        """
        asked = None if only is None else tuple(only)

        def load_again() -> Fleet:
            return load(
                settings,
                only=asked,
                profile=profile,
                env_file=env_file,
                secrets_dir=secrets_dir,
                arguments=arguments,
            )

        return cls(load_again(), on_event=on_event, load_again=load_again)

    @property
    def registrations(self) -> Mapping[str, ClientRegistration]:
        """Every registration by its id."""
        entries = self._fleet.entries
        return MappingProxyType({id_: entry.registration for id_, entry in entries.items()})

    def register(self, registration_id: str, settings: Mapping[str, Any]) -> ClientRegistration:
        """Add or replace a registration at run time.

        Args:
            registration_id: Its id.
            settings: Its table, as under `registration.<id>` in a settings file.

        Raises:
            ConfigurationError: with every problem of it; nothing was changed then.
        """
        fleet, entry = with_registration(self._fleet, registration_id, settings)
        self._adopt(fleet)
        return entry.registration

    def remove(self, registration_id: str) -> None:
        """Forget a registration and its tokens.

        Raises:
            UnknownRegistrationError: there is none of this id.
        """
        known = self._entry(registration_id).registration.registration_id
        entries = {id_: entry for id_, entry in self._fleet.entries.items() if id_ != known}
        self._adopt(replace(self._fleet, entries=MappingProxyType(entries)))

    def reject(self, registration_id: str, token_value: str) -> None:
        """Say that an API refused this token, so that the next `authorize` renews it.

        At most once per token, however many callers say so. When fresh tokens are refused too,
        renewals are spaced: one second, doubling to a minute, until five quiet minutes.
        """
        self._engine.reject(canonical(registration_id), token_value)

    def override(self, registration_id: str, token_value: str | None) -> None:
        """Hand out a fixed token instead of a real one, for tests; None ends it.

        Raises:
            UnknownRegistrationError: there is no registration of this id.
        """
        known = self._entry(registration_id).registration.registration_id
        if token_value is None:
            self._overrides.pop(known, None)
        else:
            self._overrides[known] = token_value
        self._engine.forget(known)

    def status(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the state of every registration's own token, without any token.

        Each has `state` (`fresh`, `stale`, `rejected`, `none`), `seconds_left` by the server's
        expiry, `renewing`, and while a failure is waited out its `error` and `retry_after`.
        """
        return {
            id_: self._engine.state(self._plain_order(entry))
            for id_, entry in self._fleet.entries.items()
        }

    # -- what the two managers share -------------------------------------------------------------

    def _entry(self, registration_id: str) -> Entry:
        entries = self._fleet.entries
        entry = entries.get(registration_id) or entries.get(canonical(registration_id))
        if entry is not None:
            return entry
        known = ", ".join(entries) or "none"
        advice = did_you_mean(canonical(registration_id), entries)
        looked = "; ".join(self._fleet.looked_at)
        remedy = advice or (f"Settings were looked for in: {looked}." if looked else "")
        raise UnknownRegistrationError(
            registration_id, f"there is no such registration; configured: {known}", remedy
        )

    def _adopt(self, fleet: Fleet) -> None:
        """Take a new configuration; tokens of registrations that changed are dropped."""
        with self._lock:
            before, self._fleet = self._fleet, fleet
            self._plain.clear()
        for id_, entry in before.entries.items():
            after = fleet.entries.get(id_)
            if after is None or after.registration != entry.registration:
                self._engine.forget(id_)
        self._engine.changed()

    def _plain_order(self, entry: Entry) -> TokenOrder:
        registration = entry.registration
        order = self._plain.get(registration.registration_id)
        if order is None or order.registration is not registration:
            order = self._order(entry, registration, None)
            self._plain[registration.registration_id] = order
        return order

    def _order(
        self,
        entry: Entry,
        registration: ClientRegistration,
        principal: str | None,
        **tokens: Secret | None,
    ) -> TokenOrder:
        key = token_key(
            registration, fingerprint_key=self._fingerprint_key, principal=principal, **tokens
        )
        return TokenOrder(
            key=key, registration=registration, plugin=entry.plugin, principal=principal, **tokens
        )

    def _call(self, registration_id: str, options: Mapping[str, Any]) -> Call:
        """Read one call of `authorize`.

        Raises:
            TypeError: an option of this name does not exist, or its value is of a wrong kind.
            UnknownRegistrationError: there is no registration of this id.
            LoginRequiredError: the grant is a user's, and nobody is named or logged in.
            ManagerClosedError: the manager is closed.
        """
        if self._closed:
            raise ManagerClosedError
        _refuse_unknown(options)
        entry = self._entry(registration_id)
        registration = entry.registration
        principal: str | None = options.get("principal")
        if registration.authorization_grant_type in USER_GRANTS:
            raise LoginRequiredError(
                _login_words(registration, principal),
                registration_id=registration.registration_id,
                provider=registration.provider.name,
            )
        if not options:
            order = self._plain_order(entry)
            spot: Spot | None = Spot(self._hot, registration_id)
        else:
            changed = registration.with_options(**_changes(registration, options))
            tokens = {
                name: Secret(_token_text(name, options[name]))
                for name in ("subject_token", "actor_token")
                if options.get(name) is not None
            }
            order = self._order(entry, changed, principal, **tokens)
            spot = self._spot(registration_id, options)
        overridden = self._listener is not None
        timeout = options.get("timeout")
        return Call(
            order=order,
            spot=None if overridden else spot,
            min_ttl=float(options.get("min_ttl") or 0.0),
            force=bool(options.get("force", False)),
            timeout=registration.http.total_timeout + PATIENCE if timeout is None else timeout,
        )

    def _spot(self, registration_id: str, options: Mapping[str, Any]) -> Spot | None:
        if NOT_KEPT & options.keys() or any(callable(value) for value in options.values()):
            return None
        key = (registration_id, tuple(options.items()))
        try:
            hash(key)
        except TypeError:
            return None
        return Spot(self._hot_calls, key, CALLS_KEPT)

    def _overridden(self, order: TokenOrder) -> AuthorizedClient:
        """Return a client with the token that `override` put in the real one's place."""
        return order.client(order.fixed(self._overrides[order.name], self._clocks.now()))

    def _flow(self, flight: Flight) -> Flow[Any]:
        """Return the flow that brings what a flight is for."""
        order = flight.order
        if isinstance(order, MetadataOrder):
            return discover(
                order.details.issuer_uri,
                order.details.endpoints.get("metadata-uri"),
                provider=order.name,
                now=self._wall(),
            )
        return acquire(
            order,
            Surroundings(wall=self._wall, random=self._clocks.random, waited=lambda: flight.waited),
        )

    def _landed(self, flight: Flight, result: Any) -> None:
        """Settle a flight with what its flow returned."""
        now = self._clocks.now()
        try:
            held, events = flight.order.hold(
                result, flight.started, now, spread=self._clocks.random()
            )
        except AuthorizationError as error:
            self._engine.fail(flight, error)
            return
        self._engine.land(flight, held)
        for event in events:
            tell(event, self._listener)

    def _served(self, order: TokenOrder, ruling: Ruling) -> AuthorizedClient:
        if self._listener is not None and ruling.held is not None:
            stale = ruling.held.older_than(ruling.held.stale_after, self._clocks.now())
            tell(Served(registration_id=order.name, stale=stale), self._listener)
        client: AuthorizedClient = ruling.client
        return client

    def _metadata_order(self, flight: Flight) -> MetadataOrder:
        registration = flight.order.registration
        return MetadataOrder(details=registration.provider, http=registration.http)

    def _give_up(self, order: TokenOrder | MetadataOrder, seconds: float) -> NoReturn:
        raise WaitTimedOutError(
            f"no token within {seconds:g} s; its request goes on",
            registration_id=order.name,
            provider=order.provider,
        )

    def _remaining(self, flight: Flight) -> float:
        return max(flight.deadline - self._monotonic(), 0.001)

    def _begin_close(self) -> bool:
        """Mark the manager closed; False if it was already."""
        with self._lock:
            was, self._closed = self._closed, True
        if not was:
            self._hot.clear()
            self._hot_calls.clear()
            self._engine.close()
        return not was

    def _reset_after_fork(self) -> None:
        self._lock = threading.Lock()
        self._engine.reset_after_fork()


def read_secret(source: Readable) -> Any:
    """Read a secret source for a flow.

    Raises:
        SecretUnavailableError: it cannot be read.
    """
    try:
        return source.read()
    except SecretReadError as error:
        raise SecretUnavailableError(f"the client secret cannot be read: {error}") from None
    except Exception as error:  # noqa: BLE001 - a secret plugin may raise anything
        raise SecretUnavailableError(
            f"the client secret cannot be read: {type(error).__name__} from {source.reference}"
        ) from None


def value_of(ruling: Ruling) -> Any:
    """Return the value that a flow is answered with."""
    return ruling.held.value if ruling.held is not None else None


def nested(error: ConfigurationError) -> AuthorizationError:
    """Return what a flow is told when the registration it needs does not exist."""
    return AuthorizationError(f"it needs another registration: {error}")


def _refuse_unknown(options: Mapping[str, Any]) -> None:
    for name in options:
        if name not in OPTIONS:
            advice = did_you_mean(name, OPTIONS) or f"Known: {', '.join(sorted(OPTIONS))}."
            raise TypeError(f"authorize() has no option {name!r}. {advice}")


def _changes(registration: ClientRegistration, options: Mapping[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if "scope" in options:
        scope = options["scope"]
        changes["scopes"] = tuple(scope.split() if isinstance(scope, str) else scope)
    if "audience" in options:
        changes["audience"] = options["audience"]
    if "resource" in options:
        resource = options["resource"]
        changes["resource"] = (resource,) if isinstance(resource, str) else tuple(resource)
    if "parameters" in options:
        changes["parameters"] = {**registration.parameters, **options["parameters"]}
    return changes


def _token_text(name: str, given: object) -> str:
    value = given() if callable(given) else given
    if not isinstance(value, str) or not value:
        raise TypeError(f"{name} must be a non-empty string, or a callable giving one")
    return value


def _login_words(registration: ClientRegistration, principal: str | None) -> str:
    grant = registration.authorization_grant_type
    if principal is None:
        return f"the grant {grant} acts for a user: say whom by principal="
    return f"nobody has logged in as {principal!r} by the grant {grant}"


_managers: weakref.WeakSet[BaseManager] = weakref.WeakSet()


def _after_fork() -> None:
    for manager in list(_managers):
        manager._reset_after_fork()  # noqa: SLF001 - this module's own class


with contextlib.suppress(AttributeError):  # no fork on Windows
    os.register_at_fork(after_in_child=_after_fork)
