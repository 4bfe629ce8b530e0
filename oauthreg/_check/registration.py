"""The check of one registration: its steps, in order, until one fails."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from oauthreg._check.flows import Seen
from oauthreg._check.judgement import (
    api_step,
    clock_step,
    latency_step,
    lifetime_step,
    scopes_step,
)
from oauthreg._check.logins import login_step, spends
from oauthreg._check.network import failed, reach
from oauthreg._check.results import CheckOptions, Result, Step
from oauthreg._discovery import addresses, endpoints
from oauthreg._errors import AuthorizationError, SecretUnavailableError
from oauthreg._registration import AuthorizedClient
from oauthreg._sources.locate import locate

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg._check.probe import Probe
    from oauthreg._discovery import Metadata
    from oauthreg._flow import Granted
    from oauthreg._tokens import AccessToken

MARGIN = 1.0


class RegistrationCheck:
    """Checks one registration.

    Args:
        probe: What the checks share.
        registration_id: Its canonical id.
        options: What the check may do.
        on_step: Is given the id and the name of each step that begins.
    """

    def __init__(
        self,
        probe: Probe,
        registration_id: str,
        options: CheckOptions,
        on_step: Callable[[str, str], None],
    ) -> None:
        self._probe = probe
        self._options = options
        self._on_step = on_step
        resolved = probe.configuration.entries[registration_id]
        self._registration = resolved.registration
        self._fetch = probe.core.fetch(resolved, principal=options.principal)
        self._until = time.monotonic() + (options.timeout or math.inf)
        self._seen = Seen()
        self._metadata: Metadata | None = None
        self._steps: list[Step] = []

    def run(self) -> Result:
        """Take every step that the options allow, until one fails."""
        try:
            for step in (self._settings, self._reached, self._discovered, self._logged_in):
                if not step():
                    break
            else:
                self._granted()
            self._clock()
        finally:
            self._probe.keep_for_others(self._fetch.name, None)
        return Result(
            id=self._fetch.name,
            steps=tuple(self._steps),
            provider=self._fetch.provider,
            grant=self._fetch.grant,
        )

    def _add(self, *steps: Step) -> bool:
        """Add steps; whether the check goes on."""
        self._steps += steps
        return all(step.outcome != "failed" for step in steps)

    def _left(self, seconds: float) -> float:
        """Return how long a step may take that usually may take so many seconds."""
        return max(min(seconds, self._until - time.monotonic()), 0.001)

    def _settings(self) -> bool:
        header = self._probe.configuration.headers.get(("registration", self._fetch.name))
        place = locate(header).partition(", ")[0] if header is not None else "by defaults"
        self._add(Step(name="settings", outcome="ok", seen=place))
        if self._fetch.name in self._probe.configuration.fixed_tokens:
            seen = "fixed by OAUTHREG_FIXED_TOKENS; nothing is sent"
            self._add(Step(name="token", outcome="skipped", seen=seen))
            return False
        return not self._options.offline

    def _reached(self) -> bool:
        details = self._registration.provider
        metadata_uri = details.endpoints.get("metadata-uri")
        url = details.token_uri or metadata_uri or addresses(details.issuer_uri or "")[0]
        return self._reach(url)

    def _reach(self, url: str) -> bool:
        self._on_step(self._fetch.name, "tls")
        registration, http = self._registration, self._fetch.http
        certificate = registration.certificate
        steps = self._probe.once(
            ("reach", _place(url), http, certificate),
            lambda: reach(url, http, certificate, self._left(http.connect_timeout)),
        )
        return self._add(*steps)

    def _discovered(self) -> bool:
        """Fetch the metadata where the token endpoint is not configured, and reach that."""
        details = self._registration.provider
        if details.token_uri is not None:
            return True
        self._on_step(self._fetch.name, "metadata")
        try:
            self._metadata, seen = self._probe.metadata(
                self._fetch, self._left(self._fetch.http.total_timeout)
            )
        except AuthorizationError as error:
            return self._add(failed("metadata", error))
        self._seen.seconds, self._seen.ahead = seen.seconds, seen.ahead
        mutual_tls = self._registration.certificate is not None
        found = endpoints(self._metadata, mutual_tls=mutual_tls)
        token_uri = found.get("token-uri")
        if token_uri is None:
            remedy = f"Set provider.{details.name}.token-uri."
            seen_words = "the metadata names no token endpoint"
            return self._add(
                Step(name="metadata", outcome="failed", seen=seen_words, remedy=remedy)
            )
        words = f"{len(found)} endpoints; tokens at {token_uri.partition('?')[0]}"
        self._add(Step(name="metadata", outcome="ok", seen=words, seconds=seen.seconds))
        first = details.endpoints.get("metadata-uri") or details.issuer_uri or ""
        return _place(token_uri) == _place(first) or self._reach(token_uri)

    def _logged_in(self) -> bool:
        self._on_step(self._fetch.name, "login")
        step = login_step(self._probe, self._fetch, self._options)
        return (step is None or self._add(step)) and not spends(self._fetch, self._options)

    def _granted(self) -> None:
        self._on_step(self._fetch.name, "token")
        try:
            if self._options.renew and self._fetch.refresh_chain is not None:
                token = self._renewed()
            else:
                granted, token = self._token()
                self._add(scopes_step(self._registration, granted))
                self._add(lifetime_step(self._registration, granted))
        except SecretUnavailableError as error:
            self._add(failed("secret", error))
            return
        except AuthorizationError as error:
            self._add(failed("token", error))
            return
        self._probe.keep_for_others(self._fetch.name, token.token_value)
        if self._options.api:
            self._asked(token)

    def _asked(self, token: AccessToken) -> None:
        """Ask every address that the token may go to."""
        self._on_step(self._fetch.name, "api")
        client = AuthorizedClient(
            registration=self._registration, principal=self._fetch.principal, access_token=token
        )
        for url in client.urls:
            seconds = self._left(self._fetch.http.total_timeout)
            self._add(api_step(self._probe, self._fetch, client, url, seconds))

    def _token(self) -> tuple[Granted, AccessToken]:
        clocks = self._probe.core.clocks
        started = clocks.now()
        granted = self._probe.token(
            self._fetch,
            self._seen,
            self._metadata,
            self._left(self._fetch.http.total_timeout + MARGIN),
            force=self._options.force,
        )
        cached, _ = self._fetch.to_cached(granted, started, clocks.now(), spread=0.0)
        token: AccessToken = cached.value
        self._note_token(token)
        return granted, token

    def _renewed(self) -> AccessToken:
        token: AccessToken = self._probe.renewed(
            self._fetch.name,
            self._options.principal,
            self._left(2 * self._fetch.http.total_timeout + MARGIN),
        )
        self._note_token(token)
        return token

    def _note_token(self, token: AccessToken) -> None:
        seconds = self._seen.seconds
        self._add(
            Step(name="token", outcome="ok", seen=f"{token.token_type} token", seconds=seconds)
        )
        if seconds is not None:
            self._add(latency_step(self._registration.http, seconds))

    def _clock(self) -> None:
        if self._seen.seconds is not None:
            self._add(clock_step(self._seen.ahead))


def _place(url: str) -> str:
    """Return scheme, host and port of an address."""
    return "/".join(url.split("/", 3)[:3]).lower()
