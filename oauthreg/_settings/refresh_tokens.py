"""A refresh token that stands in two places: each would use it up for the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthreg._secret_values import Secret, SecretReadError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._settings.token_references import HasRegistration
    from oauthreg._settings.validation import Tables


def note_tokens_in_two_places(entries: Mapping[str, HasRegistration], tables: Tables) -> None:
    """Note each refresh token that two registrations of one client have from different places.

    Registrations that have it from the same place share what the server makes of it (RFC 9700
    section 4.14); from different places, they cannot. Sources off this machine are not read.
    """
    found: dict[tuple[str, str, Secret], tuple[str | None, str]] = {}
    for name, entry in entries.items():
        source, provider = entry.registration.refresh_token, entry.registration.provider
        if source is None or not source.local:
            continue
        try:
            token = source.read()
        except SecretReadError:  # which is a problem of its own
            continue
        server = provider.issuer_uri or provider.token_uri or provider.name
        here = source.reference, name
        place, other = found.setdefault((server, entry.registration.client_id, token), here)
        if place != source.reference:
            tables.table("registration", name).note(
                "refresh-token",
                f"is that of registration.{other}, which has it from another place: each would "
                "use it up for the other",
                "Name the same file, variable or text in both.",
            )
