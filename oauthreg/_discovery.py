"""An issuer's metadata: OpenID Connect Discovery 1.0 and RFC 8414, as one flow."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from oauthreg._endpoints import ENDPOINTS
from oauthreg._errors import AuthorizationError, DiscoveryError
from oauthreg._flow import TokenRequest
from oauthreg._protocol.hints import status_hint
from oauthreg._protocol.refusals import answer_words, is_transient, retry_after
from oauthreg._protocol.text import clean, json_object

if TYPE_CHECKING:
    from oauthreg._flow import Flow, TokenResponse

Metadata = Mapping[str, Any]

WELL_KNOWN = "/.well-known/"
OAUTH_METADATA = f"{WELL_KNOWN}oauth-authorization-server"
LONGEST_ISSUER = 200


def addresses(issuer: str) -> tuple[str, ...]:
    """Return where an issuer's metadata may be, in the order asked, OpenID's addresses first."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")

    def at(new_path: str) -> str:
        return urlunsplit((parts.scheme, parts.netloc, new_path, "", ""))

    return tuple(
        dict.fromkeys(
            (
                at(f"{path}{WELL_KNOWN}openid-configuration"),
                at(f"{WELL_KNOWN}openid-configuration{path}"),
                at(f"{OAUTH_METADATA}{path}"),
            )
        )
    )


def discover(
    issuer: str | None, metadata_uri: str | None, *, provider: str, now: float
) -> Flow[Metadata]:
    """Fetch an issuer's metadata.

    Args:
        issuer: The issuer identifier that the metadata must name to the letter, if known.
        metadata_uri: The one address to ask, instead of those derived from the issuer.
        provider: The provider's name in the settings, for the error's hint.
        now: Seconds since the epoch.

    Raises:
        DiscoveryError: no address has it; `answers` says what each of them answered.
        TransportError: there is no connection to the server, or it broke.
    """
    if issuer is not None and WELL_KNOWN in issuer:
        raise _is_metadata_address(issuer, provider)
    answers: list[tuple[str, str]] = []
    found: list[tuple[str, object]] = []
    for url in (metadata_uri,) if metadata_uri else addresses(issuer or ""):
        response = yield from _asked(url, provider)
        metadata = json_object(response) if response.status == HTTPStatus.OK else None
        named = None if metadata is None else metadata.get("issuer")
        if metadata is not None and issuer in (None, named):
            return metadata
        answers.append((url, _described(response, metadata)))
        if metadata is not None:
            found.append((url, named))
        if is_transient(response.status):
            raise _not_now(response, provider, answers, now=now)
        if _differs_by_slash(issuer, named):
            break
    message, hint = _cause(issuer, metadata_uri, provider, found)
    if not found:
        hint = f"{_seen(answers)}{hint}"
    raise DiscoveryError(
        message,
        provider=provider,
        endpoint=issuer or metadata_uri,
        answers=answers,
        retryable=not found,
        hint=hint,
    )


def supplement(issuer: str, *, provider: str, now: float) -> Flow[Metadata]:
    """Fetch the document of RFC 8414 alone; empty if there is none of this issuer.

    Servers that publish OpenID's as well often list introspection and revocation in this one only.

    Raises:
        DiscoveryError: the server does not give it now.
        TransportError: there is no connection to the server, or it broke.
    """
    url = addresses(issuer)[-1]
    response = yield from _asked(url, provider)
    metadata = json_object(response) if response.status == HTTPStatus.OK else None
    if is_transient(response.status):
        raise _not_now(response, provider, [(url, _described(response, metadata))], now=now)
    return metadata if metadata is not None and metadata.get("issuer") == issuer else {}


def issuer_of(configured: str | None, metadata: Metadata) -> str | None:
    """Return the issuer identifier: the configured one, else the metadata's; None for neither."""
    named = metadata.get("issuer")
    usable = isinstance(named, str) and named.isprintable() and named != ""
    return configured or (named if usable else None)


def endpoints(metadata: Metadata, *, mutual_tls: bool = False) -> dict[str, str]:
    """Return the metadata's addresses by setting name.

    With `mutual_tls`, those of `mtls_endpoint_aliases` come first (RFC 8705 section 5).
    """
    aliases = metadata.get("mtls_endpoint_aliases") if mutual_tls else None
    merged = {**metadata, **(aliases if isinstance(aliases, dict) else {})}
    return {
        name: value
        for name, row in ENDPOINTS.items()
        if isinstance(value := merged.get(row.metadata_field), str) and value
    }


def _asked(url: str, provider: str) -> Flow[TokenResponse]:
    """Ask one address; a failure keeps its class, its hint and whether it is worth a retry."""
    try:
        response: TokenResponse = yield TokenRequest(url=url, method="GET")
    except AuthorizationError as error:
        failure = error.copy(
            message=f"the metadata of provider {provider} was not fetched: {error.message}",
            provider=provider,
            endpoint=error.endpoint or url,
        )
    else:
        return response
    raise failure


def _not_now(
    response: TokenResponse, provider: str, answers: list[tuple[str, str]], *, now: float
) -> DiscoveryError:
    return DiscoveryError(
        f"the server of provider {provider} does not give its metadata now",
        provider=provider,
        endpoint=answers[-1][0],
        answers=answers,
        status=response.status,
        retry_after=retry_after(response, now=now),
        hint=status_hint(response.status),
    )


def _described(response: TokenResponse, metadata: Metadata | None) -> str:
    """Return what an address answered."""
    if metadata is None:
        return answer_words(response)
    issuer = metadata.get("issuer")
    return f"metadata of the issuer {_shown(issuer)}" if issuer else "metadata without an issuer"


def _seen(answers: list[tuple[str, str]]) -> str:
    """Return what it means that every address answered in the same way, where that says much."""
    words = [answered for _, answered in answers]
    if all("a redirect" in one for one in words):
        return "Redirects are not followed: write the address that they lead to. "
    if all("an HTML page" in one for one in words):
        return "A web page answers there: of a login, a firewall, or another server. "
    if all(one in {"401", "403"} for one in words):
        return "The server, or a gateway before it, shows its metadata to nobody. "
    return ""


def _cause(
    issuer: str | None, metadata_uri: str | None, provider: str, found: list[tuple[str, object]]
) -> tuple[str, str]:
    """Return why there is no metadata, and what to write."""
    path = f"provider.{provider}"
    if not found:
        setting = f"{path}.metadata-uri" if metadata_uri else f"{path}.issuer-uri"
        return (
            f"provider {provider} has no metadata at the addresses that were asked",
            f"Check {setting}, or set {path}.token-uri, which needs no metadata.",
        )
    url, named = found[-1]
    if _differs_by_slash(issuer, named):
        return (
            f"the issuer of provider {provider} differs by a slash only",
            f"Write: {path}.issuer-uri = {_shown(named)}",
        )
    if not isinstance(named, str) or not named:
        return (
            f"the metadata of provider {provider} names no issuer",
            f"Check {path}.issuer-uri, or set {path}.token-uri, which needs no metadata.",
        )
    message = (
        f"the metadata of provider {provider} names the issuer {_shown(named)}, and not "
        f"{_shown(issuer)}"
    )
    if "{" in named:
        hint = (
            "It is a template for many tenants: put the name or id of your tenant into "
            f"{path}.issuer-uri."
        )
    else:
        hint = (
            f"If it is the server that you mean, write: {path}.issuer-uri = {_shown(named)} and "
            f'{path}.metadata-uri = "{url}"'
        )
    return message, hint


def _is_metadata_address(issuer: str, provider: str) -> DiscoveryError:
    """Return the error of an issuer-uri that is the address of the metadata."""
    path = f"provider.{provider}"
    base, _, rest = issuer.partition(WELL_KNOWN)
    inserted = rest.partition("/")[2]
    real = f"{base}/{inserted}" if inserted else base
    return DiscoveryError(
        f"the issuer-uri of provider {provider} is the address of its metadata",
        provider=provider,
        endpoint=issuer,
        retryable=False,
        hint=f'Write: {path}.issuer-uri = "{real}", or {path}.metadata-uri = "{issuer}"',
    )


def _shown(issuer: object) -> str:
    return f'"{clean(str(issuer), LONGEST_ISSUER)}"'


def _differs_by_slash(issuer: str | None, named: object) -> bool:
    return issuer is not None and isinstance(named, str) and issuer.rstrip("/") == named.rstrip("/")
