"""One registration: from its table to a frozen `ClientRegistration`, or its problems."""

from __future__ import annotations

import json
import logging
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from oauthreg._errors import Problem
from oauthreg._grants.table import GRANTS
from oauthreg._provider import needs_no_request
from oauthreg._quoting import quoted_word
from oauthreg._registration import ClientRegistration, HttpProfile
from oauthreg._settings.checks import requirements
from oauthreg._settings.credentials import Credentials
from oauthreg._settings.models import RegistrationSettings
from oauthreg._settings.plugin_settings import (
    configured,
    leaf_of,
    secrets_of,
    spellings,
    with_sources,
)
from oauthreg._settings.readable import warn_of_readable
from oauthreg._sources.tree import ALTERNATIVES, canonical
from oauthreg._suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._provider import ProviderPlugin
    from oauthreg._provider_data import RegistrationOptions
    from oauthreg._settings.providers import Provider
    from oauthreg._settings.validation import Table

logger = logging.getLogger("oauthreg")


def registration_from(
    registration_id: str,
    table: Table,
    provider: Provider | None,
    options_class: type[RegistrationOptions],
    profiles: Mapping[str, HttpProfile],
) -> ClientRegistration | None:
    """Return the registration; None with every problem of it noted.

    Args:
        registration_id: Its canonical id.
        table: Its table, over `defaults` and the plugin's defaults.
        provider: Its provider; None if it has none, so that only problems are to be found.
        options_class: What the provider's plugin declares for registrations.
        profiles: The http profiles by name.
    """
    problems = table.problems
    count = len(problems)
    plugin = provider.plugin if provider is not None else None
    header = plugin.assertion_header if plugin is not None else ()
    bad = table.implausible(secrets_of(options_class))
    known = spellings(options_class)
    own = [key for key, item in table.items.items() if leaf_of(key, item) in known]
    credentials = Credentials(table.without(bad))
    secrets = credentials.secrets("client-secret")
    password = credentials.secret("password")
    refresh_token = credentials.secret("refresh-token")
    subject_token = credentials.secret("subject-token")
    elsewhere = {*ALTERNATIVES, *own, *credentials.documented}
    settings = table.without(elsewhere).parsed(RegistrationSettings, ignoring=bad, also=known)
    only_own = with_sources(table.with_items({key: table.items[key] for key in own}), options_class)
    options = only_own.parsed(options_class, ignoring=bad)
    if settings is None or options is None:
        return None
    signing_key = credentials.signing_key(settings, header)
    certificate = credentials.certificate(settings)
    assertion = credentials.assertion()
    prover = credentials.prover(settings)
    profile = profiles.get(canonical(settings.http))
    if profile is None:
        name = quoted_word(settings.http, profiles) or "of this name"
        message = f"there is no http profile {name}; there are: {', '.join(profiles)}"
        table.note("http", message, did_you_mean(settings.http, profiles))
    if provider is None or profile is None or len(problems) > count:
        return None
    keyed = signing_key is not None or assertion is not None
    method = settings.client_authentication_method or _usual_method(
        provider.plugin, keyed=keyed, secret=bool(secrets)
    )
    details = settings.authorization_details
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
        parameters=MappingProxyType(settings.parameters),
        headers=MappingProxyType(settings.headers),
        authorization_details=json.dumps(details, separators=(",", ":")) if details else None,
        authorization_parameters=MappingProxyType(settings.authorization_parameters),
        pushed_authorization_requests=settings.pushed_authorization_requests,
        certificate_bound_tokens=settings.certificate_bound_tokens,
        dpop_optional=settings.dpop == "optional",
        principal=settings.principal,
        shared=settings.shared,
        allow_readable=settings.allow_readable,
        basic_encoding=settings.basic_encoding,
        signing_key=signing_key,
        signing_algorithm=settings.signing_algorithm,
        assertion=assertion,
        assertion_audience=settings.assertion_audience,
        assertion_lifetime=settings.assertion_lifetime,
        certificate=certificate,
        prover=prover,
        username=settings.username,
        password=password,
        refresh_token=refresh_token,
        subject_token=subject_token,
        refresh_before=settings.refresh_before,
        default_lifetime=settings.default_lifetime,
        max_lifetime=settings.max_lifetime,
        urls=settings.urls,
        eager=settings.eager,
        http=profile,
        plugin_options=configured(options),
    )
    for key, message, remedy in requirements(registration, settings):
        table.note(key, message, remedy)
    for problem in _plugin_problems(registration, provider):
        table.locate(problem)
    grant = GRANTS[registration.authorization_grant_type]
    if grant.use_instead is not None and len(problems) == count:
        logger.warning(
            "%s: the grant %s is insecure; better use %s",
            registration_id,
            grant.setting,
            grant.use_instead,
        )
    if len(problems) > count:
        return None
    if not settings.allow_readable:
        warn_of_readable(registration_id, f"registration.{registration_id}", credentials.files)
    return registration


def _usual_method(plugin: ProviderPlugin[Any], *, keyed: bool, secret: bool) -> str | None:
    """Return the vendor's usual method, where it fits; None for what the metadata lists."""
    if secret or not keyed:
        method = plugin.client_authentication_method
        return method or ("none" if needs_no_request(type(plugin)) and not secret else None)
    return None


def _plugin_problems(registration: ClientRegistration, provider: Provider) -> list[Problem]:
    try:
        return list(provider.plugin.check(registration))
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        message = f"plugin {provider.details.type!r} failed on it: {type(error).__name__}"
        return [Problem(f"registration.{registration.registration_id}", message)]
