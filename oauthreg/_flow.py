"""What a flow asks for and what it is answered: the only language of grants and plugins.

A flow is a generator that decides and never does I/O. It yields a step, is sent the step's
answer (or has the step's `AuthorizationError` thrown in), and returns its result.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlencode

from oauthreg._errors import AuthorizationError
from oauthreg._masked import Masked

if TYPE_CHECKING:
    from pathlib import Path

    from oauthreg._secret_values import Readable

S = TypeVar("S")
T = TypeVar("T")
Pairs = tuple[tuple[str, str], ...]
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Thumbprint(Protocol):
    """The thumbprint of a client certificate whose files may be replaced."""

    @property
    def reference(self) -> str:
        """A stable name of where it is."""

    @property
    def value(self) -> str | None:
        """What was read last; None before."""

    def read(self) -> str:
        """Return it as it is now."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A TLS client certificate.

    Attributes:
        certificate_file: A PEM file with the certificate, and its chain if it has one.
        key_file: A PEM file with its private key.
        thumbprint: What tokens are bound to, as it was when the settings were read.
        current: The thumbprint as it was read last.
    """

    certificate_file: Path
    key_file: Path
    thumbprint: str | None = None
    current: Thumbprint | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest(Masked):
    """One HTTP request to an authorization server.

    Attributes:
        url: The absolute address, with its query if it has one.
        form: The body's fields in order; a name may repeat (RFC 8707 `resource`).
        headers: Header fields in order.
        method: The HTTP method.
        content: A body that is not a form; `form` is then empty.
        single_use: The body carries a value that works once (code, refresh token, assertion),
            so that the request is not sent again when a reused connection turns out dead.
        sensitive: Values that an answer may echo and no error may show.
        certificate: The client certificate to show (RFC 8705).
        link_local: Whether it may go to a cloud's metadata service. A plugin's class says so.
    """

    url: str
    form: Pairs = ()
    headers: Pairs = ()
    method: str = "POST"
    content: bytes | None = None
    single_use: bool = False
    sensitive: tuple[str, ...] = ()
    certificate: ClientCertificate | None = None
    link_local: bool = False

    @property
    def body(self) -> bytes | None:
        """The body as sent: `content`, else the form, urlencoded; None for neither."""
        if self.content is not None or not self.form:
            return self.content
        return urlencode(self.form).encode("ascii")

    def __repr__(self) -> str:
        names = ", ".join(name for name, _ in self.form)
        url = self.url.partition("?")[0]
        return f"TokenRequest({self.method} {url}, form: {names})"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResponse(Masked):
    """The answer to one `TokenRequest`.

    Attributes:
        status: The HTTP status.
        headers: Header fields, names in lower case, repeated ones joined by `, `.
        body: The whole body, at most 1 MiB.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    body: bytes = b""

    def __repr__(self) -> str:
        return f"TokenResponse({self.status}, {len(self.body)} bytes)"


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait this many seconds; answered by None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class NeedToken:
    """Authorize another registration; answered by its token value."""

    registration_id: str


@dataclass(frozen=True, slots=True)
class ReadSecret:
    """Read a source; answered by its `Secret`, or its signing key, as it is now.

    Attributes:
        source: Where it is.
        setting: The setting that names the source, for the error if it cannot be read.
    """

    source: Readable
    setting: str


@dataclass(frozen=True, slots=True)
class NeedMetadata:
    """Fetch the metadata of the registration's provider; answered by a mapping.

    Attributes:
        supplement: Whether the document of RFC 8414 is wanted, after another one lacked something.
    """

    supplement: bool = False


@dataclass(frozen=True, slots=True)
class StoreCall:
    """Call the store on a thread of its own; answered by a `StoreAnswer`.

    Attributes:
        work: The call, which may block.
        seconds: After which its answer is no longer waited for.
    """

    work: Callable[[], Any]
    seconds: float


@dataclass(frozen=True, slots=True)
class StoreAnswer:
    """What came of a call of the store: a value, or what was raised."""

    value: Any = None
    error: Exception | None = None


Step = TokenRequest | Pause | NeedToken | ReadSecret | NeedMetadata | StoreCall
Flow = Generator[Step, Any, T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted(Masked):
    """What an authorization server granted (RFC 6749 section 5.1).

    Attributes:
        access_token: The token as issued.
        token_type: `Bearer` or `DPoP`.
        expires_in: Lifetime in seconds as the server sent it; None if it sent none.
        scopes: The scopes of the answer; None if it named none, so that they are as asked.
        refresh_token: The refresh token of the answer, if the grant may keep one.
        api_uri: The address of the API that the token is for, if the answer names it; used where
            it is https and its host is one of the plugin's `api_hosts`.
        extra: The other fields of the answer.
    """

    access_token: str = field(repr=False)
    token_type: str = "Bearer"
    expires_in: float | None = None
    scopes: tuple[str, ...] | None = None
    refresh_token: str | None = field(default=None, repr=False)
    api_uri: str | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: NOTHING, repr=False)


def run(flow: Generator[S, Any, T], perform: Callable[[S], object]) -> T:
    """Drive a flow to its result, performing each step with blocking I/O.

    Raises:
        AuthorizationError: what the flow raised or let pass.
    """
    try:
        step = next(flow)
        while True:
            try:
                answer = perform(step)
            except AuthorizationError as error:
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        flow.close()


async def arun(flow: Generator[S, Any, T], perform: Callable[[S], Awaitable[object]]) -> T:
    """Drive a flow to its result, awaiting each step; otherwise as `run`."""
    try:
        step = next(flow)
        while True:
            try:
                answer = await perform(step)
            except AuthorizationError as error:
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        flow.close()
