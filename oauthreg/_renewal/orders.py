"""What flights bring: a token for a registration, or the metadata of an issuer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from oauthreg._errors import InvalidTokenResponseError
from oauthreg._flow import Granted
from oauthreg._protocol.binding import check_token_binding
from oauthreg._registration import AuthorizedClient
from oauthreg._renewal.backoff import Scopes
from oauthreg._renewal.slots import Held
from oauthreg._tokens import AccessToken, RefreshToken, life
from oauthreg.events import Event, LifetimeAssumed, ScopesChanged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._provider import ProviderPlugin
    from oauthreg._registration import ClientRegistration, HttpProfile, ProviderDetails
    from oauthreg._renewal.clocks import Instant
    from oauthreg._secret_values import Secret, TokenOf

LONGEST_LIFETIME = 100 * 365 * 86400.0
METADATA_LIFETIME = 86400.0
METADATA_WINDOW = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOrder:
    """A token for one registration and one set of call options.

    Attributes:
        key: The token key.
        registration: The registration, with the call's options in it.
        plugin: The provider's plugin.
        principal: On whose behalf.
        subject_token: The token to exchange.
        actor_token: The acting party's token.
    """

    key: str
    registration: ClientRegistration
    plugin: ProviderPlugin[Any] = field(repr=False)
    principal: str | None = None
    subject_token: Secret | TokenOf | None = None
    actor_token: Secret | TokenOf | None = None

    @property
    def name(self) -> str:
        """The registration's id."""
        return self.registration.registration_id

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self.registration.provider.name

    @property
    def audience(self) -> str | None:
        """The audience asked for."""
        return self.registration.audience

    @property
    def http(self) -> HttpProfile:
        """How its requests are sent."""
        return self.registration.http

    @property
    def has_local_credential(self) -> bool:
        """Whether a credential may change beside the settings, where a look costs little."""
        registration = self.registration
        sources = (*registration.client_secrets, registration.signing_key, registration.assertion)
        return any(
            source is not None and source.local and source.reference is not None
            for source in sources
        )

    @property
    def scopes(self) -> Scopes:
        """Whom its failures concern."""
        server = server_identity(self.registration.provider)
        client = f"client {self.provider!r} {self.registration.client_id!r}"
        return Scopes(f"key {self.key}", client, f"endpoint {server}")

    def hold(
        self, granted: Granted, started: Instant, now: Instant, *, spread: float
    ) -> tuple[Held, tuple[Event, ...]]:
        """Return what to keep of a grant, and what is worth telling about it.

        Args:
            granted: What the server granted.
            started: When the token request was started: the lifetime counts from here.
            now: When its answer was complete.
            spread: A number in [0, 1), drawn once for this token.

        Raises:
            InvalidTokenResponseError: the token had ended before its answer arrived, or is not
                bound as the registration wants it.
        """
        check_token_binding(self.registration, granted)
        return self._hold(granted, started, now, spread=spread)

    def _hold(
        self, granted: Granted, started: Instant, now: Instant, *, spread: float
    ) -> tuple[Held, tuple[Event, ...]]:
        registration = self.registration
        lifetime = granted.expires_in or registration.default_lifetime
        lifetime = min(lifetime, registration.max_lifetime or LONGEST_LIFETIME, LONGEST_LIFETIME)
        scopes = registration.scopes if granted.scopes is None else granted.scopes
        issued_at = datetime.fromtimestamp(started.wall, UTC)
        token = AccessToken(
            token_value=granted.access_token,
            token_type=granted.token_type,
            scopes=scopes,
            issued_at=issued_at,
            expires_at=issued_at + timedelta(seconds=lifetime),
            extra=granted.extra,
        )
        stale_after, expired_after = life(
            lifetime, spread=spread, refresh_before=registration.refresh_before
        )
        refresh_token = granted.refresh_token and RefreshToken(
            token_value=granted.refresh_token, issued_at=issued_at
        )
        held = Held(token, started, lifetime, stale_after, expired_after, refresh_token or None)
        took = now.monotonic - started.monotonic
        if took >= expired_after:  # by the clock that nobody sets
            raise InvalidTokenResponseError(
                f"answered with a token that lived {lifetime:g} s, and took {took:.1f} s to arrive"
            )
        events: list[Event] = []
        if granted.expires_in is None:
            events.append(LifetimeAssumed(registration_id=self.name, lifetime=lifetime))
        if granted.scopes is not None and set(granted.scopes) != set(registration.scopes):
            events.append(
                ScopesChanged(
                    registration_id=self.name, asked=registration.scopes, granted=granted.scopes
                )
            )
        return held, tuple(events)

    def fixed(self, token_value: str, now: Instant) -> Held:
        """Return a token that never ends, for tests that replace the real one."""
        granted = Granted(access_token=token_value, expires_in=LONGEST_LIFETIME)
        return self._hold(granted, now, now, spread=0.0)[0]

    def client(self, held: Held) -> AuthorizedClient:
        """Return what a caller of this order is handed."""
        return AuthorizedClient(
            registration=self.registration,
            principal=self.principal,
            access_token=held.value,
            refresh_token=held.refresh_token,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataOrder:
    """The metadata of one issuer over one http profile, for every registration of it.

    Attributes:
        details: The provider.
        http: How it is fetched.
    """

    details: ProviderDetails
    http: HttpProfile
    audience: None = None
    has_local_credential: bool = False

    @property
    def key(self) -> str:
        """The key under which the metadata is shared."""
        issuer = self.details.issuer_uri or ""
        address = self.details.endpoints.get("metadata-uri", "")
        identity = f"{len(issuer)}:{issuer}{len(address)}:{address}{self.http.name}"
        return f"metadata {hashlib.sha256(identity.encode()).hexdigest()}"

    @property
    def name(self) -> str:
        """The provider by its path in the settings, which no registration is called."""
        return f"provider.{self.details.name}"

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self.details.name

    @property
    def scopes(self) -> Scopes:
        """Whom its failures concern: this issuer's metadata alone."""
        return Scopes(self.key, self.key, self.key)

    def hold(
        self, metadata: Mapping[str, Any], started: Instant, now: Instant, *, spread: float
    ) -> tuple[Held, tuple[Event, ...]]:
        """Return what to keep: the metadata for a day, asked for anew in its last hour."""
        del now
        age = life(METADATA_LIFETIME, spread=spread, refresh_before=METADATA_WINDOW)
        return Held(metadata, started, METADATA_LIFETIME, *age), ()

    def client(self, held: Held) -> None:
        """Metadata is handed out as it is."""


def server_identity(provider: ProviderDetails) -> str:
    """Return what tells one authorization server from another."""
    return (
        provider.token_uri
        or provider.issuer_uri
        or provider.endpoints.get("metadata-uri")
        or provider.name
    )
