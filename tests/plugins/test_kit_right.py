"""Right plugins pass the kit: without a secret, with flows of their own, in vendors' dialects."""

import datetime as dt
import gc
import json
import time
from typing import Annotated, ClassVar

import pytest
from pydantic import BeforeValidator

from oauthreg.plugin import (
    BaseUrl,
    Granted,
    ProviderPlugin,
    ProviderSettings,
    TokenRequest,
    TokenResponse,
    granted_from,
    json_object,
    refusal,
)
from oauthreg.testing import (
    ProviderPluginTests,
    Sample,
    answer,
    assertion_file,
    certificate_file,
    key_file,
    text_file,
)
from oauthreg.testing._kit.guard import Guard

CHECKS = sorted(name for name in dir(ProviderPluginTests) if name.startswith("test_"))
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


CLOUDS = {"china": "https://login.partner.microsoftonline.cn"}


class EntraSettings(ProviderSettings):
    tenant: str
    cloud: Annotated[BaseUrl, BeforeValidator(lambda name: CLOUDS.get(name, name))]


class Entra(ProviderPlugin[EntraSettings]):
    token_uri = "{cloud}/{tenant}/oauth2/v2.0/token"
    client_authentication_method = "client_secret_post"
    defaults: ClassVar = {"assertion-audience": "token-uri"}


class Google(ProviderPlugin[ProviderSettings]):
    """A service account: the scope is a claim, and so may be a target audience."""

    token_uri = "https://oauth2.googleapis.com/token"
    client_authentication_method = "private_key_jwt"
    defaults: ClassVar = {"scope": "https://www.googleapis.com/auth/cloud-platform"}

    def flow(self, context):
        registration, now = context.registration, int(context.now)
        claims = {
            "iss": registration.client_id,
            "aud": context.endpoints["token-uri"],
            "iat": now,
            "exp": now + 3600,
        }
        if registration.audience:
            claims["target_audience"] = registration.audience
        else:
            claims["scope"] = " ".join(registration.scopes)
        assertion = context.signing_key.sign(claims)
        response = yield TokenRequest(
            url=context.endpoints["token-uri"],
            form=(("grant_type", JWT_BEARER), ("assertion", assertion)),
            sensitive=(assertion,),
            single_use=True,
        )
        return self.parse_response(context, response)

    def parse_response(self, context, response):
        fields = json_object(response) or {}
        if context.registration.audience and isinstance(fields.get("id_token"), str):
            return granted_from({"access_token": fields["id_token"], "expires_in": 3600})
        return super().parse_response(context, response)


class GoogleExternal(ProviderPlugin[ProviderSettings]):
    """Workload identity federation, and then the service account's own token."""

    token_uri = "https://sts.googleapis.com/v1/token"
    client_authentication_method = "none"

    def flow(self, context):
        subject = context.subject_token.get_secret_value()
        exchange = (
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("audience", context.registration.audience),
            ("subject_token", subject),
        )
        first = yield TokenRequest(
            url=context.endpoints["token-uri"], form=exchange, sensitive=(subject,)
        )
        federated = self.parse_response(context, first).access_token
        response = yield TokenRequest(
            url="https://iamcredentials.googleapis.com/v1/sa:generateAccessToken",
            headers=(
                ("Authorization", f"Bearer {federated}"),
                ("Content-Type", "application/json"),
            ),
            content=json.dumps({"lifetime": "3600s"}).encode(),
            sensitive=(federated,),
        )
        fields = json_object(response) or {}
        if response.status != 200:
            raise refusal(response, now=context.now)
        expires = fields.get("expireTime")
        ends = dt.datetime.fromisoformat(expires).timestamp() if expires else context.now + 300
        return granted_from(
            {"access_token": fields.get("accessToken"), "expires_in": ends - context.now}
        )


class Salesforce(ProviderPlugin[ProviderSettings]):
    token_uri = "https://acme.my.salesforce.com/services/oauth2/token"
    client_authentication_method = "client_secret_post"
    defaults: ClassVar = {
        "default-lifetime": 900,
        "assertion-audience": "https://login.salesforce.com",
    }


class Xsuaa(ProviderPlugin[ProviderSettings]):
    token_uri = "https://acme.authentication.cert.eu10.hana.ondemand.com/oauth/token"


class GitHubSettings(ProviderSettings):
    installation: str


class GitHubApp(ProviderPlugin[GitHubSettings]):
    token_uri = "https://api.github.com/app/installations/{installation}/access_tokens"
    client_authentication_method = "private_key_jwt"

    def flow(self, context):
        now = int(context.now)
        claims = {"iss": context.registration.client_id, "iat": now - 60, "exp": now + 540}
        token = context.signing_key.sign(claims)
        response = yield TokenRequest(
            url=context.endpoints["token-uri"],
            headers=(("Authorization", f"Bearer {token}"), ("Accept", "application/json")),
            content=b"{}",
            sensitive=(token,),
        )
        if response.status != 201:
            raise self._wrong(context, response)
        fields = json_object(response) or {}
        ends = dt.datetime.fromisoformat(fields["expires_at"]).timestamp()
        return Granted(access_token=fields["token"], expires_in=ends - context.now)

    @staticmethod
    def _wrong(context, response):
        if response.status == 200:
            granted_from({})
        return refusal(response, now=context.now)


class Zoom(ProviderPlugin[ProviderSettings]):
    token_uri = "https://zoom.us/oauth/token"
    client_authentication_method = "client_secret_basic"
    grant_type = "account_credentials"

    def parameters(self, context):
        return [("account_id", "an-account")]


class Slack(ProviderPlugin[ProviderSettings]):
    token_uri = "https://slack.com/api/oauth.v2.access"
    client_authentication_method = "client_secret_basic"
    scope_separator = ","

    def parse_response(self, context, response):
        fields = json_object(response)
        if fields and fields.get("token_type") == "bot":
            return granted_from({**fields, "token_type": "Bearer"}, scope_separator=",")
        return super().parse_response(context, response)


class Vault(ProviderPlugin[ProviderSettings]):
    token_uri = "https://vault.example.com/v1/auth/jwt/login"
    client_authentication_method = "private_key_jwt"

    def flow(self, context):
        token = context.assertion.get_secret_value()
        response = yield TokenRequest(
            url=context.endpoints["token-uri"],
            content=json.dumps({"role": context.registration.client_id, "jwt": token}).encode(),
            headers=(("Content-Type", "application/json"),),
            sensitive=(token,),
        )
        if response.status != 200:
            raise refusal(response, now=context.now)
        auth = (json_object(response) or {}).get("auth") or {}
        return granted_from(
            {"access_token": auth.get("client_token"), "expires_in": auth.get("lease_duration")}
        )


KEY = {"private-key-file": key_file}
CREATED = TokenResponse(
    status=201, body=b'{"token": "ghs_16C7e42F292c6912E7", "expires_at": "2016-07-11T22:14:10Z"}'
)
RIGHT = {
    "Entra": (
        Entra,
        {
            "settings": {"tenant": "contoso.example", "cloud": "china"},
            "registration": {"scope": "https://graph.microsoft.com/.default"},
            "cases": {
                "secret": {},
                "certificate": {**KEY, "signing-algorithm": "PS256"},
                "workload": {"assertion-file": assertion_file},
            },
        },
    ),
    "Google service account": (Google, {"registration": {"client-id": "sa@x.example", **KEY}}),
    "Google id_token": (
        Google,
        {
            "registration": {**KEY, "audience": "https://run.example"},
            "samples": [Sample(answer(id_token="eyJ.eyJ.sig"), token="eyJ.eyJ.sig", lifetime=3600)],
        },
    ),
    "Google external account": (
        GoogleExternal,
        {
            "registration": {
                "audience": "//iam.googleapis.com/pool",
                "authorization-grant-type": "token-exchange",
            },
            "answers": [
                answer(access_token="a-federated-token", expires_in=3600),
                answer(accessToken="ya29.x", expireTime="2027-01-15T09:00:00Z"),
            ],
        },
    ),
    "Salesforce jwt": (
        Salesforce,
        {
            "registration": {
                **KEY,
                "authorization-grant-type": "jwt-bearer",
                "username": "me@acme.example",
            },
            "samples": [
                Sample(answer(access_token="00D!x", instance_url="https://x"), lifetime=900)
            ],
        },
    ),
    "XSUAA": (
        Xsuaa,
        {
            "cases": {
                "certificate": {
                    "certificate-file": certificate_file,
                    "certificate-key-file": key_file,
                    "client-authentication-method": "tls_client_auth",
                },
                "secret in a file": {"client-secret-file": lambda: text_file("a secret+/=")},
                "exchange": {"authorization-grant-type": "token-exchange"},
                "user": {
                    "authorization-grant-type": "password",
                    "allow-insecure-grants": True,
                },
                "login": {"authorization-grant-type": "authorization_code"},
                "refresh": {"authorization-grant-type": "refresh_token"},
            },
        },
    ),
    "GitHub App": (
        GitHubApp,
        {
            "settings": {"installation": "4711"},
            "registration": KEY,
            "samples": [
                Sample(
                    CREATED,
                    token="ghs_16C7e42F292c6912E7",
                    lifetime=3600,
                    now="2016-07-11T21:14:10Z",
                )
            ],
        },
    ),
    "Zoom": (Zoom, {}),
    "Slack": (
        Slack,
        {
            "registration": {"authorization-grant-type": "refresh_token"},
            "samples": [
                Sample(
                    answer(
                        ok=True, access_token="xoxb-1", token_type="bot", scope="chat:write,im:read"
                    ),
                    token="xoxb-1",
                    scopes=["chat:write", "im:read"],
                ),
                Sample(answer(ok=False, error="invalid_client_id"), error="invalid_client_id"),
            ],
        },
    ),
    "Vault": (
        Vault,
        {
            "registration": {"assertion-file": assertion_file},
            "samples": [
                Sample(
                    answer(auth={"client_token": "hvs.x", "lease_duration": 600}),
                    token="hvs.x",
                    lifetime=600,
                )
            ],
        },
    ),
}


@pytest.mark.parametrize("vendor", RIGHT)
def test_a_right_plugin_passes(plug, vendor):
    plugin_class, attributes = RIGHT[vendor]
    plug(plugin_class)
    suite = type(
        "Kit", (ProviderPluginTests,), {"plugin": plugin_class, "name": "acme", **attributes}
    )
    for check in CHECKS:
        getattr(suite(), check)()


def test_a_certificate_with_its_key_is_a_credential_of_its_own(plug):
    plug(Xsuaa)
    kit = {"plugin": Xsuaa, "name": "acme", **RIGHT["XSUAA"][1]}
    sent = type("Kit", (ProviderPluginTests,), kit)().sent
    assert "client_secret" not in sent("certificate")[0]
    assert "client_secret" in sent("exchange")[0] or "Basic" in sent("exchange")[0]


def test_what_the_garbage_collector_calls_is_not_the_plugins():
    guard, calls = Guard(), []

    def reads_a_clock(*_):
        calls.append(time.time())

    gc.callbacks.append(reads_a_clock)
    try:
        with guard.watching():
            for _ in range(5000):
                cycle = []
                cycle.append(cycle)
    finally:
        gc.callbacks.remove(reads_a_clock)
    assert guard.found == []
    assert gc.isenabled()
