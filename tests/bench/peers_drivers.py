"""How each library is told to get and to keep a client-credentials token, one class each.

A driver is made for a token endpoint. Its `get` does what the library's documentation says is to
be done for every call of an API, short of the call itself, and returns the token or raises. The
libraries are imported where they are used: each is measured in a process without the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from peers_server import RemoteServer

API = "https://api.example.com/v1/things"
EXPIRED = {"access_token": "none", "token_type": "Bearer", "expires_at": 1}
BEARER = len("Bearer ")


class Driver:
    """One library.

    Attributes:
        name: What it is called in the table.
        distribution: Whose version is told.
        how: What is done for every call.
        note: What else must be known to read its figures.
        lifetime: Seconds that tokens live where a renewal is to hang: more than are needed.
        renews_at: Seconds after which the library then renews, while the token is still good.
        asynchronous: Whether `get` is awaited.
        overhead: What `touch` does that is none of the library's work, if anything.
    """

    name: str
    distribution: str
    how: str
    note = ""
    lifetime: int
    renews_at: float
    asynchronous = False
    overhead: Callable[[], object] | None = None

    def __init__(self, server: RemoteServer) -> None:
        raise NotImplementedError

    def get(self) -> Any:
        """Return a token, or an awaitable of one."""
        raise NotImplementedError

    def touch(self) -> object:
        """Do the same without looking at what comes of it, for the cost of a hit."""
        return self.get()


class RequestsDriver(Driver):
    """A library whose ware is an auth object for requests, which is put to a prepared request."""

    auth: Callable[[requests.PreparedRequest], requests.PreparedRequest]

    def __init__(self) -> None:
        self.request = requests.Request("GET", API).prepare()
        self.touched = self.request.copy()
        self.overhead = self.bare

    def bare(self) -> requests.PreparedRequest:
        """Return a request that no auth object has seen, for less than a copy costs."""
        self.touched.headers = {}
        self.touched.hooks = {"response": []}
        return self.touched

    def get(self) -> str:
        return self.auth(self.request.copy()).headers["Authorization"][BEARER:]

    def touch(self) -> object:
        return self.auth(self.bare())


def settings(server: RemoteServer) -> dict[str, Any]:
    return {
        "registration": {"my-client": {"client-id": "id", "client-secret": "a-secret"}},
        "provider": {"p": {"token-uri": server.token_uri}},
    }


class OauthReg(Driver):
    name = "oauthreg"
    distribution = "oauthreg"
    how = '`manager.authorize("my-client")`'
    lifetime, renews_at = 24, 14.4

    def __init__(self, server: RemoteServer) -> None:
        from oauthreg import AuthorizedClientManager

        self.manager = AuthorizedClientManager.from_settings(settings(server))

    def get(self) -> str:
        return self.manager.authorize("my-client").access_token.token_value


class OauthRegAuth(RequestsDriver):
    name = "oauthreg, auth object for requests"
    distribution = "oauthreg"
    how = '`manager.auth("my-client")`, put to a prepared request'
    lifetime, renews_at = OauthReg.lifetime, OauthReg.renews_at

    def __init__(self, server: RemoteServer) -> None:
        from oauthreg import AuthorizedClientManager

        super().__init__()
        self.auth = AuthorizedClientManager.from_settings(settings(server)).auth("my-client")


class OauthRegAsync(Driver):
    name = "oauthreg, asyncio"
    distribution = "oauthreg"
    how = '`await manager.authorize("my-client")`'
    lifetime, renews_at = OauthReg.lifetime, OauthReg.renews_at
    asynchronous = True

    def __init__(self, server: RemoteServer) -> None:
        from oauthreg import AsyncAuthorizedClientManager

        self.manager = AsyncAuthorizedClientManager.from_settings(settings(server))

    async def get(self) -> str:
        return (await self.manager.authorize("my-client")).access_token.token_value


class RequestsOauth2Client(RequestsDriver):
    name = "requests_oauth2client"
    distribution = "requests_oauth2client"
    how = "`OAuth2ClientCredentialsAuth`, put to a prepared request"
    lifetime, renews_at = 23, 3.0  # leeway 20 s

    def __init__(self, server: RemoteServer) -> None:
        from requests_oauth2client import OAuth2Client, OAuth2ClientCredentialsAuth

        super().__init__()
        client = OAuth2Client(
            server.token_uri, client_id="id", client_secret="a-secret", testing=True
        )
        self.auth = OAuth2ClientCredentialsAuth(client)


class Authlib(RequestsDriver):
    name = "Authlib, requests"
    distribution = "authlib"
    how = "the auth object of an `OAuth2Session`, put to a prepared request"
    note = "starts with an expired token, as it leaves the first fetch to its user"
    lifetime, renews_at = 63, 4.0  # leeway 60 s

    def __init__(self, server: RemoteServer) -> None:
        from authlib.integrations.requests_client import OAuth2Session

        super().__init__()
        session = OAuth2Session(
            "id",
            "a-secret",
            token_endpoint=server.token_uri,
            grant_type="client_credentials",
            token=dict(EXPIRED),
        )
        self.auth = session.token_auth


class AuthlibAsync(Driver):
    name = "Authlib, asyncio"
    distribution = "authlib"
    how = "`await client.ensure_active_token(client.token)` of an `AsyncOAuth2Client`"
    note = f"{Authlib.note}; its HTTP client gives up after 5 s"
    lifetime, renews_at = Authlib.lifetime, Authlib.renews_at
    asynchronous = True

    def __init__(self, server: RemoteServer) -> None:
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        self.client = AsyncOAuth2Client(
            "id",
            "a-secret",
            token_endpoint=server.token_uri,
            grant_type="client_credentials",
            token=dict(EXPIRED),
        )

    async def get(self) -> str:
        await self.client.ensure_active_token(self.client.token)
        return self.client.token["access_token"]


class HttpxAuth(Driver):
    name = "httpx-auth"
    distribution = "httpx-auth"
    how = "`OAuth2ClientCredentials`, put to a request of httpx"
    lifetime, renews_at = 33, 3.0  # early_expiry 30 s

    def __init__(self, server: RemoteServer) -> None:
        import httpx
        from httpx_auth import OAuth2, OAuth2ClientCredentials

        OAuth2.token_cache.clear()  # one for the whole process
        self.auth = OAuth2ClientCredentials(server.token_uri, "id", "a-secret")
        self.request = httpx.Request("GET", API)

    def get(self) -> str:
        next(self.auth.sync_auth_flow(self.request))
        return self.request.headers["Authorization"][BEARER:]

    def touch(self) -> object:
        return next(self.auth.sync_auth_flow(self.request))


class PlainHttp:
    """For MSAL, which takes https addresses alone: speaks http where https is said."""

    def __init__(self) -> None:
        self.session = requests.Session()

    def get(self, url: str, **options: Any) -> requests.Response:
        response = self.session.get(url.replace("https:", "http:", 1), **options)
        response._content = response.content.replace(b'"http:', b'"https:')
        return response

    def post(self, url: str, **options: Any) -> requests.Response:
        return self.session.post(url.replace("https:", "http:", 1), **options)

    def close(self) -> None:
        self.session.close()


class Msal(Driver):
    name = "msal"
    distribution = "msal"
    how = "`application.acquire_token_for_client(scopes)`"
    note = (
        "its token counts as expired for the last 300 s; with `refresh_in` in the answer, too, it "
        "renews in the callers' threads; remembers a 5xx for 5 s; takes https alone, so its "
        "`http_client` hook brings it to the http server of this run"
    )
    lifetime, renews_at = 303, 4.0  # the last 300 s count as expired

    def __init__(self, server: RemoteServer) -> None:
        from msal import ConfidentialClientApplication

        self.application = ConfidentialClientApplication(
            "id",
            "a-secret",
            oidc_authority=server.issuer.replace("http:", "https:"),
            http_client=PlainHttp(),
        )

    def get(self) -> str:
        return self.application.acquire_token_for_client(["read"])["access_token"]


class GoogleAuth(Driver):
    name = "google-auth"
    distribution = "google-auth"
    how = "`credentials.before_request(...)` of refresh-token credentials"
    note = "has no client-credentials grant; asks three times, over 3 s, before it gives up"
    lifetime, renews_at = 228, 3.0  # the last 225 s
    non_blocking = False

    def __init__(self, server: RemoteServer) -> None:
        from google.auth.transport.requests import Request
        from google.oauth2.credentials import Credentials

        login = {"grant_type": "password", "username": "alice", "password": "a-password"}
        answer = requests.post(server.token_uri, data=login, auth=("user", "a-secret"), timeout=10)
        self.credentials = Credentials(
            None,
            refresh_token=answer.json()["refresh_token"],
            token_uri=server.token_uri,
            client_id="user",
            client_secret="a-secret",
        )
        if self.non_blocking:
            self.credentials.with_non_blocking_refresh()
        self.sender = Request()

    def get(self) -> str:
        headers: dict[str, str] = {}
        self.credentials.before_request(self.sender, "GET", API, headers)
        return headers["authorization"][BEARER:]


class GoogleAuthNonBlocking(GoogleAuth):
    name = "google-auth, non-blocking refresh"
    how = "the same after `with_non_blocking_refresh()`"
    non_blocking = True


class Databricks(Driver):
    name = "databricks-sdk"
    distribution = "databricks-sdk"
    how = "`ClientCredentials(..., disable_async=False).token()`, as its `Config` makes it"
    note = "a token counts as expired for the last 40 s"
    lifetime, renews_at = 100, 50.1  # half of the lifetime; the last 40 s count as expired

    def __init__(self, server: RemoteServer) -> None:
        from databricks.sdk.oauth import ClientCredentials

        self.source = ClientCredentials(
            "id", "a-secret", server.token_uri, use_header=True, disable_async=False
        )

    def get(self) -> str:
        return self.source.token().access_token


DRIVERS = (
    OauthReg,
    OauthRegAuth,
    OauthRegAsync,
    RequestsOauth2Client,
    Authlib,
    AuthlibAsync,
    HttpxAuth,
    Msal,
    GoogleAuth,
    GoogleAuthNonBlocking,
    Databricks,
)
