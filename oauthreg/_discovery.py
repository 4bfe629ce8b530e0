"""An issuer's metadata: OpenID Connect Discovery 1.0 and RFC 8414, as one flow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from oauthreg._endpoints import ENDPOINTS
from oauthreg._errors import AuthorizationError, DiscoveryError
from oauthreg._flow import TokenRequest
from oauthreg._protocol.responses import json_object, retry_after

if TYPE_CHECKING:
    from oauthreg._flow import Flow, TokenResponse

Metadata = Mapping[str, Any]


def addresses(issuer: str) -> tuple[str, ...]:
    """Return where an issuer's metadata may be, in the order asked: OpenID's way first."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")

    def at(new_path: str) -> str:
        return urlunsplit((parts.scheme, parts.netloc, new_path, "", ""))

    return tuple(
        dict.fromkeys(
            (
                at(f"{path}/.well-known/openid-configuration"),
                at(f"/.well-known/openid-configuration{path}"),
                at(f"/.well-known/oauth-authorization-server{path}"),
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
        provider: The provider's name in the settings, for the error's advice.
        now: Seconds since the epoch.

    Raises:
        DiscoveryError: no address had it; `answers` says what each of them said.
    """
    answers: list[tuple[str, str]] = []
    urls = (metadata_uri,) if metadata_uri else addresses(issuer or "")
    wait = None
    for url in urls:
        try:
            response = yield TokenRequest(url=url, method="GET")
        except AuthorizationError as error:
            answers.append((url, error.message))
            break
        metadata = json_object(response) if response.status == 200 else None  # noqa: PLR2004 - OK
        if metadata is not None and issuer in (None, metadata.get("issuer")):
            return metadata
        answers.append((url, _said(response, metadata)))
        if metadata is not None and _same_but_slash(issuer, metadata.get("issuer")):
            raise DiscoveryError(
                f"the issuer of provider {provider} differs by a slash only",
                provider=provider,
                endpoint=url,
                answers=answers,
                retryable=False,
                hint=f'Write: provider.{provider}.issuer-uri = "{metadata["issuer"]}"',
            )
        if response.status >= 500:  # noqa: PLR2004 - server errors
            wait = retry_after(response, now=now)
            break
    raise DiscoveryError(
        f"the metadata of provider {provider} could not be had",
        provider=provider,
        endpoint=issuer or metadata_uri,
        answers=answers,
        retry_after=wait,
        hint=f"Check provider.{provider}.issuer-uri, or set provider.{provider}.token-uri, "
        "which needs no metadata.",
    )


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


def _said(response: TokenResponse, metadata: Metadata | None) -> str:
    if metadata is not None:
        return f"metadata of another issuer, {str(metadata.get('issuer'))[:200]!r}"
    if response.status == 200:  # noqa: PLR2004 - OK
        return "200, but no JSON object"
    return str(response.status)


def _same_but_slash(issuer: str | None, said: object) -> bool:
    return issuer is not None and isinstance(said, str) and issuer.rstrip("/") == said.rstrip("/")
