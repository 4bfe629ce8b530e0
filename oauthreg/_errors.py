"""The errors of this package. They are plain data, without any token, secret or body.

OAuthRegError
├─ ConfigurationError            .problems: all at once
│  └─ UnknownRegistrationError
├─ AuthorizationError            `authorize` has no valid token to return
│  ├─ TokenEndpointError         the authorization server refused
│  ├─ InvalidTokenResponseError  it answered, but not with a token
│  ├─ DiscoveryError             no address has its metadata
│  ├─ TransportError             ConnectionFailedError, TimedOutError, TlsError
│  ├─ WaitTimedOutError          this caller's deadline passed; the request goes on
│  ├─ SecretUnavailableError     a credential could not be read
│  ├─ LoginRequiredError         a user must log in;  CallbackError: the authorization response
│  ├─ UrlNotAllowedError         an adapter was asked to send a token where it may not go
│  └─ PluginFailedError          a provider plugin raised an exception
├─ PluginError                   from direct plugin look-up
├─ StoreError                    from a token store, never from `authorize`
└─ ManagerClosedError
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Self

from oauthreg._problem import Problem as Problem  # noqa: PLC0414 - errors and problems have one door

OTHER_REFUSALS = frozenset(
    {
        "access_denied",
        "authorization_pending",
        "consent_required",
        "expired_token",
        "insufficient_scope",
        "insufficient_user_authentication",
        "interaction_required",
        "invalid_authorization_details",
        "invalid_dpop_proof",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "invalid_target",
        "invalid_token",
        "login_required",
        "server_error",
        "slow_down",
        "temporarily_unavailable",
        "unsupported_grant_type",
        "unsupported_token_type",
        "use_dpop_nonce",
    }
)
"""Error codes that blame something else than the client's credential, whatever the status."""


class WrongOptionError(TypeError):
    """A call's option that does not exist, or whose value is of a wrong kind; without the value."""


class OAuthRegError(Exception):
    """The base of every error of this package."""

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(
    kind: type[OAuthRegError], args: tuple[object, ...], fields: Mapping[str, object]
) -> OAuthRegError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(fields)
    return error


class ConfigurationError(OAuthRegError):
    """The settings cannot be used; `problems` lists everything that is wrong with them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("the configuration has problems")

    def __str__(self) -> str:
        count = len(self.problems)
        head = "1 problem" if count == 1 else f"{count} problems"
        return "\n".join([f"{head} in the configuration:", *(f"  {p}" for p in self.problems)])


class UnknownRegistrationError(ConfigurationError):
    """No registration has this id."""

    def __init__(self, registration_id: str, message: str, remedy: str = "") -> None:
        self.registration_id = registration_id
        super().__init__([Problem(f"registration.{registration_id}", message, remedy=remedy)])

    def __str__(self) -> str:
        return str(self.problems[0])


class AuthorizationError(OAuthRegError):
    """There is no valid token to return.

    Attributes:
        registration_id: The registration asked for.
        provider: The name of its provider.
        endpoint: The address of the request, if there was one.
        retryable: Whether asking again may help without anybody changing anything.
        retry_after: Seconds until this library asks again, or None.
        backing_off: True if nothing was sent: the wait after an earlier failure is not over.
        hint: What an operator can do.
        asked_for: The scope, audience and resources of the request that was refused.
        correlation_id: The server's own name of the request, for its operator's logs.
        category: What kind of thing is behind it, if the vendor's plugin knows: `credential`,
            `configuration`, `permission`, `policy`, `throttled`, `transient`, `propagation` or
            `clock`.
    """

    retryable_by_default = False

    def __init__(
        self,
        message: str,
        *,
        registration_id: str | None = None,
        provider: str | None = None,
        endpoint: str | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
        backing_off: bool = False,
        hint: str | None = None,
        asked_for: str | None = None,
        correlation_id: str | None = None,
        category: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.registration_id = registration_id
        self.provider = provider
        self.endpoint = endpoint
        self.retryable = self.retryable_by_default if retryable is None else retryable
        self.retry_after = retry_after
        self.backing_off = backing_off
        self.hint = hint
        self.asked_for = asked_for
        self.correlation_id = correlation_id
        self.category = category

    def copy(self, **changes: Any) -> Self:
        """Return a new error of the same class and fields, with these changes.

        It was never raised: it has no traceback, cause or context, and keeps no frame alive.
        """
        error = type(self).__new__(type(self))
        error.args = changes.pop("args", self.args)
        error.__dict__.update(self.__dict__)
        error.__dict__.update(changes)
        return error

    def __str__(self) -> str:
        parts = [f"{self.registration_id}: " if self.registration_id else "", self.message]
        if self.asked_for:
            parts.append(f"; asked for {self.asked_for}")
        if self.endpoint and self.endpoint not in self.message:
            parts.append(f" [{self.endpoint}]")
        if self.correlation_id and self.correlation_id not in self.message:
            parts.append(f" (correlation id {self.correlation_id})")
        if self.backing_off and self.retry_after is not None:
            parts.append(f"; not asked again for {self.retry_after:.1f} s")
        text = "".join(parts)
        if self.hint:
            text = f"{text.removesuffix('.')}. {self.hint}"
        # What a server wrote may not steer a terminal or forge a log line.
        return "".join(char if char.isprintable() else " " for char in text)


class TokenEndpointError(AuthorizationError):
    """The authorization server refused (RFC 6749 section 5.2), or answered with an error status.

    Attributes:
        status: The HTTP status.
        error: The error code of the answer, or None if it had none.
        error_description: The server's explanation, shortened and cleaned.
        error_uri: The server's page about this error.
        credential_refused: Whether it is the client's credential that was refused, so that
            another one may be tried.
        fields: The answer's JSON object, and `headers` its header fields, for a plugin's
            `explain_error`: both are empty in the error that `authorize` raises.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        error: str | None = None,
        error_description: str | None = None,
        error_uri: str | None = None,
        fields: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **rest: Any,
    ) -> None:
        super().__init__(message, **rest)
        self.status = status
        self.fields: Mapping[str, Any] = fields or {}
        self.headers: Mapping[str, str] = headers or {}
        self.error = error
        self.error_description = error_description
        self.error_uri = error_uri
        self.credential_refused = _refuses_the_credential(status, error)


def _refuses_the_credential(status: int, error: str | None) -> bool:
    """Whether it is the client's credential that was refused.

    RFC 6749 says so by `invalid_client`. Other servers answer 401 with a code of their own or with
    none, or 403 with no code.
    """
    if error == "invalid_client":
        return True
    if status == HTTPStatus.UNAUTHORIZED:
        return error not in OTHER_REFUSALS
    return status == HTTPStatus.FORBIDDEN and error is None


class InvalidTokenResponseError(AuthorizationError):
    """A successful status, but no usable token in the answer."""

    retryable_by_default = True

    def __init__(self, message: str, *, status: int | None = None, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.status = status


class DiscoveryError(AuthorizationError):
    """No address has the issuer's metadata (RFC 8414, OpenID Connect Discovery 1.0).

    Attributes:
        answers: Each address that was asked, and what it answered.
        status: The HTTP status that ended the search (429, 5xx), or None.
    """

    retryable_by_default = True

    def __init__(
        self,
        message: str,
        *,
        answers: Sequence[tuple[str, str]] = (),
        status: int | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(message, **fields)
        self.answers = tuple(answers)
        self.status = status

    def __str__(self) -> str:
        return "".join(
            [super().__str__(), *(f"\n  {url}: {answer}" for url, answer in self.answers)]
        )


class TransportError(AuthorizationError):
    """The request or its answer did not get through.

    Attributes:
        local: Whether this process lacked something (a file descriptor, a thread, a free
            connection), so that the failure says nothing about the server.
        sent: False if it is certain that the server was sent nothing.
    """

    retryable_by_default = True

    def __init__(
        self, message: str, *, local: bool = False, sent: bool = True, **fields: Any
    ) -> None:
        super().__init__(message, **fields)
        self.local = local
        self.sent = sent


class ConnectionFailedError(TransportError):
    """No connection, or it broke before the answer was complete."""


class TimedOutError(TransportError):
    """The server took longer than the http profile allows."""


class TlsError(TransportError):
    """The TLS handshake failed: usually a certificate that is not trusted."""

    retryable_by_default = False


class WaitTimedOutError(AuthorizationError):
    """This caller's `timeout` passed; the token request goes on for the others."""

    retryable_by_default = True


class SecretUnavailableError(AuthorizationError):
    """A credential could not be read from its source, or a login from the store, at run time.

    Attributes:
        local: Whether it was the store, which says nothing about the authorization server.
    """

    retryable_by_default = True

    def __init__(self, message: str, *, local: bool = False, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.local = local


class LoginRequiredError(AuthorizationError):
    """This grant acts for a user, and no user is named, or the named one has not logged in."""


class CallbackError(AuthorizationError):
    """The authorization response is an error, or does not belong to the request.

    Attributes:
        error: The error code of the response (RFC 6749 section 4.1.2.1), or None.
        error_description: The server's explanation, shortened and cleaned.
    """

    def __init__(
        self,
        message: str,
        *,
        error: str | None = None,
        error_description: str | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(message, **fields)
        self.error = error
        self.error_description = error_description


class UrlNotAllowedError(AuthorizationError):
    """An adapter was asked to send a token to an address that the registration does not list."""


class PluginFailedError(AuthorizationError):
    """A provider plugin raised; `exception` is what it raised."""

    def __init__(self, message: str, *, exception: Exception, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.exception = _without_frames(exception)


def _without_frames(exception: Exception) -> Exception:
    """Return an exception whose chain keeps no frame, and so no credential in one, alive."""
    waiting: list[BaseException | None] = [exception]
    seen: set[int] = set()
    while waiting:
        error = waiting.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        error.__traceback__ = None
        waiting += [error.__cause__, error.__context__]
        waiting += error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return exception


class PluginError(OAuthRegError):
    """A plugin cannot be found, is installed twice, or does not import.

    Attributes:
        message: What is wrong.
        remedy: What to do, if that is known.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message}. {remedy}" if remedy else message)
        self.message = message
        self.remedy = remedy


class StoreError(OAuthRegError):
    """A token store failed."""


class ManagerClosedError(OAuthRegError):
    """The manager was closed and authorizes no more."""

    def __init__(self) -> None:
        super().__init__("the manager is closed")
