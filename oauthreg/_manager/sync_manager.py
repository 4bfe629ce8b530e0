"""The manager for threads."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, Unpack

from requests import Session

import oauthreg
from oauthreg._grants.authorization_code import AuthorizationRequest
from oauthreg._grants.device_code import DeviceAuthorization
from oauthreg._manager import logins
from oauthreg._manager.core import Core
from oauthreg._manager.facade import _MISSING, Facade
from oauthreg._manager.options import refuse_unknown
from oauthreg._manager.thread_runner import ThreadRunner
from oauthreg._masked import Hidden
from oauthreg._registration import AuthorizedClient, AuthorizeOptions, hide_options
from oauthreg._renewal.flight import Procedure
from oauthreg._reports import Introspection
from oauthreg._subscriptions import notify
from oauthreg.auth.requests import Auth
from oauthreg.events import WarmUp

T = TypeVar("T")
WARM_UP_LANES = 8


class Runner(Protocol):
    """Runs flows for callers that block, such as `ThreadRunner`."""

    def run(self, flow: Procedure[T]) -> T:
        """Run a caller's flow to its result."""


class AuthorizedClientManager(Facade):
    """Authorizes by registration id: fetches, shares and renews tokens by itself.

    One per program, at module level; every method may be called from any thread. Building it
    does no network I/O, and it survives a fork.

    Args:
        core: Registry and renewal engine, which `from_settings` builds.
        runner: Runs its flights, instead of threads of its own.
    """

    def __init__(self, core: Core = _MISSING, runner: Runner | None = None) -> None:
        super().__init__(core)
        self._runner: Runner = runner or ThreadRunner(core)
        core.add_facade("sync", self)
        self._hot, self._hot_calls = core.hot.by_id, core.hot.by_call
        self._wall, self._monotonic = core.clocks.wall, core.clocks.monotonic

    def authorize(
        self, registration_id: str, **options: Unpack[AuthorizeOptions]
    ) -> AuthorizedClient:
        """Return an authorized client with a live token.

        A fresh token costs a look-up. A stale one is returned at once while it is renewed in
        the background; without a valid one, all callers wait for one shared token request.

        Args:
            registration_id: The registration, in any spelling that settings would take.
            **options: For this call: `principal`, `scope`, `audience`, `resource`,
                `parameters` (merged over the registration's), `subject_token`, `actor_token`,
                `min_ttl` (seconds of life needed), `force` (fetch anew) and `timeout` (seconds
                this caller waits; default: the http profile's total and one second).

        Raises:
            UnknownRegistrationError: there is no registration of this id.
            AuthorizationError: there is no live token; its subclasses say why.
            ManagerClosedError: the manager is closed.
            TypeError: an option of this name does not exist.
        """
        try:
            if options:
                client, until_wall, until_monotonic = self._hot_calls[
                    registration_id, tuple(options.items())
                ]
            else:
                client, until_wall, until_monotonic = self._hot[registration_id]
        except (KeyError, TypeError):  # not kept, or with a list among the values
            pass
        else:
            wall, monotonic = self._wall, self._monotonic  # called fastest as local names
            if wall() < until_wall and monotonic() < until_monotonic:
                return client
        hide_options(options)
        return self._runner.run(self._core.authorize(registration_id, options))

    def invalidate(self, registration_id: str) -> None:
        """Drop a registration's access tokens; the next `authorize` fetches. Logins stay.

        Raises:
            UnknownRegistrationError: there is no registration of this id.
        """
        self._core.invalidate(registration_id)

    def reload(self) -> None:
        """Read the settings again: all or nothing.

        Flights finish for those who wait; access tokens of registrations that changed are
        dropped, logins stay. What `register` added stays, over what the settings say.

        Raises:
            ConfigurationError: with every problem; the old configuration stays then.
        """
        self._core.check_open()
        self._core.adopt(self._core.registry.read_again())

    def as_async(self) -> oauthreg.AsyncAuthorizedClientManager:
        """Return the manager for asyncio over the same core: the same one each time.

        Both share registrations, tokens, flights and logins; closing either closes both.
        """
        manager: oauthreg.AsyncAuthorizedClientManager = self._core.facade("async")
        return manager

    def authorization_request(
        self, registration_id: str, *, redirect_uri: str | None = None
    ) -> AuthorizationRequest:
        """Begin a login by the browser (RFC 6749 section 4.1, with PKCE and state).

        Send the browser to the result's `url`, and keep the result where only that browser's
        user has it, until `complete`.

        Args:
            registration_id: A registration with the grant authorization_code.
            redirect_uri: Where the browser comes back to, instead of the registration's.

        Raises:
            AuthorizationError: the login cannot begin.
        """
        flow = logins.authorization_request(self._core, registration_id, redirect_uri)
        return self._runner.run(flow)

    def complete(
        self,
        registration_id: str,
        callback_url: str,
        *,
        request: AuthorizationRequest | Mapping[str, Any],
        principal: str,
    ) -> AuthorizedClient:
        """End a login: check the callback, get the tokens, and keep them for `principal`.

        Args:
            registration_id: As for `authorization_request`.
            callback_url: The whole address that the browser came back to.
            request: What `authorization_request` gave.
            principal: Who logged in; `authorize(..., principal=...)` serves them from now on.

        Raises:
            CallbackError: the callback does not belong to the request, or is an error.
            AuthorizationError: the tokens could not be had.
        """
        hidden, began = Hidden(callback_url), Hidden(request)
        del callback_url, request
        flow = logins.complete(self._core, registration_id, hidden, began, principal)
        return self._runner.run(flow)

    def device_authorization(self, registration_id: str) -> DeviceAuthorization:
        """Begin a login on another device (RFC 8628): show the result's code and address.

        Raises:
            AuthorizationError: the login cannot begin.
        """
        return self._runner.run(logins.device_authorization(self._core, registration_id))

    def poll(
        self,
        registration_id: str,
        device: DeviceAuthorization | Mapping[str, Any],
        *,
        principal: str,
    ) -> AuthorizedClient:
        """Wait until the user has logged in on the other device, and keep the tokens.

        Args:
            registration_id: As for `device_authorization`.
            device: What `device_authorization` gave.
            principal: Who logs in.

        Raises:
            AuthorizationError: the user refused, or the code ended.
        """
        began = Hidden(device)
        del device
        return self._runner.run(logins.poll(self._core, registration_id, began, principal))

    def introspect(
        self,
        registration_id: str,
        token_value: str | None = None,
        *,
        principal: str | None = None,
    ) -> Introspection:
        """Ask the authorization server about a token (RFC 7662).

        Args:
            registration_id: Who asks.
            token_value: The token; without it, the registration's own.
            principal: Whose own token, for a grant of a user.

        Raises:
            AuthorizationError: there is no answer to be had.
        """
        token = Hidden(token_value)
        del token_value
        return self._runner.run(logins.introspect(self._core, registration_id, token, principal))

    def revoke(
        self,
        registration_id: str,
        token_value: str | None = None,
        *,
        principal: str | None = None,
    ) -> None:
        """Have the authorization server end a token (RFC 7009), and drop it here.

        Args:
            registration_id: Whose token it is.
            token_value: The token; without it, those in use, if there are any.
            principal: Whose tokens, for a grant of a user.

        Raises:
            AuthorizationError: the server did not take it.
        """
        token = Hidden(token_value)
        del token_value
        self._runner.run(logins.revoke(self._core, registration_id, token, principal))

    def warm_up(
        self, on_progress: Callable[[WarmUp], object] | None = None
    ) -> Mapping[str, Exception | None]:
        """Authorize every registration that is `eager`, eight at a time.

        `from_settings` starts this in the background; call it to wait for it, or to see progress.

        Args:
            on_progress: Called, in this thread, when each of them is done.

        Returns:
            By registration id, why there is no token for it; None where there is one.
        """
        waiting = deque(self._core.eager())
        outcomes: dict[str, Exception | None] = dict.fromkeys(waiting)
        done: queue.SimpleQueue[tuple[str, Exception | None]] = queue.SimpleQueue()
        for _ in range(min(WARM_UP_LANES, len(waiting))):
            self._core.workers.submit(partial(self._warm_up_lane, waiting, done))
        for count in range(1, len(outcomes) + 1):
            id_, error = done.get()
            outcomes[id_] = error
            event = WarmUp(registration_id=id_, done=count, total=len(outcomes), error=error)
            self._core.events.publish(event)
            if on_progress is not None:
                notify(event, on_progress)
        return outcomes

    def auth(self, registration_id: str, **options: Unpack[AuthorizeOptions]) -> Auth:
        """Return an auth object for requests: `requests.get(url, auth=manager.auth("id"))`."""
        hide_options(options)
        refuse_unknown(options)
        return Auth(self, registration_id, **options)

    def session(self, registration_id: str, **options: Unpack[AuthorizeOptions]) -> Session:
        """Return a new `requests.Session` that is authorized by a registration.

        Plain http to loopback goes past every proxy, which would read the token.
        Where the provider's API has an address (`api-uri`), a path is enough for a request.
        """
        from oauthreg.auth._session import AuthorizedSession  # noqa: PLC0415 - loaded by who uses it

        registration = self._core.registry.find(registration_id).registration
        return AuthorizedSession(registration, self.auth(registration_id, **options))

    def token_source(
        self, registration_id: str, **options: Unpack[AuthorizeOptions]
    ) -> Callable[[], str]:
        """Return a callable giving a live token value, for libraries that take one."""
        hide_options(options)
        refuse_unknown(options)

        def token() -> str:
            return self.authorize(registration_id, **options).access_token.token_value

        return token

    def close(self) -> None:
        """End renewals and connections; afterwards `authorize` raises ManagerClosedError."""
        self._core.store.save_marks()
        self._core.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _warm_up_lane(
        self, waiting: deque[str], done: queue.SimpleQueue[tuple[str, Exception | None]]
    ) -> None:
        while True:
            try:
                registration_id = waiting.popleft()
            except IndexError:  # all are in progress
                return
            error: Exception | None = None
            try:
                self.authorize(registration_id)
            except Exception as failure:  # noqa: BLE001 - one must not hold up the others
                error = failure.with_traceback(None)
            finally:
                done.put((registration_id, error))

    def _start_warm_up(self) -> None:
        if self._core.eager():
            self._core.workers.submit(self.warm_up)
