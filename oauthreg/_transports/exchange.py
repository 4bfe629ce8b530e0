"""One request on its way: its time limits, how far it has come, and what its failure means."""

from __future__ import annotations

import re
import socket
import ssl
import time
import zlib
from typing import TYPE_CHECKING

from oauthreg._errors import AuthorizationError, ConnectionFailedError, TimedOutError, TlsError
from oauthreg._transports import trust

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oauthreg._addresses import Address
    from oauthreg._registration import HttpProfile
    from oauthreg._transports.proxy import Proxy

_GRAIN = 0.005  # what a timer may be early by
_NO_FAULT_OF_TLS = (
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
    ssl.SSLSyscallError,
    ssl.SSLWantReadError,
    ssl.SSLWantWriteError,
)
_REFUSED_TUNNEL = re.compile(r"(?:Tunnel connection failed: )?([1-5]\d\d)\b")
_TIME_REASONS = {9, 10}  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
_NAME_REASONS = {62, 64}  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_REFUSED_CERTIFICATE = re.compile("alert .*(certificate|unknown ca)")
_NOT_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}


class Exchange:
    """The progress of one request, told by the transport as it happens.

    Attributes:
        profile: The http profile.
        address: Where the request goes.
        proxy: What it goes through.
        reused: Whether the connection had served before.
        connected: Whether there is a connection to the server, through proxy and TLS.
        answered: Whether a byte of the answer arrived.
        in_body: Whether the answer's header is complete.
        closed: Whether the transport was closed meanwhile.
    """

    def __init__(
        self,
        profile: HttpProfile,
        address: Address,
        proxy: Proxy | None,
        within: float | None = None,
    ) -> None:
        total = profile.total_timeout
        self._deadline = time.monotonic() + (total if within is None else min(within, total))
        self.profile, self.address, self.proxy = profile, address, proxy
        self.reused = self.connected = True
        self.answered = self.in_body = self.closed = self._ended = False

    def connecting(self) -> None:
        """Note that a new connection is being opened."""
        self.reused = self.connected = self._ended = False

    def established(self) -> None:
        """Note that the connection reaches the server; what a proxy answered is past."""
        self.connected = True
        self.answered = False

    def arrived(self, count: int) -> None:
        """Note that a read brought so many bytes; none is the end of what the server sends.

        Raises:
            ConnectionAbortedError: we ourselves were that end.
        """
        if self.closed:
            raise ConnectionAbortedError
        self.answered = self.answered or count > 0
        self._ended = not count

    def header_read(self) -> None:
        """Note that the answer's header was read.

        Raises:
            ConnectionError: it was cut short, which http.client takes for complete; or it had been
                there before the request, which httpx2 takes for its answer.
        """
        if self._ended or not self.answered:
            raise ConnectionError
        self.in_body = True

    def limit(self, seconds: float) -> float:
        """Return how long the next wait may be: this long, and no longer than is left.

        Raises:
            TimeoutError: nothing is left.
            ConnectionAbortedError: the transport was closed.
        """
        if self.closed:
            raise ConnectionAbortedError
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(seconds, left)

    def may_repeat(self, outcome: object) -> bool:
        """Whether this is the failure of a connection that had died before it was used again."""
        died = isinstance(outcome, ConnectionFailedError) and self.reused and not self.answered
        return died and not self.closed

    def failure(self, error: BaseException) -> AuthorizationError:
        """Say in our own words what went wrong, without anything of the request or answer."""
        if isinstance(error, AuthorizationError):
            return error.copy(endpoint=self.address.endpoint)
        if self.closed:
            return ConnectionFailedError(
                f"the request to {self.address.peer} was broken off: the transport is closed",
                endpoint=self.address.endpoint,
                retryable=False,
            )
        causes = list(_causes(error))
        for cause in causes:
            if isinstance(cause, ssl.SSLError) and not isinstance(cause, _NO_FAULT_OF_TLS):
                return self._tls(cause)
        if any(isinstance(cause, TimeoutError) for cause in causes):
            return self._timed_out()
        return self._broken(causes) if self.connected else self._not_connected(causes)

    def _tls(self, error: ssl.SSLError) -> TlsError:
        path, source = trust.roots(self.profile)
        setting = f"http.{self.profile.name}.ca-bundle"
        hint = f"Name the CA that it should trust in {setting} (now {path}, {source})"
        said = (error.reason or type(error).__name__).replace("_", " ").lower()
        if isinstance(error, ssl.SSLCertVerificationError):
            said = error.verify_message.rstrip(".")
            if error.verify_code in _TIME_REASONS:
                hint = "Renew the server's certificate, or set this machine's clock"
            if error.verify_code in _NAME_REASONS:
                hint = f"The certificate has to name {self.address.host}; {setting} cannot help"
        elif error.reason in _NOT_TLS:
            hint = f"The port speaks no TLS, plain http perhaps; {setting} cannot help"
        elif _REFUSED_CERTIFICATE.search(said):
            hint = "The server wants a client certificate, or another one: see certificate-file"
        return TlsError(
            f"no TLS connection with {self.address.peer}: {said}",
            endpoint=self.address.endpoint,
            hint=hint,
        )

    def _timed_out(self) -> TimedOutError:
        profile, who = self.profile, self._who
        kind, seconds, message = (
            "connect",
            profile.connect_timeout,
            f"no connection to {who} within",
        )
        if self.connected:
            kind, seconds, message = "read", profile.read_timeout, f"{who} sent nothing for"
        if time.monotonic() >= self._deadline - _GRAIN:
            kind, seconds = "total", profile.total_timeout
            message = f"no complete answer from {who} within"
        return TimedOutError(
            f"{message} {seconds:g} s ({kind} timeout)",
            endpoint=self.address.endpoint,
            hint=f"The limit is http.{profile.name}.{kind}-timeout",
        )

    def _not_connected(self, causes: list[BaseException]) -> ConnectionFailedError:
        retryable, hint = True, None
        refusals = [match[1] for c in causes if (match := _REFUSED_TUNNEL.match(str(c)))]
        if self.proxy and refusals:
            message = f"{self._who} refused the tunnel to {self.address.peer}: {refusals[0]}"
            retryable = not refusals[0].startswith("4")
            hint = "The proxy is http.*.proxy, or https_proxy in the environment"
        elif any(isinstance(cause, socket.gaierror) for cause in causes):
            message = f"the name of {self._who} cannot be resolved"
        elif any(isinstance(cause, ConnectionRefusedError) for cause in causes):
            message = f"{self._who} refused the connection"
        else:
            known = [c.strerror for c in causes if isinstance(c, OSError) and c.strerror]
            message = f"no connection to {self._who}: {known[0] if known else 'it was closed'}"
        return ConnectionFailedError(
            message, endpoint=self.address.endpoint, retryable=retryable, hint=hint
        )

    def _broken(self, causes: list[BaseException]) -> ConnectionFailedError:
        if any(isinstance(cause, zlib.error) for cause in causes):
            message = f"the answer of {self._who} is not encoded as it says"
        elif self.in_body:
            message = f"{self._who} broke off in the middle of its answer"
        elif self.answered:
            message = f"what {self._who} answered is not HTTP, or was cut short"
        else:
            message = f"{self._who} closed the connection without an answer"
        return ConnectionFailedError(message, endpoint=self.address.endpoint)

    @property
    def _who(self) -> str:
        if self.proxy and not self.connected:
            return self.proxy.peer
        return self.address.peer


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk an error, what it was raised from, and the members of groups."""
    waiting, seen = [error], set[int]()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        members = current.exceptions if isinstance(current, BaseExceptionGroup) else ()
        waiting += [e for e in (*members, current.__cause__, current.__context__) if e is not None]
