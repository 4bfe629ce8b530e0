"""Plugins that do unusual things rightly pass the kit."""

import datetime as dt
import logging
import time
from dataclasses import replace
from functools import cached_property
from typing import ClassVar
from urllib.parse import quote

import pytest
from joserfc.jwk import RSAKey

from oauthreg._flow import NeedMetadata, ReadSecret
from oauthreg.plugin import (
    Explanation,
    NeedToken,
    Pause,
    ProviderPlugin,
    ProviderSettings,
    TokenRequest,
)
from oauthreg.testing import ProviderPluginTests, Sample, answer, private_key

CHECKS = sorted(name for name in dir(ProviderPluginTests) if name.startswith("test_"))


class Plain(ProviderPlugin[ProviderSettings]):
    token_uri = "https://id.acme.example/token"
    client_authentication_method = "client_secret_basic"


RSA = RSAKey.import_key(private_key())


class Talkative(ProviderPlugin[ProviderSettings]):
    """It logs, imports late, keeps what it computed, and signs with joserfc itself."""

    token_uri = "https://id.acme.example/token"
    client_authentication_method = "client_secret_basic"

    @cached_property
    def _header(self):
        return {"alg": "RS256"}

    def authenticate(self, context, request):
        from joserfc import jwt

        logging.getLogger("acme").warning("asking at %s", time.gmtime(context.now).tm_year)
        claims = {"iat": int(context.now), "at": dt.datetime.fromtimestamp(context.now, dt.UTC).day}
        token = jwt.encode(self._header, claims, RSA)
        request = super().authenticate(context, request)
        form = (*request.form, ("software_statement", token))
        return replace(request, form=form, sensitive=(*request.sensitive, token))


class AsksForMore(ProviderPlugin[ProviderSettings]):
    """It takes the address from the metadata, reads a secret again, and needs another token."""

    issuer_uri = "https://id.acme.example"
    client_authentication_method = "client_secret_post"

    def flow(self, context):
        metadata = yield NeedMetadata()
        secret = yield ReadSecret(context.registration.client_secrets[0], "client-secret")
        other = yield NeedToken("another")
        yield Pause(1)
        response = yield TokenRequest(
            url=metadata["token_endpoint"],
            form=(("key", secret.get_secret_value()), ("token", other)),
            sensitive=(secret.get_secret_value(), other),
        )
        return self.parse_response(context, response)


class QuotedPath(ProviderPlugin[ProviderSettings]):
    """The client's id, which is no secret, stands in the address."""

    def endpoints(self):
        return {"token-uri": "https://id.acme.example/clients"}

    def flow(self, context):
        url = f"{context.endpoints['token-uri']}/{quote(context.registration.client_id)}"
        request = self.authenticate(context, TokenRequest(url=url))
        return self.parse_response(context, (yield request))


class Propagating(Plain):
    """The vendor documents that a refusal passes by itself."""

    error_hints: ClassVar = {"403": Explanation(category="propagation", hint="Wait a minute.")}


DOCUMENTED = [Sample(answer(403), hint="Wait", retryable=True)]
RIGHT = {
    "one whose 403 passes": (Propagating, {"samples": DOCUMENTED}),
    "one that does much by itself": (Talkative, {}),
    "one that asks for more": (AsksForMore, {"answers": [answer(access_token="a-token")]}),
    "an id in the address": (QuotedPath, {"answers": [answer(access_token="a-token")]}),
}


@pytest.mark.parametrize("what", RIGHT)
def test_it_passes(plug, what):
    plugin_class, attributes = RIGHT[what]
    plug(plugin_class)
    kit = {"plugin": plugin_class, "name": "acme", **attributes}
    suite = type("Kit", (ProviderPluginTests,), kit)
    for check in CHECKS:
        getattr(suite(), check)()
