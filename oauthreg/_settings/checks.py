"""What a registration needs besides single keys: credentials for its method, parts of its grant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthreg._grants import INSECURE_GRANTS
from oauthreg._grants.jwt_bearer import JWT_BEARER
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
    if settings.dpop_key_file is not None and not settings.dpop:
        yield "dpop", "is off, but there is a dpop-key-file", "Set dpop = true."


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
    machine = registration.authorization_grant_type == "client_credentials"
    if method is None and machine and not anything:
        yield (
            "client-secret",
            "is missing",
            (
                f"Set {path}.client-secret, -file or -ref; for a public client set "
                f'{path}.client-authentication-method = "none".'
            ),
        )


def _grant(registration: ClientRegistration, settings: RegistrationSettings) -> Iterator[Lack]:
    grant = registration.authorization_grant_type
    path = f"registration.{registration.registration_id}"
    better = INSECURE_GRANTS.get(grant)
    if better is not None and not settings.allow_insecure_grants:
        yield (
            "authorization-grant-type",
            f"{grant} is off by default; better use {better}",
            (f"If it must be, set {path}.allow-insecure-grants = true."),
        )
    if grant == "password" and (registration.username is None or registration.password is None):
        missing = "username" if registration.username is None else "password"
        yield missing, "is missing: the password grant needs it", f"Set {path}.{missing}."
    if grant == JWT_BEARER and registration.username and registration.signing_key is None:
        yield "private-key-file", "is missing: it signs the assertion about username", ""
