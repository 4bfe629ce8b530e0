"""What is thought of a token that was granted, of the server's clock, and of an API's answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from oauthreg._check.network import failed
from oauthreg._check.results import Outcome, Step
from oauthreg._errors import AuthorizationError
from oauthreg._flow import TokenRequest
from oauthreg._renewal.fetches import LONGEST_LIFETIME
from oauthreg._tokens import life
from oauthreg._urls import parse_pattern

if TYPE_CHECKING:
    from oauthreg._check.probe import Probe
    from oauthreg._flow import Flow, Granted, TokenResponse
    from oauthreg._registration import AuthorizedClient, ClientRegistration, HttpProfile
    from oauthreg._renewal.fetches import TokenFetch

CLOCK_WARNS, CLOCK_FAILS = 5.0, 60.0
SHORT_LIFE = 30.0


def scopes_step(registration: ClientRegistration, granted: Granted) -> Step:
    """Compare the scopes of an answer with those that were asked for."""
    asked, got = registration.scopes, granted.scopes
    if got is None or set(got) == set(asked):
        return Step(name="scopes", outcome="ok", seen=" ".join(asked) or "none asked for")
    missing = [scope for scope in asked if scope not in got]
    further = [scope for scope in got if scope not in asked]
    if missing:
        seen = f"granted {' '.join(got) or 'none'}, and not {' '.join(missing)}"
        remedy = (
            "Have the authorization server allow it for this client, or take it out of "
            f"registration.{registration.registration_id}.scope."
        )
        return Step(name="scopes", outcome="failed", seen=seen, remedy=remedy)
    seen = f"{' '.join(asked) or 'none'} as asked, and {' '.join(further)} as well"
    return Step(name="scopes", outcome="ok", seen=seen)


def lifetime_step(registration: ClientRegistration, granted: Granted) -> Step:
    """Say how long the token would be used, and whether that is worth a look."""
    path = f"registration.{registration.registration_id}"
    lifetime = granted.expires_in or registration.default_lifetime
    lifetime = min(lifetime, registration.max_lifetime or LONGEST_LIFETIME)
    early, ends = life(lifetime, spread=1.0, refresh_before=registration.refresh_before)
    late, _ = life(lifetime, spread=0.0, refresh_before=registration.refresh_before)
    first, last = sorted((early, late))
    seen = f"{lifetime:g} s; renewed after {first:.0f} to {last:.0f} s, used for {ends:.0f} s"
    if not granted.expires_in:
        remedy = f"If tokens live otherwise, set {path}.default-lifetime."
        return Step(
            name="lifetime",
            outcome="warning",
            seen=f"the server does not say it; taken for {seen}",
            remedy=remedy,
        )
    if lifetime < SHORT_LIFE:
        remedy = "Have the authorization server issue tokens that live longer: five minutes, say."
        return Step(name="lifetime", outcome="warning", seen=seen, remedy=remedy)
    return Step(name="lifetime", outcome="ok", seen=seen)


def latency_step(profile: HttpProfile, seconds: float) -> Step:
    """Judge how long the token answer took: half of what it may take is worth a look."""
    seen = f"{seconds * 1000:.0f} ms"
    limit = min(profile.read_timeout, profile.total_timeout)
    if seconds < limit / 2:
        return Step(name="latency", outcome="ok", seen=seen, seconds=seconds)
    remedy = f"The limit is {limit:g} s: http.{profile.name}.read-timeout and total-timeout."
    return Step(name="latency", outcome="warning", seen=seen, remedy=remedy, seconds=seconds)


def clock_step(ahead: float | None) -> Step:
    """Judge the seconds by which the server's clock is ahead of this machine's."""
    if ahead is None:
        return Step(name="clock", outcome="skipped", seen="the server dates no answer")
    if abs(ahead) < CLOCK_WARNS:
        return Step(name="clock", outcome="ok", seen="as the server's")
    side = "behind" if ahead > 0 else "ahead of"
    seen = f"this machine's clock is {abs(ahead):.0f} s {side} the server's"
    remedy = "Synchronise both by NTP: signed assertions, DPoP proofs and id_tokens carry times."
    outcome: Outcome = "failed" if abs(ahead) >= CLOCK_FAILS else "warning"
    return Step(name="clock", outcome=outcome, seen=seen, remedy=remedy)


def api_step(
    probe: Probe, fetch: TokenFetch, client: AuthorizedClient, pattern: str, seconds: float
) -> Step:
    """Ask an address of `urls` with the token: does the API take it?"""
    if parse_pattern(pattern).any_label:
        return Step(name="api", outcome="skipped", seen=f"{pattern} is a pattern, no address")
    try:
        response = probe.run(fetch, _asked(client, pattern), seconds)
    except AuthorizationError as error:
        return failed("api", error)
    seen = f"{pattern} answered {response.status}"
    if response.status == HTTPStatus.UNAUTHORIZED:
        remedy = (
            "The API does not take this token: check audience and scope of the registration, and "
            "which authorization server the API trusts."
        )
        return Step(name="api", outcome="failed", seen=seen, remedy=remedy)
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        remedy = "The API itself is not well."
        return Step(name="api", outcome="failed", seen=seen, remedy=remedy)
    if response.status == HTTPStatus.FORBIDDEN:
        remedy = "The token is taken, and may not do this: perhaps it lacks a scope or a role."
        return Step(name="api", outcome="warning", seen=seen, remedy=remedy)
    return Step(name="api", outcome="ok", seen=seen)


def _asked(client: AuthorizedClient, url: str) -> Flow[TokenResponse]:
    """Send one GET, and a second one where the API wants a DPoP nonce (RFC 9449 section 9)."""
    response: TokenResponse = yield _request(client, url)
    wants_nonce = client.note_nonce(url, response.headers)
    if response.status == HTTPStatus.UNAUTHORIZED and wants_nonce:
        response = yield _request(client, url)
    return response


def _request(client: AuthorizedClient, url: str) -> TokenRequest:
    proof = client.proof("GET", url)
    headers = [*client.headers.items()]
    headers += [("DPoP", proof)] if proof is not None else []
    value = client.access_token.token_value
    return TokenRequest(url=url, method="GET", headers=tuple(headers), sensitive=(value,))
