"""Why this provider, plugin and method, and how long tokens would be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oauthreg._grants.table import GRANTS
from oauthreg._renewal.fetches import LONGEST_LIFETIME
from oauthreg._tokens import life

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oauthreg._explain.values import Value
    from oauthreg._registration import ClientRegistration

LIFETIMES = (60.0, 300.0, 3600.0, 86400.0)


def reasons(registration: ClientRegistration, found: Sequence[Value]) -> dict[str, str]:
    """Return why the provider, the plugin, the grant and the method are what they are."""
    details = registration.provider
    by_path = {value.path.partition(".")[0] + "." + value.name: value for value in found}
    kind = by_path["provider.type"]
    if kind.source.kind != "rule":
        plugin = f"named by type ({kind.source.words})"
    elif details.type == "generic":
        plugin = f"no type is set, and no plugin is built in for {details.name!r}"
    else:
        plugin = "built in, and named like the provider"
    grant = by_path["registration.authorization-grant-type"]
    method = by_path["registration.client-authentication-method"]
    return {
        "provider": f"{details.name}: {details.chosen_by}",
        "plugin": f"{details.type}: {plugin}",
        "grant": f"{GRANTS[registration.authorization_grant_type].setting}: {grant.source.words}",
        "method": f"{method.value}: {method.source.words}",
    }


def tokens(registration: ClientRegistration) -> list[dict[str, Any]]:
    """Return how long tokens of several lifetimes would be used, in seconds.

    The first is what is assumed where the server does not say the lifetime.
    """
    return [_use(registration, registration.default_lifetime, assumed=True)] + [
        _use(registration, lifetime, assumed=False) for lifetime in LIFETIMES
    ]


def _use(registration: ClientRegistration, lifetime: float, *, assumed: bool) -> dict[str, Any]:
    capped = min(lifetime, registration.max_lifetime or LONGEST_LIFETIME)
    window = registration.refresh_before
    times = sorted(
        life(capped, spread=spread, refresh_before=window).stale_after for spread in (0.0, 1.0)
    )
    return {
        "lifetime": lifetime,
        "assumed": assumed,
        "renewed-after": [round(seconds, 1) for seconds in times],
        "used-for": round(life(capped, spread=0.0, refresh_before=window).expired_after, 1),
    }
