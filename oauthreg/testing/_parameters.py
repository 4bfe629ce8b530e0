"""The parameters of a request to the authorization server, and what is wrong with them."""
# mypy: allow-subclassing-any
# Authlib carries no types.

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from oauthreg.testing._records import RecordedRequest
    from oauthreg.testing._site import Site

REPEATABLE = {"resource", "audience"}


class InvalidTargetError(OAuth2Error):
    """`resource` or `audience` names nothing that a token could be for (RFC 8707 section 2)."""

    error = "invalid_target"


class InvalidDetailsError(OAuth2Error):
    """`authorization_details` that nobody can read (RFC 9396 section 5)."""

    error = "invalid_authorization_details"


class IssuerRequest(OAuth2Request):
    """A recorded request as Authlib wants to read it."""

    def __init__(self, recorded: RecordedRequest, pairs: Iterable[tuple[str, str]]) -> None:
        super().__init__(recorded.method, "https://localhost/", headers=recorded.headers)
        self.recorded = recorded
        self.pairs = list(pairs)
        self.payload = BasicOAuth2Payload(dict(self.pairs))
        self.actor: str | None = None
        self.proof_key: str | None = None
        """The thumbprint of the key behind the DPoP proof."""

    @property
    def form(self) -> Mapping[str, str]:
        """The parameters, wherever they came from."""
        parameters: Mapping[str, str] = self.payload.data
        return parameters

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a parameter that may be repeated."""
        return tuple(value for key, value in self.pairs if key == name)

    def target(self) -> dict[str, Any]:
        """What the token is to be for, named as in `Target`; only what is asked."""
        asked = {
            "audience": self.all("audience"),
            "resources": self.all("resource"),
            "authorization_details": self._authorization_details(),
        }
        return {name: value for name, value in asked.items() if value}

    def _authorization_details(self) -> tuple[dict[str, Any], ...]:
        """Details as RFC 9396 section 2 has them: a JSON array of objects with a `type`."""
        try:
            details = json.loads(self.form.get("authorization_details", "[]"))
        except ValueError:
            raise InvalidDetailsError("authorization_details is not JSON") from None
        if not isinstance(details, list):
            raise InvalidDetailsError("authorization_details is not an array")
        if not all(
            isinstance(each, dict) and isinstance(each.get("type"), str) for each in details
        ):
            raise InvalidDetailsError("authorization_details are not objects with a type")
        return tuple(details)

    def check_no_repetition(self) -> None:
        """Refuse a parameter that comes twice (RFC 6749 section 3.2), but for RFC 8707's."""
        names = [name for name, _ in self.pairs if name not in REPEATABLE]
        if len(names) > len(set(names)):
            raise InvalidRequestError("a parameter is repeated")

    def check_target(self, site: Site) -> None:
        """Refuse what no token of the site can be for (RFC 8707 section 2, RFC 9396)."""
        target, known = self.target(), site.audiences
        resources = target.get("resources", ())
        if any(":" not in resource or "#" in resource for resource in resources):
            raise InvalidTargetError("resource is not an absolute URI without fragment")
        if known is not None and not {*resources, *target.get("audience", ())} <= {*known}:
            raise InvalidTargetError("there are no tokens for this audience or resource")
