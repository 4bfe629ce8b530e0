"""What a registration needs besides single keys: credentials for its method, parts of its grant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthreg._api_headers import HEADER_VALUE
from oauthreg._grants.table import GRANTS
from oauthreg._protocol.assertions import SECRET_ALGORITHMS
from oauthreg._protocol.authentication import (
    CERTIFICATE_METHODS,
    KEY_METHODS,
    SECRET_METHODS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oauthreg._registration import ClientRegistration
    from oauthreg._settings.models import RegistrationSettings

Lack = tuple[str, str, str]


def requirements(
    registration: ClientRegistration, settings: RegistrationSettings
) -> Iterator[Lack]:
    """Give what is missing or forbidden: the key, what is wrong, and what to do."""
    yield from _credential(registration)
    yield from _grant(registration, settings)
    if settings.certificate_key_file is not None and settings.certificate_file is None:
        yield "certificate-file", "is missing: there is only its key", ""
    if settings.certificate_bound_tokens and settings.certificate_file is None:
        yield (
            "certificate-file",
            "is missing: certificate-bound-tokens needs it",
            f"Set registration.{registration.registration_id}.certificate-file.",
        )
    basic = registration.client_authentication_method in (None, "client_secret_basic")
    if settings.basic_encoding == "raw" and basic and ":" in settings.client_id:
        yield (
            "basic-encoding",
            "must not be raw where the client-id has a colon (RFC 7617 section 2)",
            'Leave it out, or use client-authentication-method = "client_secret_post".',
        )
    if settings.parameters.get("client_id", settings.client_id) != settings.client_id:
        yield "parameters", "must not hold another client_id than client-id", "Leave it out."
    if not all(HEADER_VALUE.fullmatch(value) for value in _api_headers(registration)):
        yield "client-id", "must be printable ASCII characters: a header of the API has it", ""
    if settings.dpop_key_file is not None and not settings.dpop:
        yield "dpop", "is off, but there is a dpop-key-file", "Set dpop = true."


def _api_headers(registration: ClientRegistration) -> Iterator[str]:
    values = {"token_type": "x", "access_token": "x", "client_id": registration.client_id}
    for template in registration.provider.api_headers.values():
        yield template.format_map(values)


def _credential(registration: ClientRegistration) -> Iterator[Lack]:
    path = f"registration.{registration.registration_id}"
    method = registration.client_authentication_method
    keyed = registration.signing_key is not None or registration.assertion is not None
    if method in SECRET_METHODS and not registration.client_secrets:
        yield (
            "client-secret",
            f"is missing: {method} needs it",
            (f"Set {path}.client-secret, -file or -ref."),
        )
    algorithm = registration.signing_algorithm
    if method == "client_secret_jwt" and algorithm not in (None, *SECRET_ALGORITHMS):
        words = f"must be one of {', '.join(SECRET_ALGORITHMS)} for client_secret_jwt"
        yield "signing-algorithm", words, f"Leave it out for {SECRET_ALGORITHMS[0]}."
    if method in KEY_METHODS and not keyed:
        yield (
            "private-key-file",
            f"is missing: {method} needs it",
            (f"Set {path}.private-key-file, or {path}.assertion-file."),
        )
    if method in CERTIFICATE_METHODS and registration.certificate is None:
        yield (
            "certificate-file",
            f"is missing: {method} needs it",
            (f"Set {path}.certificate-file and {path}.certificate-key-file."),
        )
    anything = registration.client_secrets or keyed or registration.certificate is not None
    confidential = GRANTS[registration.authorization_grant_type].confidential
    if method is None and confidential and not anything:
        yield (
            "client-secret",
            "is missing",
            (
                f"Set {path}.client-secret, -file or -ref; for a public client set "
                f'{path}.client-authentication-method = "none".'
            ),
        )


def _grant(registration: ClientRegistration, settings: RegistrationSettings) -> Iterator[Lack]:
    grant = GRANTS[registration.authorization_grant_type]
    path = f"registration.{registration.registration_id}"
    if grant.use_instead is not None and not settings.allow_insecure_grants:
        yield (
            "authorization-grant-type",
            f"{grant.setting} is off by default; better use {grant.use_instead}",
            (f"If it must be, set {path}.allow-insecure-grants = true."),
        )
    for need in grant.missing(registration):
        yield need.setting, f"is missing: {need.reason}", f"Set {path}.{need.setting}."
