"""The grants, one row each: everything about a grant that the rest of the package asks for.

A new grant is a file with its flow, and a row here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from oauthreg._grants.client_credentials import client_credentials
from oauthreg._grants.device_code import DEVICE_CODE
from oauthreg._grants.jwt_bearer import jwt_bearer
from oauthreg._grants.password import password
from oauthreg._grants.refresh_token import refresh_token
from oauthreg._grants.token_exchange import TOKEN_EXCHANGE, token_exchange
from oauthreg._protocol.assertions import JWT_BEARER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from oauthreg._flow import Flow, Granted
    from oauthreg._protocol.context import Hooks, PluginContext
    from oauthreg._registration import ClientRegistration


@dataclass(frozen=True, slots=True)
class Need:
    """A setting that a grant needs.

    Attributes:
        setting: The key in the settings, as a problem names it.
        field: The field of `ClientRegistration` that it fills.
        reason: What needs it.
        only_with: Another field: the setting is needed only where that one is set.
    """

    setting: str
    field: str
    reason: str
    only_with: str | None = None

    def missing(self, registration: ClientRegistration) -> bool:
        """Whether a registration lacks it."""
        needed = self.only_with is None or bool(getattr(registration, self.only_with))
        return needed and not getattr(registration, self.field)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One grant.

    Attributes:
        name: The value of `grant_type` on the wire, and of a registration's
            `authorization_grant_type`.
        flow: Gets and renews a token. A grant that begins with a login renews by its
            refresh token.
        short_name: What settings may write instead of a long name.
        acts_for_user: Whether its tokens belong to a user, who is named by `principal`.
        principal_unless: The registration's field that stands for the user, if it is set.
        login: Where a user logs in first: in a browser or on another device.
        response_type: For a login by the browser, what comes back (RFC 6749 section 3.1.1).
        confidential: Whether only confidential clients may use it (RFC 6749 section 4.4).
        signs: Whether the grant itself sends something signed with the registration's key.
        takes_subject_token: Whether it sends the subject token, a caller's or the settings'.
        use_instead: For an insecure grant (RFC 9700 section 2), which the settings must allow:
            what to use instead, and why.
        needs: The settings it needs.
    """

    name: str
    flow: Callable[[PluginContext, Hooks], Flow[Granted]]
    short_name: str | None = None
    acts_for_user: bool = False
    principal_unless: str | None = None
    login: Literal["browser", "device"] | None = None
    response_type: Literal["code", "token"] | None = None
    confidential: bool = False
    signs: bool = False
    takes_subject_token: bool = False
    use_instead: str | None = None
    needs: tuple[Need, ...] = ()

    @property
    def setting(self) -> str:
        """What to write as `authorization-grant-type`."""
        return self.short_name or self.name

    def needs_principal(self, registration: ClientRegistration) -> bool:
        """Whether a call must name the user."""
        fields = ("principal", *([self.principal_unless] if self.principal_unless else []))
        named = any(getattr(registration, name) is not None for name in fields)
        return self.acts_for_user and not named

    def acts_for_client(self, registration: ClientRegistration) -> bool:
        """Whether a token is the client's own, and neither a user's nor for a caller's token."""
        if self.takes_subject_token:
            signs = self.signs and registration.signing_key is not None
            return signs or registration.subject_token is not None
        unless = self.principal_unless
        named = unless is not None and getattr(registration, unless) is not None
        return named or not self.acts_for_user

    def missing(self, registration: ClientRegistration) -> Iterator[Need]:
        """Give the settings that a registration lacks."""
        return (need for need in self.needs if need.missing(registration))


_ROWS = (
    Grant(name="client_credentials", flow=client_credentials, confidential=True),
    Grant(
        name="refresh_token",
        flow=refresh_token,
        acts_for_user=True,
        principal_unless="refresh_token",
    ),
    Grant(
        name="authorization_code",
        flow=refresh_token,
        acts_for_user=True,
        login="browser",
        response_type="code",
    ),
    Grant(
        name=DEVICE_CODE,
        flow=refresh_token,
        short_name="device_code",
        acts_for_user=True,
        login="device",
    ),
    Grant(
        name="implicit",
        flow=refresh_token,
        acts_for_user=True,
        login="browser",
        response_type="token",
        use_instead="authorization_code, which never puts a token in an address",
    ),
    Grant(
        name="password",
        flow=password,
        acts_for_user=True,
        use_instead="authorization_code or device_code, which never show the password to a program",
        needs=(
            Need("username", "username", "the password grant needs it"),
            Need("password", "password", "the password grant needs it"),
        ),
    ),
    Grant(
        name=JWT_BEARER,
        flow=jwt_bearer,
        short_name="jwt-bearer",
        signs=True,
        takes_subject_token=True,
        needs=(
            Need(
                "private-key-file",
                "signing_key",
                "it signs the assertion about username",
                only_with="username",
            ),
        ),
    ),
    Grant(
        name=TOKEN_EXCHANGE,
        flow=token_exchange,
        short_name="token-exchange",
        takes_subject_token=True,
    ),
)

GRANTS: dict[str, Grant] = {grant.name: grant for grant in _ROWS}
"""Every grant by its name on the wire."""


def canonical_grant(name: str) -> str:
    """Return a grant's name on the wire for any spelling of it: `client-credentials`."""
    written = _folded(name)
    for grant in GRANTS.values():
        if written in (_folded(grant.name), _folded(grant.setting)):
            return grant.name
    return name


def _folded(name: str) -> str:
    return name.strip().lower().replace("_", "-")
