"""The four common providers that Spring Boot knows by name, as data (Okta has its own plugin)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from oauthreg._provider import ProviderPlugin, ProviderSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

LOGIN: Mapping[str, Any] = {
    "authorization-grant-type": "authorization_code",
    "redirect-uri": "{baseUrl}/{action}/oauth2/code/{registrationId}",
}


class Google(ProviderPlugin[ProviderSettings]):
    """Google accounts."""

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
