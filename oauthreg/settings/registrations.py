"""One registration: from its table to a frozen `ClientRegistration`, or its problems."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from oauthreg.errors import PluginError, Problem
from oauthreg.plugins import secret_source
from oauthreg.protocol.authentication import USES_SECRET
from oauthreg.registration import ClientRegistration, HttpProfile
from oauthreg.secret_values import (
    EnvironmentSecret,
    FileSecret,
    KeyringSecret,
    LiteralSecret,
    Secret,
    SecretReadError,
)
from oauthreg.settings.models import CredentialSettings, RegistrationSettings, SecretItem
from oauthreg.settings.tables import parsed, problem_at
from oauthreg.sources.tree import Sourced

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg.secret_values import SecretSource
    from oauthreg.settings.providers import Provider


def registration_from(
    registration_id: str,
    table: Mapping[str, Any],
    provider: Provider | None,
    profiles: Mapping[str, HttpProfile],
    problems: list[Problem],
) -> ClientRegistration | None:
    """Return the registration; None with every problem of it noted.

    Args:
        registration_id: Its canonical id.
        table: Its canonical table, defaults of `defaults` and of the plugin included.
        provider: Its provider; None if it has none, so that only problems are to be found.
        profiles: The http profiles by name.
        problems: Where problems are noted.
    """
    path = f"registration.{registration_id}"
    count = len(problems)
    credentials = {key: item for key, item in table.items() if key == "client-secret"}
    others = {key: item for key, item in table.items() if key != "client-secret"}
    secrets = _secrets(credentials, path, problems)
    settings = parsed(RegistrationSettings, others, path, problems)
    if settings is None:
        return None
    profile = profiles.get(settings.http)
    if profile is None:
        message = f"there is no http profile {settings.http!r}; there are: {', '.join(profiles)}"
        problems.append(problem_at(table, "http", path, message))
        return None
    plugin_method = provider.plugin.client_authentication_method if provider else None
    method = settings.client_authentication_method or plugin_method
    if not secrets and len(problems) == count and _needs_secret(settings, method):
        problems.append(
            problem_at(
                table,
                "client-secret",
                path,
                "is missing",
                f"Set {path}.client-secret, -file or -ref; for a public client set "
                f'{path}.client-authentication-method = "none".',
            )
        )
    if provider is None or len(problems) > count:
        return None
    registration = ClientRegistration(
        registration_id=registration_id,
        provider=provider.details,
        client_id=settings.client_id,
        client_secrets=secrets,
        client_authentication_method=method,
        authorization_grant_type=settings.authorization_grant_type,
        scopes=settings.scope,
        redirect_uri=settings.redirect_uri,
        client_name=settings.client_name or registration_id,
        audience=settings.audience,
        resource=settings.resource,
        parameters=settings.parameters,
        headers=settings.headers,
        basic_encoding=settings.basic_encoding,
        refresh_before=settings.refresh_before,
        default_lifetime=settings.default_lifetime,
        max_lifetime=settings.max_lifetime,
        urls=settings.urls,
        eager=settings.eager,
        http=profile,
    )
    problems.extend(_plugin_problems(registration, provider))
    return registration if len(problems) == count else None


def _needs_secret(settings: RegistrationSettings, method: str | None) -> bool:
    if method is not None:
        return method in USES_SECRET
    return settings.authorization_grant_type == "client_credentials"


def _plugin_problems(registration: ClientRegistration, provider: Provider) -> list[Problem]:
    try:
        return list(provider.plugin.check(registration))
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        message = f"plugin {provider.details.type!r} failed on it: {type(error).__name__}"
        return [Problem(f"registration.{registration.registration_id}", message)]


def _secrets(
    table: Mapping[str, Any], path: str, problems: list[Problem]
) -> tuple[SecretSource, ...]:
    settings = parsed(CredentialSettings, table, path, problems)
    if settings is None:
        return ()
    sources: list[SecretSource] = []
    try:
        if settings.client_secret is not None:
            sources.append(LiteralSecret(Secret(settings.client_secret)))
        if settings.client_secret_file is not None:
            sources.append(FileSecret(settings.client_secret_file))
        if settings.client_secret_ref is not None:
            sources.append(_referred(settings.client_secret_ref, table))
        sources.extend(_listed(item, table) for item in settings.client_secrets or ())
        for source in sources:
            if source.local:
                source.read()
    except (PluginError, SecretReadError, ValueError) as error:
        problems.append(problem_at(table, "client-secret", path, str(error)))
    return tuple(sources)


def _listed(item: str | SecretItem, table: Mapping[str, Any]) -> SecretSource:
    if isinstance(item, str):
        return LiteralSecret(Secret(item))
    if item.file is not None and item.ref is None:
        return FileSecret(item.file)
    if item.ref is not None and item.file is None:
        return _referred(item.ref, table)
    raise ValueError("each item is a text, or a table with either file or ref")


def _referred(reference: str, table: Mapping[str, Any]) -> SecretSource:
    scheme, colon, rest = reference.partition(":")
    if not colon or not rest:
        raise ValueError("must be scheme:reference, such as env:NAME")
    if scheme == "env":
        return EnvironmentSecret(rest)
    if scheme == "keyring":
        service, slash, user = rest.partition("/")
        if not slash or not service or not user:
            raise ValueError("must be keyring:service/user")
        return KeyringSecret(service, user)
    if scheme == "file":
        item = table.get("client-secret")
        base = item.origin.base if isinstance(item, Sourced) else None
        return FileSecret((base or Path.cwd()) / rest)
    return secret_source(scheme, rest)
