"""What a flight can fetch: a token for a registration, or the metadata of an issuer."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from oauthreg._discovery import discover, supplement
from oauthreg._errors import InvalidTokenResponseError
from oauthreg._flow import Granted
from oauthreg._grants.refresh_token import refresh_token
from oauthreg._grants.table import GRANTS
from oauthreg._protocol.binding import check_token_binding
from oauthreg._registration import AuthorizedClient
from oauthreg._renewal.backoff import FailureScopes
from oauthreg._renewal.cache_entry import CachedValue
from oauthreg._tokens import AccessToken, Life, RefreshToken, life
from oauthreg._urls import has_one_of_hosts
from oauthreg.events import Event, LifetimeAssumed, ScopesChanged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._flow import Flow
    from oauthreg._provider import ProviderPlugin
    from oauthreg._registration import ClientRegistration, HttpProfile, ProviderDetails
    from oauthreg._renewal.clocks import Instant
    from oauthreg._renewal.flight import Flight
    from oauthreg._secret_values import Secret, TokenOf

logger = logging.getLogger("oauthreg")

LONGEST_LIFETIME = 100 * 365 * 86400.0
METADATA_LIFETIME = 86400.0
METADATA_WINDOW = 3600.0


class Fetch(Protocol):
    """What the engine needs to know of a fetch."""

    @property
    def key(self) -> str:
        """The key under which the result is shared."""

    @property
    def name(self) -> str:
        """The registration's id, or `provider.<name>` for a provider's metadata."""

    @property
    def own(self) -> bool:
        """Whether it is a registration's own token: no user's, and without a call's options."""

    @property
    def provider(self) -> str:
        """The provider's name."""

    @property
    def grant(self) -> str | None:
        """The grant; None for metadata."""

    @property
    def endpoint(self) -> str:
        """The address that is asked, as far as it is known before."""

    @property
    def audience(self) -> str | None:
        """The audience that is asked for."""

    @property
    def failure_scopes(self) -> FailureScopes:
        """The backoff scopes: token key, client, endpoint."""

    @property
    def http(self) -> HttpProfile:
        """How its requests are sent, and how long a flight may take."""

    @property
    def refresh_chain(self) -> str | None:
        """The name of its chain of refresh tokens, if it has one."""

    @property
    def only_refreshes(self) -> bool:
        """Whether a refresh token is all that it can be fetched with."""

    @property
    def has_local_credential(self) -> bool:
        """Whether a credential outside the settings may change, and is cheap to read."""

    @property
    def settling(self) -> float:
        """Seconds after the issue of a token in which its rejection does not count."""

    def client(self, cached: CachedValue) -> AuthorizedClient | None:
        """Return the authorized client; None for metadata."""


@dataclass(frozen=True, kw_only=True)
class TokenFetch:
    """A token for one registration and one set of call options.

    Attributes:
        key: The token key.
        registration: The registration, with the call's options in it.
        plugin: The provider's plugin.
        principal: On whose behalf.
        subject_token: The token to exchange.
        actor_token: The acting party's token.
        refresh_chain: The name of its chain of refresh tokens, for grants of a user.
        own: Whether it is the registration's own token: no user's, and without a call's options.
    """

    key: str
    registration: ClientRegistration
    plugin: ProviderPlugin[Any] = field(repr=False)
    principal: str | None = None
    subject_token: Secret | TokenOf | None = None
    actor_token: Secret | TokenOf | None = None
    refresh_chain: str | None = None
    own: bool = False

    @property
    def name(self) -> str:
        """The registration's id."""
        return self.registration.registration_id

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self.registration.provider.name

    @property
    def grant(self) -> str:
        """The grant, as settings name it."""
        return GRANTS[self.registration.authorization_grant_type].setting

    @property
    def endpoint(self) -> str:
        """The token endpoint, else what identifies the server."""
        return server_identity(self.registration.provider)

    @property
    def audience(self) -> str | None:
        """The audience that is asked for."""
        return self.registration.audience

    @property
    def http(self) -> HttpProfile:
        """How its requests are sent."""
        return self.registration.http

    @property
    def settling(self) -> float:
        """Seconds after the issue of a token in which its rejection does not count."""
        return self.registration.provider.settling

    @property
    def only_refreshes(self) -> bool:
        """Whether a refresh token is all that it can be fetched with."""
        return GRANTS[self.registration.authorization_grant_type].flow is refresh_token

    @cached_property
    def has_local_credential(self) -> bool:
        """Whether a credential outside the settings may change, and is cheap to read."""
        registration = self.registration
        sources = (*registration.client_secrets, registration.signing_key, registration.assertion)
        return any(
            source is not None and source.local and source.reference is not None
            for source in sources
        )

    @cached_property
    def failure_scopes(self) -> FailureScopes:
        """The backoff scopes: token key, client, endpoint."""
        client = f"client {self.provider!r} {self.registration.client_id!r}"
        return FailureScopes(f"key {self.key}", client, f"endpoint {self.endpoint}")

    def to_cached(
        self, granted: Granted, started: Instant, now: Instant, *, spread: float
    ) -> tuple[CachedValue, tuple[Event, ...]]:
        """Turn a token answer into the access token to keep, and the events it causes.

        Args:
            granted: What the server granted.
            started: When the token request was started: the lifetime counts from here.
            now: When its answer was complete.
            spread: A number in [0, 1), drawn once for this token.

        Raises:
            InvalidTokenResponseError: the token had expired before its answer arrived, or is
                not bound as the registration wants it.
        """
        check_token_binding(self.registration, granted)
        named, hosts = granted.api_uri, self.registration.provider.api_hosts
        if named is not None and not has_one_of_hosts(named, hosts):
            logger.warning("%s: the token answer names an API that is none of api_hosts", self.name)
        return self._to_cached(granted, started, now, spread=spread)

    def _to_cached(
        self, granted: Granted, started: Instant, now: Instant, *, spread: float
    ) -> tuple[CachedValue, tuple[Event, ...]]:
        registration = self.registration
        lifetime = granted.expires_in or registration.default_lifetime
        lifetime = min(lifetime, registration.max_lifetime or LONGEST_LIFETIME, LONGEST_LIFETIME)
        issued_at = datetime.fromtimestamp(started.wall, UTC)
        token = AccessToken(
            token_value=granted.access_token,
            token_type=granted.token_type,
            scopes=registration.scopes if granted.scopes is None else granted.scopes,
            issued_at=issued_at,
            expires_at=issued_at + timedelta(seconds=lifetime),
            api_uri=granted.api_uri,
            extra=granted.extra,
        )
        stale_after, expired_after = self.life_of(token, lifetime, spread=spread)
        took = now.monotonic - started.monotonic
        if took >= expired_after:  # by the clock that nobody sets
            raise InvalidTokenResponseError(
                f"answered with a token that lived {lifetime:g} s, and took {took:.1f} s to arrive"
            )
        refreshed = granted.refresh_token and RefreshToken(
            token_value=granted.refresh_token, issued_at=issued_at
        )
        cached = CachedValue(
            token,
            started,
            lifetime,
            stale_after,
            expired_after,
            refreshed or None,
            token_digest(granted.access_token),
        )
        return cached, self._events(granted, lifetime)

    def life_of(self, token: AccessToken, lifetime: float, *, spread: float) -> Life:
        """Return when a token goes stale and expires.

        Args:
            token: The token.
            lifetime: Seconds from the start of its request to the server's expiry.
            spread: A number in [0, 1), drawn once for this token.
        """
        wanted = token.extra.get("refresh_in")
        usable = isinstance(wanted, int | float) and not isinstance(wanted, bool) and wanted > 0
        return life(
            lifetime,
            spread=spread,
            refresh_before=self.registration.refresh_before,
            refresh_in=wanted if usable else None,
            minimum_life=self.plugin.minimum_life,
        )

    def _events(self, granted: Granted, lifetime: float) -> tuple[Event, ...]:
        asked, events = self.registration.scopes, list[Event]()
        if granted.expires_in is None:
            events.append(LifetimeAssumed(lifetime=lifetime, **labels(self)))
        if granted.scopes is not None and set(granted.scopes) != set(asked):
            events.append(ScopesChanged(asked=asked, granted=granted.scopes, **labels(self)))
        return tuple(events)

    def fixed_token(self, token: Secret, now: Instant) -> CachedValue:
        """Return a token that never expires, in place of the real one."""
        granted = Granted(access_token=token.get_secret_value(), expires_in=LONGEST_LIFETIME)
        return self._to_cached(granted, now, now, spread=0.0)[0]

    def client(self, cached: CachedValue) -> AuthorizedClient:
        """Return what a caller is given."""
        return AuthorizedClient(
            registration=self.registration,
            principal=self.principal,
            access_token=cached.value,
            refresh_token=cached.refresh_token,
        )


@dataclass(frozen=True, kw_only=True)
class MetadataFetch:
    """The metadata of one issuer over one http profile, for every registration of it.

    Attributes:
        details: The provider.
        http: How it is fetched.
        supplement: Whether it is the document of RFC 8414, after another one lacked something.
    """

    details: ProviderDetails
    http: HttpProfile
    own: bool = False
    supplement: bool = False
    audience: None = None
    grant: None = None
    only_refreshes: bool = False
    has_local_credential: bool = False
    settling: float = 0.0
    refresh_chain: None = None

    @cached_property
    def key(self) -> str:
        """The key under which the metadata is shared."""
        issuer = self.details.issuer_uri or ""
        address = self.details.endpoints.get("metadata-uri", "")
        identity = f"{len(issuer)}:{issuer}{len(address)}:{address}{self.http.name}"
        kind = "supplement" if self.supplement else "metadata"
        return f"{kind} {hashlib.sha256(identity.encode()).hexdigest()}"

    @property
    def name(self) -> str:
        """The provider by its path in the settings, which no registration is called."""
        return f"provider.{self.details.name}"

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self.details.name

    @property
    def endpoint(self) -> str:
        """The metadata address or the issuer."""
        return self.details.endpoints.get("metadata-uri") or self.details.issuer_uri or ""

    @property
    def failure_scopes(self) -> FailureScopes:
        """This issuer's metadata alone."""
        return FailureScopes(self.key, self.key, self.key)

    def flow(self, *, now: float) -> Flow[Mapping[str, Any]]:
        """Fetch it, at some seconds since the epoch."""
        details = self.details
        if self.supplement and details.issuer_uri is not None:
            return supplement(details.issuer_uri, provider=details.name, now=now)
        address = details.endpoints.get("metadata-uri")
        return discover(details.issuer_uri, address, provider=details.name, now=now)

    def to_cached(
        self, metadata: Mapping[str, Any], started: Instant, now: Instant, *, spread: float
    ) -> tuple[CachedValue, tuple[Event, ...]]:
        """Return what to keep: the metadata for a day, renewed in its last hour."""
        del now
        age = life(METADATA_LIFETIME, spread=spread, refresh_before=METADATA_WINDOW)
        return CachedValue(metadata, started, METADATA_LIFETIME, *age), ()

    def client(self, cached: CachedValue) -> None:
        """Return None: metadata has no authorized client."""


def labels(fetch: Fetch, flight: Flight | None = None) -> dict[str, Any]:
    """Return the fields that every event of a fetch has, and of its flight."""
    return {
        "flight": flight.number if flight is not None else None,
        "registration_id": fetch.name,
        "provider": fetch.provider,
        "grant": fetch.grant,
        "endpoint": fetch.endpoint.partition("?")[0],
    }


def token_digest(token_value: str) -> str:
    """Return the digest by which a rejected token is found."""
    return hashlib.sha256(token_value.encode()).hexdigest()


def server_identity(provider: ProviderDetails) -> str:
    """Return what identifies an authorization server."""
    return (
        provider.token_uri
        or provider.issuer_uri
        or provider.endpoints.get("metadata-uri")
        or provider.name
    )
