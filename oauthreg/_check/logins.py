"""Tokens that a check does not ask for, since that would spend something or send a password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthreg._check.network import failed
from oauthreg._check.results import CheckOptions, Step
from oauthreg._errors import AuthorizationError, SecretUnavailableError
from oauthreg._flow import ReadSecret
from oauthreg._grants.password import password
from oauthreg._grants.table import GRANTS
from oauthreg._manager.answers import read_secret

if TYPE_CHECKING:
    from oauthreg._check.probe import Probe
    from oauthreg._renewal.fetches import TokenFetch

STORE_SECONDS = 10.0


def spends(fetch: TokenFetch, options: CheckOptions) -> bool:
    """Whether a token request would do more than the options allow, or needs a caller's token."""
    grant = GRANTS[fetch.registration.authorization_grant_type]
    if grant.flow is password:
        return not options.password_grants
    if grant.acts_for_user:
        return not options.renew or grant.response_type == "token" or fetch.refresh_chain is None
    return _needs_subject_token(fetch)


def login_step(probe: Probe, fetch: TokenFetch, options: CheckOptions) -> Step | None:
    """Say what a user's grant has to begin with; None where it is no user's."""
    registration = fetch.registration
    grant = GRANTS[registration.authorization_grant_type]
    if not grant.acts_for_user:
        if _needs_subject_token(fetch):
            return _skipped("it exchanges a caller's token, and there is no caller here")
        return None
    if grant.flow is password:
        sent = options.password_grants
        return None if sent else _skipped("the password is not sent without --password-grants")
    if grant.response_type == "token":
        return _skipped("its tokens come to the browser, and renew nothing")
    configured = registration.refresh_token is not None
    return _configured(fetch, options) if configured else _kept(probe, fetch, options)


def _needs_subject_token(fetch: TokenFetch) -> bool:
    registration = fetch.registration
    grant = GRANTS[registration.authorization_grant_type]
    signs = grant.signs and registration.signing_key is not None
    return grant.takes_subject_token and registration.subject_token is None and not signs


def _configured(fetch: TokenFetch, options: CheckOptions) -> Step:
    source = fetch.registration.refresh_token
    try:
        if source is not None and source.local:
            read_secret(ReadSecret(source, "refresh-token"))
    except SecretUnavailableError as error:
        return failed("login", error)
    where = source.reference if source is not None and source.reference else "the settings"
    spent = "" if options.renew else "; it is not spent without --renew"
    return Step(name="login", outcome="ok", seen=f"a refresh token is in {where}{spent}")


def _kept(probe: Probe, fetch: TokenFetch, options: CheckOptions) -> Step:
    """Look a login up in the store."""
    sharing = probe.core.flights.shared_by(fetch)
    if sharing is None:
        return _skipped("logins are kept in the memory of each process: there is no store")
    if fetch.principal is None:
        return _skipped("a login for each user; --principal NAME looks one up in the store")
    try:
        probe.run(fetch, sharing.load_tokens(fetch), STORE_SECONDS)
    except AuthorizationError as error:
        return failed("login", error, remedy="See `oauthreg store status`.")
    chain = probe.core.records.refresh_chain(fetch, keep=True)
    if chain is None or chain.usable() is None:
        seen = f"nobody has logged in as {fetch.principal!r}"
        remedy = f"Log in: oauthreg login {fetch.name} --principal {fetch.principal}"
        return Step(name="login", outcome="failed", seen=seen, remedy=remedy)
    spent = "" if options.renew else "; its refresh token is not spent without --renew"
    seen = f"the store has a login of {fetch.principal!r}{spent}"
    return Step(name="login", outcome="ok", seen=seen)


def _skipped(words: str) -> Step:
    return Step(name="login", outcome="skipped", seen=words)
