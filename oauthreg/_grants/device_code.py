"""The device authorization grant (RFC 8628): a code shown here, a login elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from oauthreg._errors import (
    AuthorizationError,
    InvalidTokenResponseError,
    TokenEndpointError,
    TransportError,
)
from oauthreg._flow import Pause
from oauthreg._protocol.requests import described_request, endpoint, token_request
from oauthreg._protocol.responses import json_object, refusal
from oauthreg._transports import address

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg._flow import Flow, Granted
    from oauthreg._protocol.context import Hooks, PluginContext

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
DEFAULT_INTERVAL = 5.0
SLOWER = 5.0
LONGEST_CODE = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAuthorization:
    """What a user needs to log in on another device (section 3.2).

    Attributes:
        user_code: The code to type.
        verification_uri: Where to type it.
        verification_uri_complete: The same with the code in it, for a QR code; may be None.
        expires_at: Seconds since the epoch at which the code ends.
        interval: Seconds between two polls.
        device_code: What this device polls with.
    """

    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    expires_at: float
    interval: float
    device_code: str = field(repr=False)


def authorize_device(context: PluginContext, hooks: Hooks) -> Flow[DeviceAuthorization]:
    """Ask for a device code and a user code (section 3.1).

    Raises:
        AuthorizationError: the server has no such endpoint, or refused.
    """
    url = endpoint(context, "device-authorization-uri")
    response = yield hooks.authenticate(context, described_request(context, hooks, url, []))
    fields = json_object(response)
    if response.status != 200 or fields is None:  # noqa: PLR2004 - OK
        raise refusal(response, now=context.now)
    try:
        expires_in, interval = float(fields["expires_in"]), float(fields.get("interval") or 0)
        if not (0 < expires_in < LONGEST_CODE and 0 <= interval < LONGEST_CODE):
            raise ValueError  # noqa: TRY301 - told below, with whatever else is wrong
        complete = _text(fields.get("verification_uri_complete"))
        for uri in (str(fields["verification_uri"]), *([complete] if complete else [])):
            address.parse(uri)  # a person is sent there
        return DeviceAuthorization(
            user_code=str(fields["user_code"]),
            verification_uri=str(fields["verification_uri"]),
            verification_uri_complete=complete,
            expires_at=context.now + expires_in,
            interval=interval or DEFAULT_INTERVAL,
            device_code=str(fields["device_code"]),
        )
    except (KeyError, TypeError, ValueError):
        raise InvalidTokenResponseError(
            "the device authorization endpoint answered without what RFC 8628 section 3.2 asks for",
            status=response.status,
            retryable=False,
        ) from None


def poll_device(
    context: PluginContext,
    hooks: Hooks,
    device: DeviceAuthorization,
    *,
    now: Callable[[], float],
) -> Flow[Granted]:
    """Poll until the user has logged in, refused, or let the code end (section 3.4).

    A lost answer doubles the interval, `slow_down` adds five seconds to it (section 3.5).

    Raises:
        AuthorizationError: the user refused (`access_denied`), or the code ended.
    """
    interval = device.interval
    while True:
        yield Pause(interval)
        if now() >= device.expires_at:
            raise AuthorizationError(
                "nobody logged in before the device code ended", hint="Start the login again."
            )
        request = token_request(
            context, hooks, DEVICE_CODE, [("device_code", device.device_code)], scope=False
        )
        try:
            response = yield replace(request, sensitive=(*request.sensitive, device.device_code))
            return hooks.parse_response(context, response)
        except TransportError:
            interval *= 2
        except TokenEndpointError as error:
            if error.error == "slow_down":
                interval += SLOWER
            elif error.error != "authorization_pending":
                raise


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
