"""The common providers that Spring Boot knows by name, as data (Okta has its own plugin)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from oauthreg._errors import Problem, SecretUnavailableError
from oauthreg._flow import TokenRequest
from oauthreg._protocol.answers import seconds_until
from oauthreg._protocol.assertions import JWT_BEARER
from oauthreg._protocol.binding import jwt_claims
from oauthreg._protocol.refusals import is_success
from oauthreg._protocol.responses import granted_from
from oauthreg._protocol.text import json_object
from oauthreg._provider import ProviderPlugin
from oauthreg._provider_data import ProviderSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from oauthreg._flow import Flow, Granted
    from oauthreg._protocol.context import Explanation, PluginContext
    from oauthreg._registration import ClientRegistration

ONE_HOUR = 3600

USER_NAMES: Mapping[str, str] = {
    "google": "sub",
    "github": "id",
    "facebook": "id",
    "x": "username",
}
"""The claim that names the user, by provider, as Spring has it."""

LOGIN: Mapping[str, Any] = {"authorization-grant-type": "authorization_code"}

OKTA: Mapping[str, Any] = {
    **LOGIN,
    "client-authentication-method": "client_secret_basic",
    "client-name": "Okta",
    "scope": ["openid", "profile", "email"],
}
"""What a registration of Okta has by default in a Spring file that names its addresses."""


class Google(ProviderPlugin[ProviderSettings]):
    """Google accounts; by the grant jwt-bearer a service account, with its key file.

    A service account's assertion has the scopes in it. With an `audience`, the token is an id_token
    for that audience.
    """

    document: ClassVar[Mapping[str, str]] = {
        "client-id": "client_email",
        "private-key": "private_key",
        "key-id": "private_key_id",
        "token-uri": "token_uri",
    }
    error_hints: ClassVar[Mapping[str, str | Explanation]] = {
        "unauthorized_client": "Let an administrator delegate domain-wide authority to the service "
        "account's client, for these very scopes; or leave username out.",
        "invalid_grant: Invalid JWT Signature": "The key was deleted or is another account's: make "
        "a new key file.",
        "invalid_grant: short-lived token": "Check this machine's clock.",
    }
    documentation = "https://developers.google.com/identity/protocols/oauth2/service-account"
    unverified = (
        "The words of the errors about a signature and about the time.",
        "The fields of a key file.",
    )

    issuer_uri = "https://accounts.google.com"
    authorization_uri = "https://accounts.google.com/o/oauth2/v2/auth"
    token_uri = "https://www.googleapis.com/oauth2/v4/token"
    jwk_set_uri = "https://www.googleapis.com/oauth2/v3/certs"
    user_info_uri = "https://www.googleapis.com/oauth2/v3/userinfo"
    client_authentication_method = "client_secret_basic"
    defaults: ClassVar[Mapping[str, Any]] = {
        **LOGIN,
        "client-name": "Google",
        "scope": ["openid", "profile", "email"],
    }

    def flow(self, context: PluginContext) -> Flow[Granted]:
        """A service account signs what it wants; anything else is as usual."""
        if context.registration.authorization_grant_type != JWT_BEARER:
            return super().flow(context)
        return self._service_account(context)

    def check(self, registration: ClientRegistration) -> Iterable[Problem]:
        """A service account asks for scopes, or for an id_token by its audience."""
        scopes = [one for one in registration.scopes if one not in self.defaults["scope"]]
        by_key = registration.authorization_grant_type == JWT_BEARER
        if by_key and registration.audience and scopes:
            yield Problem(
                f"registration.{registration.registration_id}.scope",
                "must not stand beside an audience: an id_token for that has no scopes",
                remedy="Leave out scope for an id_token, or audience for an access token.",
            )

    def _service_account(self, context: PluginContext) -> Flow[Granted]:
        registration, key = context.registration, context.signing_key
        if key is None:
            raise SecretUnavailableError(
                "a service account signs with its key",
                retryable=False,
                hint=f"Set registration.{registration.registration_id}.credentials-file.",
            )
        url, issued = context.endpoints["token-uri"], int(context.now)
        claims: dict[str, Any] = {"iss": registration.client_id, "aud": url, "iat": issued}
        claims["exp"] = issued + int(registration.assertion_lifetime or ONE_HOUR)
        if registration.username:
            claims["sub"] = registration.username
        if registration.audience:
            claims["target_audience"] = registration.audience
        else:
            claims["scope"] = " ".join(registration.scopes)
        assertion = key.sign(claims)
        form = (("grant_type", JWT_BEARER), ("assertion", assertion))
        response = yield TokenRequest(url=url, form=form, sensitive=(assertion,), single_use=True)
        answer = json_object(response) if is_success(response.status) else None
        id_token = (answer or {}).get("id_token")
        if not registration.audience or not isinstance(id_token, str):
            return self.parse_response(context, response)
        ends = (jwt_claims(id_token) or {}).get("exp")
        return granted_from({"access_token": id_token, "expires_in": seconds_until(ends, issued)})


class GitHub(ProviderPlugin[ProviderSettings]):
    """GitHub accounts."""

    authorization_uri = "https://github.com/login/oauth/authorize"
    token_uri = "https://github.com/login/oauth/access_token"
    user_info_uri = "https://api.github.com/user"
    client_authentication_method = "client_secret_basic"
    defaults: ClassVar[Mapping[str, Any]] = {
        **LOGIN,
        "client-name": "GitHub",
        "scope": ["read:user"],
    }


class Facebook(ProviderPlugin[ProviderSettings]):
    """Facebook accounts."""

    authorization_uri = "https://www.facebook.com/v2.8/dialog/oauth"
    token_uri = "https://graph.facebook.com/v2.8/oauth/access_token"
    user_info_uri = "https://graph.facebook.com/me?fields=id,name,email"
    client_authentication_method = "client_secret_post"
    defaults: ClassVar[Mapping[str, Any]] = {
        **LOGIN,
        "client-name": "Facebook",
        "scope": ["public_profile", "email"],
    }


class X(ProviderPlugin[ProviderSettings]):
    """X accounts."""

    authorization_uri = "https://x.com/i/oauth2/authorize"
    token_uri = "https://api.x.com/2/oauth2/token"
    user_info_uri = "https://api.x.com/2/users/me"
    client_authentication_method = "client_secret_post"
    defaults: ClassVar[Mapping[str, Any]] = {
        **LOGIN,
        "client-name": "X",
        "scope": ["users.read", "tweet.read"],
    }
