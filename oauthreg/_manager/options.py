"""Reading one call of `authorize`: its options, and what they change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from oauthreg._errors import LoginRequiredError
from oauthreg._grants.table import GRANTS
from oauthreg._registration import AuthorizeOptions
from oauthreg._renewal.slots import Spot
from oauthreg._secret_values import CHAINED, Secret, TokenOf
from oauthreg._settings.models import (
    checked_resource,
    checked_scope,
    free_parameters,
    one_or_many,
    words,
)
from oauthreg._settings.validation import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._registration import ClientRegistration
    from oauthreg._renewal.orders import TokenOrder
    from oauthreg._renewal.slots import HotTable

OPTIONS = frozenset(AuthorizeOptions.__annotations__)
CHANGING = ("scope", "audience", "resource", "parameters")
NOT_KEPT = frozenset({"force", "min_ttl", "subject_token", "actor_token"})
CALLS_KEPT = 4096


class Call(NamedTuple):
    """One call of `authorize`, read: what is needed, and how long the caller waits."""

    order: TokenOrder
    spot: Spot | None
    min_ttl: float
    force: bool
    timeout: float


def refuse_unknown(options: Mapping[str, Any]) -> None:
    """Refuse an option that does not exist, which a call would silently go without.

    Raises:
        TypeError: with a did-you-mean.
    """
    for name in options:
        if name not in OPTIONS:
            advice = did_you_mean(name, OPTIONS) or f"Known: {', '.join(sorted(OPTIONS))}."
            raise TypeError(f"authorize() has no option {name!r}. {advice}")


def spot_for(table: HotTable, registration_id: str, options: Mapping[str, Any]) -> Spot | None:
    """Return where the client of this call may be kept; None where the next call may differ."""
    if NOT_KEPT & options.keys():
        return None
    key = (registration_id, tuple(options.items()))
    try:
        hash(key)
    except TypeError:
        return None
    return Spot(table, key, CALLS_KEPT)


def changes(registration: ClientRegistration, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the registration that the options of a call change; None is no change.

    Raises:
        TypeError: an option is not what the same setting might be.
    """
    given = {name: options[name] for name in CHANGING if options.get(name) is not None}
    changed: dict[str, Any] = {}
    try:
        if "scope" in given:
            changed["scopes"] = tuple(map(checked_scope, words(given["scope"])))
        if "audience" in given:
            changed["audience"] = str(given["audience"])
        if "resource" in given:
            several = one_or_many(given["resource"])
            changed["resource"] = tuple(map(checked_resource, several))
        if "parameters" in given:
            own = {str(name): str(value) for name, value in given["parameters"].items()}
            changed["parameters"] = {**registration.parameters, **free_parameters(own)}
    except (AttributeError, TypeError, ValueError) as error:
        name = list(given)[len(changed)]
        raise TypeError(f"the option {name} of authorize(): {error}") from None
    return changed


def tokens(options: Mapping[str, Any]) -> dict[str, Secret | TokenOf | None]:
    """Return the subject and actor tokens of a call (RFC 8693).

    A string `registration:<id>` names another registration; what a callable gives never does.

    Raises:
        TypeError: one is neither a string nor a callable giving one.
    """
    return {
        name: _token(name, options[name])
        for name in ("subject_token", "actor_token")
        if options.get(name) is not None
    }


def _token(name: str, given: object) -> Secret | TokenOf:
    value = given() if callable(given) else given
    if not isinstance(value, str) or not value:
        raise TypeError(f"{name} must be a non-empty string, or a callable giving one")
    if value.startswith(CHAINED) and not callable(given):
        return TokenOf(value.removeprefix(CHAINED))
    return Secret(value)


def needs_principal(registration: ClientRegistration) -> bool:
    """Whether the grant is a user's, who must be named: unless the settings hold their token."""
    return GRANTS[registration.authorization_grant_type].needs_principal(registration)


def login_required(registration: ClientRegistration, principal: str | None) -> LoginRequiredError:
    """Return the error of a grant of a user that has no user, or no login of theirs."""
    grant = GRANTS[registration.authorization_grant_type].setting
    return LoginRequiredError(
        f"the grant {grant} acts for a user: say whom by principal="
        if principal is None
        else f"nobody has logged in as {principal!r} by the grant {grant}",
        registration_id=registration.registration_id,
        provider=registration.provider.name,
        hint=None
        if principal is None
        else "Have them log in: `authorization_request` and "
        "`complete`, or `device_authorization` and `poll`.",
    )
