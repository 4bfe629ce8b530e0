"""The token request that would be sent, made by the real flow and without any credential."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from oauthreg._errors import AuthorizationError
from oauthreg._explain import masks
from oauthreg._flow import NeedMetadata, NeedToken, ReadSecret, TokenRequest
from oauthreg._grants.table import GRANTS
from oauthreg._manager.answers import read_secret
from oauthreg._renewal.fetches import TokenFetch
from oauthreg._renewal.flow_inputs import FlowInputs
from oauthreg._renewal.refresh_chain import RefreshChain
from oauthreg._renewal.token_flow import token_flow
from oauthreg._secret_values import MASK, ChainedToken, Secret
from oauthreg._signing_keys.sources import KeySource
from oauthreg._transports import address
from oauthreg._transports.message import header_fields

if TYPE_CHECKING:
    from oauthreg._discovery import Metadata
    from oauthreg._flow import Step
    from oauthreg._settings.load import ResolvedRegistration

UNKNOWN = "https://token-endpoint-of-the-metadata.invalid"
UNKNOWN_SHOWN = "(the metadata's token endpoint: --online asks for it)"
PLACEHOLDER = Secret(MASK * 8)


@dataclass(frozen=True, slots=True)
class ShownRequest:
    """A request, as far as it may be shown.

    Attributes:
        method: The HTTP method.
        url: The address.
        headers: Its header fields.
        form: The fields of its body.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    form: tuple[tuple[str, str], ...]


def first_request(
    resolved: ResolvedRegistration, metadata: Metadata | None = None
) -> ShownRequest | str:
    """Return the first request of a registration's token flow; nothing is sent.

    Args:
        resolved: The registration.
        metadata: The provider's metadata, where it was fetched.

    Returns:
        The request; or in words why there is none.
    """
    registration = resolved.registration
    grant = GRANTS[registration.authorization_grant_type]
    if grant.response_type == "token":
        return "none: its tokens come to the browser"
    exchanged = grant.takes_subject_token and registration.subject_token is None
    signs = grant.signs and registration.signing_key is not None
    fetch = TokenFetch(
        key="",
        registration=registration,
        plugin=resolved.plugin,
        principal=registration.principal or ("(the user)" if grant.acts_for_user else None),
        subject_token=PLACEHOLDER if exchanged and not signs else None,
    )
    chain = RefreshChain(0.0)
    chain.configure(PLACEHOLDER)
    inputs = FlowInputs(wall=time.time, random=lambda: 0.0, chain=chain)
    flow = token_flow(fetch, inputs)
    try:
        step = next(flow)
        while not isinstance(step, TokenRequest):
            step = flow.send(_answer(step, registration.provider.issuer_uri, metadata))
        return _shown(step)
    except AuthorizationError as error:
        return str(error)
    finally:
        flow.close()


def _answer(step: Step, issuer: str | None, metadata: Metadata | None) -> Any:
    """Answer a step without the network, and without any secret but a key that has to sign."""
    match step:
        case ReadSecret(source):
            if isinstance(source, KeySource) and not source.local:
                raise AuthorizationError(f"its key is read from {source.reference} when needed")
            needed = isinstance(source, KeySource | ChainedToken)
            return read_secret(step) if needed else PLACEHOLDER
        case NeedMetadata():
            return metadata or {"issuer": issuer or UNKNOWN, "token_endpoint": UNKNOWN}
        case NeedToken():
            return PLACEHOLDER.get_secret_value()
    return None


def _shown(request: TokenRequest) -> ShownRequest:
    fields = header_fields(request, address.parse(request.url))
    unknown = request.url.startswith(UNKNOWN)
    return ShownRequest(
        request.method,
        UNKNOWN_SHOWN if unknown else masks.addresses(request.url),
        tuple(
            (name, masks.header(name, value))
            for name, value in fields
            if name != "Content-Length" and not (unknown and name == "Host")
        ),
        tuple((name, masks.form(name, value)) for name, value in request.form),
    )
