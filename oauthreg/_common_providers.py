"""The common providers that Spring Boot knows by name, as data (Okta has its own plugin)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from oauthreg._provider import ProviderPlugin
from oauthreg._provider_data import ProviderSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

LOGIN: Mapping[str, Any] = {"authorization-grant-type": "authorization_code"}

OKTA: Mapping[str, Any] = {
    **LOGIN,
    "client-authentication-method": "client_secret_basic",
    "client-name": "Okta",
    "scope": ["openid", "profile", "email"],
}
"""What a registration of Okta has by default in a Spring file that names its addresses."""


class _Common(ProviderPlugin[ProviderSettings]):
    _user_name: ClassVar[str]

    def endpoints(self) -> Mapping[str, str]:
        return {**super().endpoints(), "user-name-attribute": self._user_name}


class Google(_Common):
    """Google accounts."""

    _user_name = "sub"
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


class GitHub(_Common):
    """GitHub accounts."""

    _user_name = "id"
    authorization_uri = "https://github.com/login/oauth/authorize"
    token_uri = "https://github.com/login/oauth/access_token"
    user_info_uri = "https://api.github.com/user"
    client_authentication_method = "client_secret_basic"
    defaults: ClassVar[Mapping[str, Any]] = {
        **LOGIN,
        "client-name": "GitHub",
        "scope": ["read:user"],
    }


class Facebook(_Common):
    """Facebook accounts."""

    _user_name = "id"
    authorization_uri = "https://www.facebook.com/v2.8/dialog/oauth"
    token_uri = "https://graph.facebook.com/v2.8/oauth/access_token"
    user_info_uri = "https://graph.facebook.com/me?fields=id,name,email"
    client_authentication_method = "client_secret_post"
    defaults: ClassVar[Mapping[str, Any]] = {
        **LOGIN,
        "client-name": "Facebook",
        "scope": ["public_profile", "email"],
    }


class X(_Common):
    """X accounts."""

    _user_name = "username"
    authorization_uri = "https://x.com/i/oauth2/authorize"
    token_uri = "https://api.x.com/2/oauth2/token"
    user_info_uri = "https://api.x.com/2/users/me"
    client_authentication_method = "client_secret_post"
    defaults: ClassVar[Mapping[str, Any]] = {
        **LOGIN,
        "client-name": "X",
        "scope": ["users.read", "tweet.read"],
    }
