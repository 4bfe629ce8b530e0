"""Every error that leaves this package. They hold plain data, never a token, secret or body.

OAuthRegError
├─ ConfigurationError            .problems: all at once
│  └─ UnknownRegistrationError
├─ AuthorizationError            what `authorize` raises when there is no live token to give
│  ├─ TokenEndpointError         the authorization server said no
│  ├─ InvalidTokenResponseError  it answered, but not with a token
│  ├─ DiscoveryError             its metadata could not be had
│  ├─ TransportError             ConnectionFailedError, TimedOutError, TlsError
│  ├─ WaitTimedOutError          this caller's deadline passed; the request goes on
│  ├─ SecretUnavailableError     a credential could not be read
│  ├─ LoginRequiredError         a user must act;  CallbackError: what came back from the browser
│  ├─ UrlNotAllowedError         an adapter was asked to send a token where it may not go
│  └─ PluginFailedError          a provider plugin raised
├─ PluginError                   from direct plugin look-up
├─ StoreError                    from a token store, never from `authorize`
└─ ManagerClosedError
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


UNAUTHORIZED = 401


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


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the configuration.

    Attributes:
        path: The setting, dotted and spelled as in its source:
            `registration.my-client.client-secret`.
        source: Where it stands: a file and line, an environment variable, a plugin.
        message: What is wrong with it.
        remedy: What to do, if that is more than the message says.
    """

    path: str
    message: str
    source: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f"\n    {self.remedy}" if self.remedy else ""
        return f"{self._place}: {self.message}{remedy}"

    @property
    def _place(self) -> str:
        """The path and its source; the source alone where it names the path."""
        source = self.source.removesuffix(f", {self.path}")
        if source.endswith(f" {self.path}") or source.startswith(f"{self.path} "):
            return source
        return f"{self.path} ({source})" if source else self.path


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
    """There is no live token to hand out.

    Attributes:
        registration_id: The registration asked for.
        provider: The name of its provider.
        endpoint: The address that was asked, if any.
        retryable: Whether asking again may help without anybody changing anything.
        retry_after: Seconds until this library asks again, or None.
        backing_off: True if nothing was sent: an earlier failure is being waited out.
        hint: What an operator can do.
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

    def copy(self, **changes: Any) -> Self:
        """Return a new error of the same class and fields, with these changes, never raised yet."""
        error = type(self).__new__(type(self))
        error.args = changes.pop("args", self.args)
        error.__dict__.update(self.__dict__)
        error.__dict__.update(changes)
        return error

    def __str__(self) -> str:
        parts = [f"{self.registration_id}: " if self.registration_id else "", self.message]
        if self.endpoint and self.endpoint not in self.message:
            parts.append(f" [{self.endpoint}]")
        if self.backing_off and self.retry_after is not None:
            parts.append(f"; not asked again for {self.retry_after:.1f} s")
        if self.hint:
            parts.append(f". {self.hint}")
        text = "".join(parts)  # what a server said may not steer a terminal or forge a log line
        return "".join(char if char.isprintable() else " " for char in text)


class TokenEndpointError(AuthorizationError):
    """The authorization server refused (RFC 6749 section 5.2), or answered with an error status.

    Attributes:
        status: The HTTP status.
        error: The error code of the answer, or None if it had none.
        error_description: The server's words, shortened and cleaned.
        error_uri: The server's page about this error.
        credential_refused: Whether it is the client's credential that was refused, so that another
            one may be taken.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        error: str | None = None,
        error_description: str | None = None,
        error_uri: str | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(message, **fields)
        self.status = status
        self.error = error
        self.error_description = error_description
        self.error_uri = error_uri
        self.credential_refused = error == "invalid_client" or (
            status == UNAUTHORIZED and error in (None, "unauthorized_client")
        )


class InvalidTokenResponseError(AuthorizationError):
    """A successful status, but no usable token in the answer."""

    retryable_by_default = True

    def __init__(self, message: str, *, status: int | None = None, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.status = status


class DiscoveryError(AuthorizationError):
    """The issuer's metadata could not be had (RFC 8414, OpenID Connect Discovery 1.0).

    Attributes:
        answers: Each address that was asked, and what it said.
    """

    retryable_by_default = True

    def __init__(
        self, message: str, *, answers: Sequence[tuple[str, str]] = (), **fields: Any
    ) -> None:
        super().__init__(message, **fields)
        self.answers = tuple(answers)

    def __str__(self) -> str:
        return "".join([super().__str__(), *(f"\n  {url}: {said}" for url, said in self.answers)])


class TransportError(AuthorizationError):
    """The request or its answer did not get through.

    Attributes:
        local: Whether this process lacked something (a file descriptor, a thread, a free
            connection), so that the failure says nothing about the server.
    """

    retryable_by_default = True

    def __init__(self, message: str, *, local: bool = False, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.local = local


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
    """A credential could not be read from its source at run time."""

    retryable_by_default = True


class LoginRequiredError(AuthorizationError):
    """This grant acts for a user, and no user (or no login of theirs) is known."""


class CallbackError(AuthorizationError):
    """The authorization response is an error or does not belong to the request (RFC 9207)."""


class UrlNotAllowedError(AuthorizationError):
    """An adapter was asked to send a token to an address that the registration does not list."""


class PluginFailedError(AuthorizationError):
    """A provider plugin raised; `exception` is what it raised."""

    def __init__(self, message: str, *, exception: Exception, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.exception = exception


class PluginError(OAuthRegError):
    """A plugin cannot be found, is there twice, or does not import."""


class StoreError(OAuthRegError):
    """A token store failed."""


class ManagerClosedError(OAuthRegError):
    """The manager was closed and authorizes no more."""

    def __init__(self) -> None:
        super().__init__("the manager is closed")
