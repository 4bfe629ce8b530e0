"""The device authorization grant (RFC 8628): a code shown here, a login elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from oauthreg._errors import (
    AuthorizationError,
    ConnectionFailedError,
    InvalidTokenResponseError,
    TokenEndpointError,
)
from oauthreg._flow import Pause
from oauthreg._grants.pending_login import Mappable, check_same_login
from oauthreg._protocol.hints import LOG_IN_AGAIN
from oauthreg._protocol.refusals import refusal
from oauthreg._protocol.requests import (
    endpoint,
    request_to,
    token_request,
    wanted,
    with_client_id,
)
from oauthreg._protocol.text import json_object
from oauthreg._transports import address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from oauthreg._flow import Flow, Granted
    from oauthreg._protocol.context import Hooks, PluginContext

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
DEVICE_ENDPOINT = "the device authorization endpoint"
DEFAULT_INTERVAL = 5.0
SLOWER = 5.0
LONGEST_CODE = 86400.0
LONGEST_PAUSE = 30.0
LONGEST_DOUBLING = 6
USER_CODE = re.compile(r"[!-~]{1,64}")  # visible ASCII, on one line
DEVICE_CODE_VALUE = re.compile(r"[ -~]{1,10000}")  # RFC 6749 appendix A has VSCHAR


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAuthorization(Mappable):
    """What a user needs to log in on another device (section 3.2).

    `to_mapping` and `from_mapping` make it fit for a session.

    Attributes:
        registration_id: The registration that was asked for.
        user_code: The code to type.
        verification_uri: Where to type it.
        verification_uri_complete: The same with the code in it, for a QR code; may be None.
        expires_at: Seconds since the epoch at which the code ends.
        interval: Seconds between two polls.
        device_code: What this device polls with.
        issuer: The issuer that gave the codes, if it is known.
    """

    registration_id: str
    user_code: str = field(repr=False)
    verification_uri: str
    verification_uri_complete: str | None = field(repr=False)
    expires_at: float
    interval: float
    device_code: str = field(repr=False)
    issuer: str | None = None


def authorize_device(context: PluginContext, hooks: Hooks) -> Flow[DeviceAuthorization]:
    """Ask for a device code and a user code (section 3.1).

    Raises:
        AuthorizationError: the server has no such endpoint, or refused.
    """
    url = endpoint(context, "device-authorization-uri")
    extra = context.registration.authorization_parameters.items()
    request = hooks.authenticate(
        context, request_to(context, url, (*extra, *wanted(context, hooks)))
    )
    response = yield with_client_id(context, request)
    fields = json_object(response)
    fault = "no JSON object"
    if response.status != HTTPStatus.OK or (fields or {}).get("error"):
        raise refusal(response, now=context.now, endpoint=DEVICE_ENDPOINT)
    try:
        if fields is not None:
            return _device_authorization(fields, context)
    except KeyError as error:
        fault = f"no {error.args[0]}"
    except ValueError as error:
        fault = str(error)
    except ConnectionFailedError:
        fault = "a verification_uri that is no https address"
    raise InvalidTokenResponseError(
        f"{DEVICE_ENDPOINT} answered {response.status} with {fault} (RFC 8628 section 3.2)",
        status=response.status,
        retryable=False,
    )


def poll_device(
    context: PluginContext,
    hooks: Hooks,
    device: DeviceAuthorization,
    *,
    now: Callable[[], float],
) -> Flow[Granted]:
    """Poll until the user has logged in, refused, or let the code end (section 3.4).

    A transient failure does not end the login: it doubles the pause before the next poll, an answer
    ends that, and a Retry-After is kept. `slow_down` adds five seconds for good (section 3.5).

    Args:
        context: The login.
        hooks: The provider plugin.
        device: What `authorize_device` returned.
        now: Gives the seconds since the epoch.

    Raises:
        CallbackError: the device authorization is of another registration or issuer.
        AuthorizationError: the user refused (`access_denied`), or the code ended.
    """
    check_same_login(context, device)
    interval, failures, asked_to_wait = device.interval, 0, 0.0
    while True:
        doubled = min(interval * 2**failures, max(interval, LONGEST_PAUSE))
        pause = max(doubled, asked_to_wait)
        yield Pause(min(pause, max(device.expires_at - now(), 0.0)))
        if now() >= device.expires_at:
            raise AuthorizationError(
                "nobody logged in before the device code ended", hint=LOG_IN_AGAIN
            )
        request = token_request(
            context, hooks, DEVICE_CODE, [("device_code", device.device_code)], scope=False
        )
        try:
            response = yield replace(request, sensitive=(*request.sensitive, device.device_code))
            return hooks.parse_response(context, response)
        except AuthorizationError as error:
            code = error.error if isinstance(error, TokenEndpointError) else None
            asked_to_wait = error.retry_after or 0.0
            if code == "slow_down":
                interval += SLOWER
            elif code != "authorization_pending" and not error.retryable:
                raise
            waiting = code in ("slow_down", "authorization_pending")
            failures = 0 if waiting else min(failures + 1, LONGEST_DOUBLING)


def _device_authorization(fields: Mapping[str, Any], context: PluginContext) -> DeviceAuthorization:
    """Return what the server answered.

    Raises:
        KeyError: a field is missing.
        ValueError: a field has a value that cannot be; the text says which.
        ConnectionFailedError: a person would be sent to something else than an https address.
    """
    user_code, device_code = str(fields["user_code"]), fields["device_code"]
    if not USER_CODE.fullmatch(user_code):
        raise ValueError("a user_code that is none")
    if not isinstance(device_code, str) or not DEVICE_CODE_VALUE.fullmatch(device_code):
        raise ValueError("a device_code that is none")
    expires_in = _seconds("expires_in", fields["expires_in"])
    interval = _seconds("interval", fields.get("interval") or DEFAULT_INTERVAL)
    complete = fields.get("verification_uri_complete")
    return DeviceAuthorization(
        registration_id=context.registration.registration_id,
        user_code=user_code,
        verification_uri=_page(fields["verification_uri"]),
        verification_uri_complete=_page(complete) if complete else None,
        expires_at=context.now + expires_in,
        interval=interval,
        device_code=device_code,
        issuer=context.issuer,
    )


def _seconds(name: str, value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = 0.0
    if not 0 < seconds < LONGEST_CODE:
        raise ValueError(f"an {name} that is no reasonable number of seconds")
    return seconds


def _page(uri: object) -> str:
    """Return an address that a person may be shown: https (or loopback), no user name, one line."""
    if not isinstance(uri, str) or not uri.isprintable() or " " in uri:
        raise ValueError("a verification_uri that is no https address")
    address.parse(uri)
    if "@" in urlsplit(uri).netloc:
        raise ValueError("a verification_uri with a user name, which hides its host")
    return uri
