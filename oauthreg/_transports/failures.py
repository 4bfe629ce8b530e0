"""What a failed request is called: our own error for whatever a library raised."""

from __future__ import annotations

import re
import socket
import ssl
import zlib
from typing import TYPE_CHECKING

from oauthreg._errors import (
    AuthorizationError,
    ConnectionFailedError,
    TimedOutError,
    TlsError,
    TransportError,
)
from oauthreg._transports import trust
from oauthreg._transports.exchange import Stage
from oauthreg._transports.shortage import shortage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oauthreg._transports.exchange import Exchange

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


def failure(exchange: Exchange, error: BaseException) -> AuthorizationError:
    """Return what went wrong in our own words, without anything of the request or answer."""
    found = _failure(exchange, error)
    if isinstance(found, TransportError):
        found.sent = exchange.stage >= Stage.SENT
    return found


def _failure(exchange: Exchange, error: BaseException) -> AuthorizationError:
    if isinstance(error, AuthorizationError):
        return error.copy(endpoint=exchange.address.endpoint)
    if exchange.closed:
        return ConnectionFailedError(
            f"the request to {exchange.address.peer} was broken off: the transport is closed",
            endpoint=exchange.address.endpoint,
            retryable=False,
        )
    causes = list(_causes(error))
    missing = shortage(causes)
    if missing:
        return _local(exchange, missing)
    refused = [c for c in causes if isinstance(c, ssl.SSLError) and not _is_end(c)]
    if refused:
        return _tls(exchange, refused[0])
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return _timed_out(exchange)
    return _broken(exchange, causes) if exchange.connected else _not_connected(exchange, causes)


def _local(exchange: Exchange, missing: str) -> ConnectionFailedError:
    done = "the request failed" if exchange.connected else "nothing was sent"
    return ConnectionFailedError(
        f"{done}: this process has run out of {missing}",
        endpoint=exchange.address.endpoint,
        local=True,
        hint="Raise the limits of this process (ulimit), or let it do less at a time",
    )


def _is_end(error: ssl.SSLError) -> bool:
    """Whether the connection ended, which is no fault of TLS."""
    return isinstance(error, _NO_FAULT_OF_TLS)


def _tls(exchange: Exchange, error: ssl.SSLError) -> TlsError:
    roots = trust.roots(exchange.profile)
    setting = f"http.{exchange.profile.name}.ca-bundle"
    hint = f"Name the CA that it should trust in {setting} (now {roots})"
    reason = (error.reason or type(error).__name__).replace("_", " ").lower()
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message.rstrip(".")
        if error.verify_code in _TIME_REASONS:
            hint = "Renew the server's certificate, or set this machine's clock"
        if error.verify_code in _NAME_REASONS:
            hint = f"The certificate has to name {exchange.address.host}; {setting} cannot help"
    elif error.reason in _NOT_TLS:
        hint = f"The port speaks no TLS, plain http perhaps; {setting} cannot help"
    elif _REFUSED_CERTIFICATE.search(reason):
        hint = "The server wants a client certificate, or another one: see certificate-file"
    return TlsError(
        f"no TLS connection with {exchange.address.peer}: {reason}",
        endpoint=exchange.address.endpoint,
        hint=hint,
    )


def _timed_out(exchange: Exchange) -> TimedOutError:
    profile, who = exchange.profile, _who(exchange)
    if exchange.stage is Stage.WAITING:
        return TimedOutError(
            f"nothing was sent to {who}: no connection became free in time",
            endpoint=exchange.address.endpoint,
            local=True,
            hint=f"The limit is http.{profile.name}.max-connections ({profile.max_connections})",
        )
    kind, seconds, message = "connect", profile.connect_timeout, f"no connection to {who} within"
    if exchange.connected:
        kind, seconds, message = "read", profile.read_timeout, f"{who} sent nothing for"
    if exchange.overdue:
        kind, seconds = "total", profile.total_timeout
        message = f"no complete answer from {who} within"
    return TimedOutError(
        f"{message} {seconds:g} s ({kind} timeout)",
        endpoint=exchange.address.endpoint,
        hint=f"The limit is http.{profile.name}.{kind}-timeout",
    )


def _not_connected(exchange: Exchange, causes: list[BaseException]) -> ConnectionFailedError:
    who, proxy, retryable = _who(exchange), exchange.proxy, True
    hint = f"The proxy is named by {proxy.setting}" if proxy else None
    refusals = [match[1] for c in causes if (match := _REFUSED_TUNNEL.match(str(c)))]
    if proxy and refusals:
        message = f"{who} refused the tunnel to {exchange.address.peer}: {refusals[0]}"
        retryable = not refusals[0].startswith("4")
    elif any(isinstance(cause, (socket.gaierror, UnicodeError)) for cause in causes):
        message = f"the name of {who} cannot be resolved"
        hint = hint or "Check the host name; if it is right, this machine's DNS"
    elif any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        message = f"{who} refused the connection"
        hint = hint or "Check host and port, and that the server is running"
    elif exchange.stage is Stage.NEW:
        message = (
            f"nothing was sent to {who}: {type(causes[0]).__name__} before it was connected to"
        )
        hint = "If a test mocks the HTTP library, the mock knows no such request"
    else:
        known = [c.strerror for c in causes if isinstance(c, OSError) and c.strerror]
        message = f"no connection to {who}: {known[0] if known else 'it was closed'}"
    return ConnectionFailedError(
        message, endpoint=exchange.address.endpoint, retryable=retryable, hint=hint
    )


def _broken(exchange: Exchange, causes: list[BaseException]) -> ConnectionFailedError:
    who, hint = _who(exchange), None
    if any(isinstance(cause, zlib.error) for cause in causes):
        message = f"the answer of {who} is not encoded as it says"
    elif exchange.stage is Stage.BODY:
        message = f"{who} broke off in the middle of its answer"
    elif exchange.stage is Stage.ANSWERED:
        message = f"what {who} answered is not HTTP, or was cut short"
    else:
        message = f"{who} closed the connection without an answer"
        if exchange.address.scheme == "http":
            hint = "If the port speaks TLS, write https"
    return ConnectionFailedError(message, endpoint=exchange.address.endpoint, hint=hint)


def _who(exchange: Exchange) -> str:
    if exchange.proxy and not exchange.connected:
        return exchange.proxy.peer
    return exchange.address.peer


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
