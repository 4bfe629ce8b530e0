"""What `oauthreg list` shows of one registration: where it goes, with what, from which source."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from oauthreg._masked import without_query
from oauthreg._secret_values import MASK
from oauthreg._sources import Sourced, locate
from oauthreg._sources.locate import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from oauthreg._registration import ClientRegistration
    from oauthreg._settings.load import Configuration
    from oauthreg._sources.tree import Origin

CREDENTIALS = (
    *("client-secret", "private-key", "assertion", "certificate-file", "credentials"),
    *("password", "refresh-token", "subject-token"),
)
"""Keys of the canonical tree that say what a client, or its user, proves itself by."""
FILES = ("file", "spring-file", "env-file")
SOURCES = {
    "environment": "environment",
    "spring-variable": "environment",
    "secrets-directory": "secrets directory",
}
STATED = (*FILES, *SOURCES, "argument")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One credential: its setting, what that says (a secret masked), and where it stands."""

    setting: str
    value: str
    source: str

    def __str__(self) -> str:
        return f"{self.setting} {self.value} in {self.source}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One registration, as far as it may be shown."""

    id: str
    provider: str
    plugin: str
    chosen_by: str
    grant: str
    method: str | None
    client_id: str
    secrets: list[str]
    secrets_said_in: str | None
    scopes: list[str]
    audience: str | None
    issuer_uri: str | None
    token_uri: str | None
    credentials: list[Credential]
    source: str
    http: str
    urls: list[str]
    redirect_uri: str | None

    def public(self) -> dict[str, Any]:
        """Return the row for programs, spelled as settings are."""
        return {name.replace("_", "-"): value for name, value in asdict(self).items()}


def row_of(configuration: Configuration, registration: ClientRegistration) -> Row:
    """Return what may be shown of a registration."""
    registration_id = registration.registration_id
    table = configuration.tree["registration"][registration_id]
    secret = table.get("client-secret")
    token_uri = registration.provider.token_uri
    return Row(
        id=registration_id,
        provider=registration.provider.name,
        plugin=registration.provider.type,
        chosen_by=registration.provider.chosen_by,
        grant=registration.authorization_grant_type,
        method=registration.client_authentication_method,
        client_id=registration.client_id,
        secrets=[source.reference or MASK for source in registration.client_secrets],
        secrets_said_in=_place(secret.origin) if isinstance(secret, Sourced) else None,
        scopes=list(registration.scopes),
        audience=registration.audience,
        issuer_uri=registration.provider.issuer_uri,
        token_uri=None if token_uri is None else without_query(token_uri),
        credentials=list(_credentials(table)),
        source=_source(table, configuration.headers.get(("registration", registration_id))),
        http=registration.http.name,
        urls=list(registration.urls),
        redirect_uri=registration.redirect_uri,
    )


def _credentials(table: Mapping[str, Any]) -> Iterator[Credential]:
    for key in CREDENTIALS:
        found = table.get(key)
        if isinstance(found, Sourced):
            open_ = found.leaf.endswith(("-file", "-ref"))
            yield Credential(
                setting=found.leaf,
                value=shown(str(found.value)) if open_ else MASK,
                source=_place(found.origin),
            )


def _source(table: Mapping[str, Any], header: Origin | None) -> str:
    """Return where a registration stands: its table, then what else says anything of it."""
    origins = [value.origin for value in table.values() if isinstance(value, Sourced)]
    if header is not None and header.kind in FILES:
        origins = [origin for origin in origins if origin.name != header.name]
    else:
        header = None
    others = [
        SOURCES.get(origin.kind) or _place(replace(origin, key="", line=0))
        for origin in origins
        if origin.kind in STATED
    ]
    return ", ".join(dict.fromkeys([*([_place(header)] if header else []), *others]))


def _place(origin: Origin) -> str:
    return locate(origin).partition(", ")[0]
