"""What a flow is given before it begins: addresses, client authentication, credentials, tokens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from oauthreg._discovery import endpoints as discovered_endpoints
from oauthreg._discovery import issuer_of
from oauthreg._flow import NOTHING, NeedMetadata, NeedToken, ReadSecret
from oauthreg._grants.table import GRANTS
from oauthreg._protocol.authentication import CERTIFICATE_METHODS, advertised_method
from oauthreg._protocol.context import PluginContext
from oauthreg._renewal.refusals import NotShared
from oauthreg._secret_values import Secret, SourcedSecret, TokenOf
from oauthreg._token_key import request_principal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

    from oauthreg._errors import AuthorizationError
    from oauthreg._flow import Flow
    from oauthreg._renewal.fetches import TokenFetch
    from oauthreg._renewal.refresh_chain import RefreshChain
    from oauthreg._renewal.refusals import SharedRefusals
    from oauthreg._secret_values import Readable
    from oauthreg.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowInputs:
    """Inputs of a token flow: clock, randomness, refresh tokens, and what failed before.

    Attributes:
        wall: Seconds since the epoch.
        random: A number in [0, 1).
        may_retry: Whether a transient failure may be tried once more: a caller waits without a
            valid token, the key's last flight did not fail, and the server did not ask to wait.
        told_to_wait: Whether the server asked for no request yet, whoever it answered.
        chain: The refresh tokens of this login or registration.
        prior_failure: Set if the flight only checks whether a refused credential has changed:
            what to raise if it has not.
        refused: Credentials that the server refused; the flow adds those of its own attempts.
        refusals: Where refused credentials are shared with other processes.
        working: Which of several credentials a client used last with success, by client scope.
        token_uri_audiences: Providers that took an assertion for their token endpoint, and not for
            their issuer.
        publish: Is told what the flow found out.
    """

    wall: Callable[[], float]
    random: Callable[[], float]
    may_retry: Callable[[], bool] = lambda: False
    told_to_wait: Callable[[], bool] = lambda: False
    chain: RefreshChain | None = None
    prior_failure: AuthorizationError | None = None
    refused: set[object] = field(default_factory=set)
    refusals: SharedRefusals = field(default_factory=NotShared)
    working: MutableMapping[str, int] = field(default_factory=dict)
    token_uri_audiences: set[str] = field(default_factory=set)
    publish: Callable[[Event], None] = lambda _: None


def prepare(
    fetch: TokenFetch, inputs: FlowInputs, *, needs: str = "token-uri", login: bool = False
) -> Flow[PluginContext]:
    """Resolve addresses and client authentication: settings, else plugin, else metadata.

    Everything is read but the credential of the attempt: several may be tried in turn.

    Args:
        fetch: What is to be fetched.
        inputs: The flow's inputs.
        needs: The address without which the metadata is fetched.
        login: Whether the metadata is fetched in any case, if the provider publishes it: its
            promises count in a login (RFC 9207, RFC 9126, PKCE).

    Raises:
        AuthorizationError: the metadata, or a source that must be read, is not available.
    """
    registration = fetch.registration
    details = registration.provider
    endpoints = dict(details.endpoints)
    metadata: Mapping[str, Any] = NOTHING
    discoverable = details.issuer_uri is not None or "metadata-uri" in endpoints
    if discoverable and (login or needs not in endpoints):
        metadata = yield NeedMetadata()
        mutual_tls = registration.certificate is not None
        endpoints = {**discovered_endpoints(metadata, mutual_tls=mutual_tls), **endpoints}
    if registration.client_authentication_method is None:
        registration = registration.with_options(
            client_authentication_method=advertised_method(registration, metadata)
        )
    mutual_tls_uri = endpoints.pop("mtls-token-uri", None)
    if mutual_tls_uri and registration.client_authentication_method in CERTIFICATE_METHODS:
        endpoints["token-uri"] = mutual_tls_uri
    context = PluginContext(
        registration=registration,
        endpoints=endpoints,
        issuer=issuer_of(details.issuer_uri, metadata),
        metadata=metadata,
        now=inputs.wall(),
        new_id=lambda: uuid4().hex,
        principal=request_principal(registration, fetch.plugin, fetch.principal),
    )
    return (yield from _with_tokens(context, fetch, inputs))


def _with_tokens(
    context: PluginContext, fetch: TokenFetch, inputs: FlowInputs
) -> Flow[PluginContext]:
    """Read the tokens and keys that the registration's grant sends."""
    registration, chain = context.registration, inputs.chain
    if chain is not None and registration.refresh_token is not None:
        chain.configure((yield from _read(registration.refresh_token, "refresh-token")))
    subject = fetch.subject_token
    if subject is None:
        subject = yield from _read(registration.subject_token, "subject-token")
    signs = GRANTS[registration.authorization_grant_type].signs
    signing_key = registration.signing_key if signs else None
    return replace(
        context,
        refresh_token=chain.usable() if chain is not None else None,
        password=(yield from _read(registration.password, "password")),
        secrets=(yield from _plugin_secrets(fetch)),
        signing_key=(yield from _read(signing_key, "private-key")),
        subject_token=(yield from _resolved(subject)),
        actor_token=(yield from _resolved(fetch.actor_token)),
    )


def _plugin_secrets(fetch: TokenFetch) -> Flow[Mapping[str, Secret]]:
    """Read the secrets among the plugin's own settings, and those of the registration."""
    path = f"registration.{fetch.registration.registration_id}"
    found: dict[str, Secret] = {}
    settings = fetch.registration.provider.settings
    for place, values in (
        (f"provider.{fetch.provider}", settings),
        (path, fetch.registration.plugin_options),
    ):
        for key, value in values.items():
            if isinstance(value, SourcedSecret):
                secret = yield ReadSecret(value.source, f"{place}.{key}")
                found[key.replace("-", "_")] = secret
    return found


def _read(source: Readable | None, setting: str) -> Flow[Any]:
    return None if source is None else (yield ReadSecret(source, setting))


def _resolved(token: Secret | TokenOf | None) -> Flow[Secret | None]:
    """Return a token, first fetching that of another registration where one is named."""
    if not isinstance(token, TokenOf):
        return token
    return Secret((yield NeedToken(token.registration_id)))
