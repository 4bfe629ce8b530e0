"""The two ways to log a user in: by the browser here, and by another device."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from rich.text import Text

from oauthreg._cli.browser import open_browser
from oauthreg._cli.common import console, say
from oauthreg._cli.loopback import Loopback
from oauthreg._errors import AuthorizationError
from oauthreg._secret_values import EnvironmentSecret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oauthreg._manager.sync_manager import AuthorizedClientManager
    from oauthreg._registration import AuthorizedClient, ClientRegistration

DONE = ("You are logged in", "You may close this window.")
FAILED = "The login failed"


def by_browser(
    manager: AuthorizedClientManager,
    registration: ClientRegistration,
    *,
    principal: str,
    seconds: float,
    opened: bool,
) -> AuthorizedClient:
    """Send the browser to the login, and wait here until it comes back (RFC 8252).

    Args:
        manager: Who logs in.
        registration: With the grant authorization_code.
        principal: The user whose tokens they are.
        seconds: How long to wait.
        opened: Whether to open a browser, or only to say the address.

    Raises:
        AuthorizationError: the login failed, or nobody came back.
    """
    name = registration.registration_id
    with Loopback(registration.redirect_uri) as here:
        request = manager.authorization_request(name, redirect_uri=here.redirect_uri)
        address = here.start(request.url, request.state)
        say(f"Log in at this address; the browser then comes back to {here.redirect_uri}:")
        say(f"\n    {address}\n")
        if opened and not open_browser(address, _secret_variables(registration)):
            say("No browser could be opened here: open the address yourself.")
        with _waiting(seconds):
            callback = here.wait(seconds)
        try:
            client = manager.complete(name, callback, request=request, principal=principal)
        except AuthorizationError as error:
            here.answer(FAILED, str(error.copy(hint=None)))
            raise
        here.answer(*DONE)
        return client


def by_device(
    manager: AuthorizedClientManager,
    registration: ClientRegistration,
    *,
    principal: str,
    seconds: float | None,
) -> AuthorizedClient:
    """Show a code and where to type it, and poll until that has been done (RFC 8628).

    Args:
        manager: Who logs in.
        registration: With the grant device_code.
        principal: The user whose tokens they are.
        seconds: How long to wait; None: as long as the code lives.

    Raises:
        AuthorizationError: the user refused, or did not log in in time.
    """
    device = manager.device_authorization(registration.registration_id)
    left = device.expires_at - time.time()
    if seconds is not None and seconds < left:
        left = seconds
        device = replace(device, expires_at=time.time() + left)
    say(f"Open {device.verification_uri} on any device, and type this code there:")
    say(f"\n    {device.user_code}\n", style="bold")
    if device.verification_uri_complete:
        say(f"Or open this address, which has the code in it: {device.verification_uri_complete}")
    with _waiting(left):
        return manager.poll(registration.registration_id, device, principal=principal)


def _secret_variables(registration: ClientRegistration) -> Iterator[str]:
    """Yield the environment's variables that the registration's credentials are read from."""
    for one in fields(registration):
        value = getattr(registration, one.name)
        for source in value if isinstance(value, tuple) else (value,):
            if isinstance(source, EnvironmentSecret):
                yield source.name


@contextmanager
def _waiting(seconds: float) -> Iterator[None]:
    """Say until when somebody is waited for; on a terminal, with something that moves."""
    until = time.strftime("%H:%M:%S", time.localtime(time.time() + seconds))
    line = f"Waiting for the login, until {until}; Ctrl-C ends it."
    terminal = console(sys.stderr)
    if not terminal.is_terminal:
        say(line)
        yield
        return
    with terminal.status(Text(line)):
        yield
