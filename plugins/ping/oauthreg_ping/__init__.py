"""Ping Identity, as providers of oauthreg: PingOne, PingFederate, PingAM."""

from typing import Literal

from oauthreg.plugin import BaseUrl, ProviderPlugin, ProviderSettings

SCOPES_OF_A_RESOURCE = "Ask for scopes of one resource only, which the application may have."


class PingOneSettings(ProviderSettings):
    """An environment.

    Attributes:
        environment_id: The id of the environment.
        region: The end of the host name of its region.
    """

    environment_id: str
    region: Literal["com", "eu", "asia", "ca"] = "com"


class PingOne(ProviderPlugin[PingOneSettings]):
    """One environment of PingOne."""

    token_uri = "https://auth.pingone.{region}/{environment_id}/as/token"
    error_hints = {
        "invalid_client": (
            "Compare client-id and client-secret, and client-authentication-method with the "
            "Token Endpoint Authentication Method of the application: PingOne takes no other."
        ),
        "invalid_scope": SCOPES_OF_A_RESOURCE,
    }
    documentation = (
        "https://developer.pingidentity.com/pingone-api/auth/openid-connect-oauth-2.html"
    )
    unverified = ("What the codes of errors mean.", "Custom domains: state token-uri.")


class PingFederateSettings(ProviderSettings):
    """A server.

    Attributes:
        base_url: Its address, often with the port 9031.
    """

    base_url: BaseUrl


class PingFederate(ProviderPlugin[PingFederateSettings]):
    """A PingFederate server; `audience` or `resource` choose the access token manager."""

    token_uri = "{base_url}/as/token.oauth2"
    documentation = (
        "https://docs.pingidentity.com/pingfederate/latest/developers_reference_guide/"
        "pf_token_endpoint.html"
    )
    unverified = ("The address, and that audience or resource choose the access token manager.",)


class PingAMSettings(ProviderSettings):
    """A realm.

    Attributes:
        base_url: The address of AM, as in `https://am.example.com/am`.
        realm: The realm below the root realm.
    """

    base_url: BaseUrl
    realm: str


class PingAM(ProviderPlugin[PingAMSettings]):
    """One realm of PingAM, once ForgeRock AM."""

    token_uri = "{base_url}/oauth2/realms/root/realms/{realm}/access_token"
    documentation = "https://docs.pingidentity.com/pingam/8/am-oauth2/oauth2-client-cred-grant.html"
    unverified = ("The place of the realm in the address.",)
