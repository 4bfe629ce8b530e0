"""Twenty planted mistakes, and more of their kinds: the kit catches every one."""

import json
import logging
import re
from base64 import b64encode
from dataclasses import replace
from itertools import count
from typing import ClassVar
from urllib.parse import quote

import pytest

from oauthreg import PluginFailedError
from oauthreg.plugin import (
    BaseUrl,
    NeedToken,
    ProviderPlugin,
    ProviderSettings,
    TokenRequest,
    granted_from,
    json_object,
    refusal,
)
from oauthreg.testing import ProviderPluginTests, Sample, answer, key_file

CHECKS = sorted(name for name in dir(ProviderPluginTests) if name.startswith("test_"))
URL = "https://id.acme.example/token"
TICKET = "a-ticket-of-the-first-step"


class Acme(ProviderPlugin[ProviderSettings]):
    token_uri = URL
    client_authentication_method = "client_secret_basic"


class Tenant(ProviderSettings):
    tenant: str = "blue"


class TwoSteps(Acme):
    """A right flow of two requests; mistakes override `_second`."""

    def flow(self, context):
        first = yield self.authenticate(context, TokenRequest(url=URL))
        if first.status != 200:
            raise refusal(first, now=context.now)
        ticket = (json_object(first) or {}).get("ticket")
        request = self._second(context, ticket) if ticket else TokenRequest(url=URL)
        response = yield request
        return self.parse_response(context, response)

    def _second(self, context, ticket):
        header = ("Authorization", f"Bearer {ticket}")
        return TokenRequest(url=f"{URL}/2", headers=(header,), sensitive=(ticket,))


class HttpAddress(Acme):
    def endpoints(self):
        return {"token-uri": "http://id.acme.example/token"}


class HttpInTheSecondRequest(TwoSteps):
    def _second(self, context, ticket):
        return replace(super()._second(context, ticket), url="http://id.acme.example/2")


class SecretInTheQuery(Acme):
    def authenticate(self, context, request):
        secret = quote(context.secret.get_secret_value(), safe="")
        return replace(request, url=f"{request.url}?client_secret={secret}")


class SecretInThePath(Acme):
    def authenticate(self, context, request):
        return replace(request, url=f"{URL}/{quote(context.secret.get_secret_value(), safe='')}")


class JwtInTheAddress(Acme):
    def flow(self, context):
        token = context.signing_key.sign({"iss": "x", "jti": context.new_id()})
        response = yield TokenRequest(url=f"{URL}?assertion={token}", sensitive=(token,))
        return self.parse_response(context, response)


class ForgetsThatAJwtIsSensitive(Acme):
    def flow(self, context):
        token = context.signing_key.sign({"iss": "x", "jti": context.new_id()})
        header = ("Authorization", f"Bearer {token}")
        response = yield TokenRequest(url=URL, headers=(header,))
        return self.parse_response(context, response)


class TicketInTheAddress(TwoSteps):
    def _second(self, context, ticket):
        return TokenRequest(url=f"{URL}?session={ticket}", sensitive=(ticket,))


class TicketInThePath(TwoSteps):
    def _second(self, context, ticket):
        return TokenRequest(url=f"{URL}/{ticket}", sensitive=(ticket,))


class BasicInTheAddress(Acme):
    def authenticate(self, context, request):
        pair = f"{context.registration.client_id}:{context.secret.get_secret_value()}"
        return replace(request, url=f"{URL}?auth={b64encode(pair.encode()).decode()}")


class OtherTokenInTheAddress(Acme):
    def flow(self, context):
        token = yield NeedToken("other")
        response = yield TokenRequest(url=f"{URL}?token={token}", sensitive=(token,))
        return self.parse_response(context, response)


class LogsTheToken(Acme):
    def parse_response(self, context, response):
        granted = super().parse_response(context, response)
        logging.getLogger("acme").info("got %s", granted.access_token)
        return granted


class ReadsAWrongField(Acme):
    def parse_response(self, context, response):
        if response.status != 200:
            raise refusal(response, now=context.now)
        return granted_from({"access_token": (json_object(response) or {}).get("acces_token")})


class GrantTypeWithADash(Acme):
    def flow(self, context):
        form = (("grant-type", "client_credentials"),)
        response = yield self.authenticate(context, TokenRequest(url=URL, form=form))
        return self.parse_response(context, response)


class GrantTypeWithoutALine(Acme):
    def flow(self, context):
        form = (("granttype", "client_credentials"),)
        response = yield self.authenticate(context, TokenRequest(url=URL, form=form))
        return self.parse_response(context, response)


class MisspeltDefault(Acme):
    defaults: ClassVar = {"default-lifetimes": 60}


class MisspeltHint(Acme):
    error_hints: ClassVar = {"invalid_scop": "Ask for another scope."}


class MisspeltWordsOfAHint(Acme):
    error_hints: ClassVar = {"invalid_scope: not alowed": "Ask for another scope."}


class DoubleScheme(Acme):
    def endpoints(self):
        return {"token-uri": "https://https://id.acme.example/token"}


class HostOfAText(ProviderPlugin[Tenant]):
    def endpoints(self):
        return {"token-uri": f"https://{self.settings.tenant}.acme.example/token"}


class SecretInASecondHeader(Acme):
    def authenticate(self, context, request):
        header = ("X-Api-Key", context.secret.get_secret_value())
        request = super().authenticate(context, request)
        return replace(request, headers=(*request.headers, header))


class SecretAlsoInTheBody(Acme):
    def authenticate(self, context, request):
        field = ("api_key", context.secret.get_secret_value())
        request = super().authenticate(context, request)
        return replace(request, form=(*request.form, field))


class Counts(Acme):
    _numbers = count()

    def parameters(self, context):
        return [("n", str(next(self._numbers)))]


class KeepsItsToken(TwoSteps):
    _kept: ClassVar = {}

    def flow(self, context):
        if "token" not in self._kept:
            self._kept["token"] = yield from super().flow(context)
        return self._kept["token"]


class NeedsItself(Acme):
    def flow(self, context):
        yield NeedToken(context.registration.registration_id)
        return (yield from super().flow(context))


class SecretAgainInBase64(Acme):
    def authenticate(self, context, request):
        header = ("X-Key", b64encode(context.secret.get_secret_value().encode()).decode())
        request = super().authenticate(context, request)
        return replace(request, headers=(*request.headers, header))


class GrantTypeWithADashInJson(Acme):
    def flow(self, context):
        body = json.dumps({"grant-type": "client_credentials"}).encode()
        response = yield self.authenticate(context, TokenRequest(url=URL, content=body))
        return self.parse_response(context, response)


KEY = {"registration": {"private-key-file": key_file}}
STEPS = {"answers": [answer(ticket=TICKET), answer(access_token="a-token", expires_in=300)]}
NO_SCOPE = answer(400, error="invalid_scope", error_description="not allowed")
HIDDEN = "the_secret_stays_hidden"

PLANTED = [
    (HttpAddress, {}, "every_address_is_https", "token-uri"),
    (HttpInTheSecondRequest, STEPS, "every_address_is_https", "http://id.acme.example/2"),
    (SecretInTheQuery, {}, HIDDEN, "secret is in an address"),
    (SecretInThePath, {}, HIDDEN, "secret is in an address"),
    (JwtInTheAddress, KEY, HIDDEN, "is in an address"),
    (ForgetsThatAJwtIsSensitive, KEY, HIDDEN, "JWT"),
    (TicketInTheAddress, STEPS, HIDDEN, "ticket of an earlier answer is in an address"),
    (TicketInThePath, STEPS, HIDDEN, "ticket of an earlier answer is in an address"),
    (BasicInTheAddress, {}, HIDDEN, "secret is in an address"),
    (OtherTokenInTheAddress, {}, HIDDEN, "token of another registration is in an address"),
    (LogsTheToken, {}, HIDDEN, "access token is in the log"),
    (ReadsAWrongField, {}, "a_manager_authorizes", "access_token"),
    (GrantTypeWithADash, {}, "form_fields_have_their_names", "grant_type"),
    (GrantTypeWithoutALine, {}, "form_fields_have_their_names", "grant_type"),
    (MisspeltDefault, {}, "it_is_chosen_by_type", "default-lifetimes"),
    (MisspeltHint, {}, "every_hint_has_a_sample", "invalid_scop"),
    (MisspeltHint, {"samples": [Sample(NO_SCOPE, status=400)]}, "every_hint_has_a_sample", "scop"),
    (
        MisspeltWordsOfAHint,
        {"samples": [Sample(NO_SCOPE, hint="another scope")]},
        "documented_answers_are_understood",
        "the hint is",
    ),
    (DoubleScheme, {}, "every_address_is_https", "https"),
    (HostOfAText, {"settings": {"tenant": "blue"}}, "no_setting_leads_to_another_host", "tenant"),
    (SecretInASecondHeader, {}, "it_authenticates_in_one_way", "Authorization and X-Api-Key"),
    (SecretAlsoInTheBody, {}, "it_authenticates_in_one_way", "Authorization and api_key"),
    (Counts, {}, "sync_and_async_send_the_same", "differ"),
    (KeepsItsToken, STEPS, "it_keeps_no_state", "_kept"),
    (NeedsItself, {}, "it_authenticates_in_one_way", "the token that it has to get"),
    (SecretAgainInBase64, {}, "it_authenticates_in_one_way", "X-Key"),
    (GrantTypeWithADashInJson, {}, "form_fields_have_their_names", "grant_type"),
]


def suite(plugin_class, **attributes):
    attributes = {"registration": {"scope": "read"}, **attributes}
    kit = {"plugin": plugin_class, "name": "acme", **attributes}
    return type("Kit", (ProviderPluginTests,), kit)()


@pytest.mark.parametrize(
    ("plugin_class", "attributes", "check", "words"),
    [pytest.param(*each, id=f"{each[0].__name__}-{number}") for number, each in enumerate(PLANTED)],
)
def test_a_planted_mistake_is_caught(plug, plugin_class, attributes, check, words):
    plug(plugin_class)
    with pytest.raises(Exception, match=re.escape(words)):
        getattr(suite(plugin_class, **attributes), f"test_{check}")()


def passes(plug, plugin_class, **attributes):
    plug(plugin_class)
    kit = suite(plugin_class, **attributes)
    for check in CHECKS:
        getattr(kit, check)()


def test_two_right_requests_pass(plug):
    passes(plug, TwoSteps, **STEPS)


def test_a_failure_names_its_case(plug):
    plug(SecretInTheQuery)
    cases = {"key": {"client-authentication-method": "none"}, "secret": {}}
    with pytest.raises(PluginFailedError) as caught:
        suite(SecretInTheQuery, cases=cases).test_the_secret_stays_hidden()
    assert caught.value.__notes__ == ["in the case 'key'"]


class Dialect(Acme):
    grant_type = "account_credentials"
    scope_separator = ","


def test_a_grant_word_and_a_separator_of_the_vendors_own_pass(plug):
    passes(plug, Dialect, registration={"scope": ["read", "write"]})


class BaseUrlSettings(ProviderSettings):
    base_url: BaseUrl


class AtABaseUrl(ProviderPlugin[BaseUrlSettings]):
    token_uri = "{base_url}/token"


def test_a_one_character_secret_is_no_false_alarm(plug):
    settings = {"base-url": "id.acme.example"}
    passes(plug, AtABaseUrl, settings=settings, registration={"client-secret": "e"})
