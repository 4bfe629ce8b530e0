"""The steps below HTTP: is the name known, and is the certificate trusted?"""

from __future__ import annotations

import socket
import ssl
import time
from concurrent.futures import TimeoutError as FutureTimeout
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from oauthreg._addresses import parse_proxy
from oauthreg._check.results import Step
from oauthreg._errors import AuthorizationError, TlsError
from oauthreg._protocol.text import clean
from oauthreg._transports import address as addresses
from oauthreg._transports import proxy
from oauthreg._transports.exchange import Exchange
from oauthreg._transports.failures import failure
from oauthreg._transports.lookup import in_thread, lookup
from oauthreg._transports.trust import Trust

if TYPE_CHECKING:
    from oauthreg._addresses import Address
    from oauthreg._flow import ClientCertificate
    from oauthreg._registration import HttpProfile
    from oauthreg._transports.proxy import Proxy

DAY = 86400.0
ENDS_SOON = 14 * DAY
LONGEST_NAME = 200
MOST_ADDRESSES = 4
MAY_PASS = "It may pass: check again in a moment. If it stays, ask who runs the server."
ASK = "Ask who runs the authorization server; the answer is theirs."


def failed(name: str, error: AuthorizationError, *, remedy: str = "", seen: str = "") -> Step:
    """Return the failed step of an error."""
    text = str(error.copy(hint=None, registration_id=None))
    advice = remedy or error.hint or (MAY_PASS if error.retryable else ASK)
    return Step(name=name, outcome="failed", seen=f"{text}{seen}", remedy=advice)


def reach(
    url: str, profile: HttpProfile, certificate: ClientCertificate | None, seconds: float
) -> tuple[Step, ...]:
    """Resolve an address's name and shake hands with its server; nothing is sent over HTTP.

    Args:
        url: The address.
        profile: Time limits, proxy and trusted roots.
        certificate: The client certificate to show.
        seconds: How long each step may take, at most.
    """
    try:
        address = addresses.parse(url)
        via = proxy.choose(profile, address)
    except AuthorizationError as error:
        return (failed("name", error),)
    limit = min(profile.connect_timeout, seconds)
    name = _resolved(address, via, profile, limit)
    if name.outcome == "failed":
        return (name,)
    if address.scheme == "http":
        seen = "plain http, which is for loopback only"
        return name, Step(name="tls", outcome="ok", seen=seen)
    if via is not None:
        seen = f"through {via.peer} ({via.setting}): seen when the request is sent"
        return name, Step(name="tls", outcome="skipped", seen=seen)
    return name, _shaken(address, profile, certificate, limit)


def _resolved(address: Address, via: Proxy | None, profile: HttpProfile, limit: float) -> Step:
    peer = parse_proxy(via.url) if via is not None else address
    who = f"{peer.host}, of {via.setting}" if via is not None else peer.host
    exchange = Exchange(profile, address, via)
    exchange.connecting()
    try:
        found = lookup(peer.host, peer.port).result(limit)
        if address.origin.must_resolve_to_loopback:
            addresses.check_resolved(address, found)
    except FutureTimeout:
        seen = f"no answer about the name {who} within {limit:g} s"
        remedy = "Check this machine's DNS: it does not answer."
        return Step(name="name", outcome="failed", seen=seen, remedy=remedy)
    except (OSError, UnicodeError, AuthorizationError) as error:
        return failed("name", failure(exchange, error))
    numbers = list(dict.fromkeys(str(one[4][0]) for one in found))
    more = f" and {len(numbers) - MOST_ADDRESSES} more" if len(numbers) > MOST_ADDRESSES else ""
    seen = f"{who} is {', '.join(numbers[:MOST_ADDRESSES])}{more}"
    if numbers == [peer.host]:
        seen = f"{who} is an address"
    return Step(name="name", outcome="ok", seen=seen)


def _shaken(
    address: Address, profile: HttpProfile, certificate: ClientCertificate | None, limit: float
) -> Step:
    exchange = Exchange(profile, address, None)
    exchange.connecting()
    begun = time.monotonic()
    try:
        context = Trust(profile).context(certificate, address.endpoint)
        found = in_thread(lambda: _peer(address, context, limit)).result(limit)
    except FutureTimeout:
        seen = f"{address.peer} did not complete the TLS handshake within {limit:g} s"
        remedy = f"Check host and port; the limit is http.{profile.name}.connect-timeout."
        return Step(name="tls", outcome="failed", seen=seen, remedy=remedy)
    except Exception as error:  # noqa: BLE001 - whatever ssl and socket raise
        known = failure(exchange, error)
        who = _stranger(address, limit) if isinstance(known, TlsError) else ""
        return failed("tls", known, seen=who)
    return _judged(*found, seconds=time.monotonic() - begun)


def _peer(
    address: Address, context: ssl.SSLContext, limit: float
) -> tuple[dict[str, Any], str, bytes]:
    """Shake hands; return the server's certificate in two forms, and the version of TLS."""
    with (
        socket.create_connection((address.host, address.port), timeout=limit) as raw,
        context.wrap_socket(raw, server_hostname=address.host) as tls,
    ):
        parsed: Any = tls.getpeercert()
        return parsed or {}, tls.version() or "TLS", tls.getpeercert(binary_form=True) or b""


def _judged(parsed: dict[str, Any], version: str, _der: bytes, *, seconds: float) -> Step:
    left = ssl.cert_time_to_seconds(parsed["notAfter"]) - time.time()
    ends = datetime.fromtimestamp(time.time() + left, UTC)
    seen = (
        f"{version}, certificate of {_common_name(parsed.get('subject', ()))} issued by "
        f"{_common_name(parsed.get('issuer', ()))}, ends {ends:%Y-%m-%d} (in {left / DAY:.0f} days)"
    )
    if left < ENDS_SOON:
        remedy = "Have the server's certificate renewed before it ends."
        return Step(name="tls", outcome="warning", seen=seen, remedy=remedy, seconds=seconds)
    return Step(name="tls", outcome="ok", seen=seen, seconds=seconds)


def _common_name(name: Any) -> str:
    """Return who a certificate names: the common name, else the organization."""
    parts = {key: value for group in name for key, value in group}
    found = parts.get("commonName") or parts.get("organizationName") or "somebody without a name"
    return clean(str(found), LONGEST_NAME)


def _stranger(address: Address, limit: float) -> str:
    """Return who the server says it is, where it is not trusted; nothing is sent to it."""
    from cryptography import x509  # noqa: PLC0415 - needed only where something is wrong

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # to look at its certificate, and then hang up
    try:
        _, _, der = in_thread(lambda: _peer(address, context, limit)).result(limit)
        found = x509.load_der_x509_certificate(der)
    except (OSError, ValueError, FutureTimeout):
        return ""
    subject, issuer = (
        clean(name.rfc4514_string(), LONGEST_NAME) for name in (found.subject, found.issuer)
    )
    ends = found.not_valid_after_utc
    signer = "signed by itself" if subject == issuer else f"issued by {issuer}"
    return f". It shows a certificate of {subject}, {signer}, which ends {ends:%Y-%m-%d}"
