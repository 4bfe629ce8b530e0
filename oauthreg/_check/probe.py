"""What the checks of one configuration share: its core, and what several of them look at."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from oauthreg._check.flows import OneTry, Seen, one_token, watched
from oauthreg._discovery import discover, issuer_of
from oauthreg._errors import AuthorizationError
from oauthreg._manager.core import Core
from oauthreg._manager.registry import RegistrationRegistry
from oauthreg._manager.thread_runner import ThreadRunner
from oauthreg._renewal.fetches import MetadataFetch
from oauthreg._renewal.flow_inputs import FlowInputs
from oauthreg._sources.tree import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from oauthreg._discovery import Metadata
    from oauthreg._flow import Granted
    from oauthreg._registration import AuthorizedClient
    from oauthreg._renewal.fetches import TokenFetch
    from oauthreg._renewal.flight import Procedure
    from oauthreg._settings.load import Configuration

T = TypeVar("T")


class Probe:
    """A core that keeps no token, for checks; what several need is looked at once.

    Args:
        configuration: The registrations.
        checked: The ids of those that are checked.
    """

    def __init__(self, configuration: Configuration, checked: Collection[str]) -> None:
        self.configuration = configuration
        self.core = Core(RegistrationRegistry(configuration), token_of=self._token_of)
        self._runner = ThreadRunner(self.core)
        self._lock = threading.Lock()
        self._known: dict[object, Future[Any]] = {}
        self._tokens: dict[str, Future[str]] = {id_: Future() for id_ in checked}

    def once(self, key: object, work: Callable[[], T]) -> T:
        """Return what some work gave the first who asked; the others wait for it."""
        with self._lock:
            future: Future[T] | None = self._known.get(key)
            first = future is None
            if future is None:
                future = self._known[key] = Future()
        if first:
            try:
                future.set_result(work())
            except Exception as error:  # noqa: BLE001 - everybody who asked gets it
                future.set_exception(error)
        return future.result()

    def run(self, fetch: TokenFetch, flow: Procedure[T], seconds: float) -> T:
        """Run a flow as a flight of its own.

        Raises:
            AuthorizationError: it failed, or took longer.
        """
        return self._runner.run(self.core.flights.private(fetch, flow, seconds))

    def metadata(self, fetch: TokenFetch, seconds: float) -> tuple[Metadata, Seen]:
        """Return the metadata of a fetch's provider, and what was seen of its server.

        Raises:
            AuthorizationError: it cannot be fetched.
        """
        details = fetch.registration.provider

        def work() -> tuple[Metadata, Seen]:
            seen = Seen()
            flow = discover(
                details.issuer_uri,
                details.endpoints.get("metadata-uri"),
                provider=details.name,
                now=self.core.clocks.wall(),
            )
            return self.run(fetch, watched(flow, seen), seconds), seen

        return self.once(MetadataFetch(details=details, http=fetch.http).key, work)

    def token(
        self,
        fetch: TokenFetch,
        seen: Seen,
        metadata: Metadata | None,
        seconds: float,
        *,
        force: bool,
    ) -> Granted:
        """Fetch a token by one request.

        Args:
            fetch: What is fetched.
            seen: What was seen is noted here.
            metadata: The provider's metadata, where it was fetched.
            seconds: How long it may take.
            force: Whether to ask even if other processes were asked to wait.

        Raises:
            AuthorizationError: it failed, or other processes were asked to wait.
        """
        registration = fetch.registration
        issuer = issuer_of(registration.provider.issuer_uri, metadata or {})
        if issuer is not None and registration.assertion_audience is None:
            # As by default; but where it is configured, nothing else is tried.
            explicit = registration.with_options(assertion_audience=issuer)
            fetch = replace(fetch, registration=explicit)

        def flow() -> Procedure[Granted]:
            one_try = OneTry()
            sharing = self.core.flights.shared_by(fetch)
            if sharing is not None and not force:
                one_try.shared = yield from sharing.failures_of(fetch)
            clocks = self.core.clocks
            inputs = FlowInputs(wall=clocks.wall, random=clocks.random, refusals=one_try)
            return (yield from one_token(fetch, inputs, seen, metadata))

        return self.run(fetch, flow(), seconds)

    def renewed(self, registration_id: str, principal: str | None, seconds: float) -> Any:
        """Renew a user's token as a manager would: the refresh token is spent.

        Raises:
            AuthorizationError: it failed.
        """
        options: dict[str, Any] = {"force": True, "timeout": seconds}
        if principal is not None:
            options["principal"] = principal
        client: AuthorizedClient = self._runner.run(self.core.authorize(registration_id, options))
        return client.access_token

    def keep_for_others(self, registration_id: str, token: str | None) -> None:
        """Keep a token for registrations that exchange it, until the checks end; None: no token."""
        future = self._tokens.get(registration_id)
        if future is None or future.done():
            return
        if token is not None:
            future.set_result(token)
        else:
            future.set_exception(
                AuthorizationError(
                    f"the check of {registration_id}, whose token it needs, got none"
                )
            )

    def close(self) -> None:
        """Close every connection."""
        self.core.close()

    def _token_of(self, registration_id: str, timeout: float) -> Procedure[str]:
        """Return the token of another registration: the one of its check, if it is checked."""
        future = self._tokens.get(canonical(registration_id))
        if future is None:
            return (yield from self.core.token_of(registration_id, timeout))
        try:
            return future.result(timeout)
        except FutureTimeout:
            raise AuthorizationError(
                f"the check of {registration_id}, whose token it needs, is not done"
            ) from None
