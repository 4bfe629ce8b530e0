"""The kit's check of what plugins must not depend on: what makes no difference to a token key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from oauthreg._grants.table import GRANTS
from oauthreg.testing._kit.answers import expect
from oauthreg.testing._kit.performer import Ids

if TYPE_CHECKING:
    from oauthreg._protocol.context import PluginContext
    from oauthreg._provider import ProviderPlugin
    from oauthreg._registration import ClientRegistration
    from oauthreg.testing._kit.cases import Case

OTHER = "another-name"


def check_sharing(case: Case, plugin: ProviderPlugin[Any], context: PluginContext) -> None:
    """Check that calls which share a token would have sent the same requests."""

    def sent(**changes: Any) -> list[object]:
        return case.performed(replace(context, new_id=Ids("id"), **changes), plugin).said

    registration = context.registration
    expect(
        sent(registration=_renamed(registration)) == sent(),
        "a request depends on a name of ours: registrations of one client share its tokens, "
        "whatever they are called",
    )
    if not GRANTS[registration.authorization_grant_type].acts_for_user:
        expect(
            plugin.uses_principal or sent(principal="alice") == sent(principal="bob"),
            "a request depends on the principal, who is None for this grant unless the class "
            "says uses_principal = True",
        )


def _renamed(registration: ClientRegistration) -> ClientRegistration:
    return replace(
        registration,
        registration_id=OTHER,
        client_name=OTHER,
        urls=(f"https://{OTHER}.example",),
        eager=not registration.eager,
        principal=OTHER,
        provider=replace(registration.provider, name=OTHER, chosen_by=OTHER),
    )
