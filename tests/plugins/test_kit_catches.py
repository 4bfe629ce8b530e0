"""The conformance kit has teeth: each check fails for a plugin that is wrong in its way."""

import logging
import re
import subprocess
import sys
from dataclasses import replace
from itertools import count
from urllib.parse import quote

import pytest

from oauthreg import BaseUrl, Granted, ProviderPlugin, ProviderSettings, TokenRequest
from oauthreg.testing import ProviderPluginTests, answer
from oauthreg.testing._kit.answers import ID


class Settings(ProviderSettings):
    base_url: BaseUrl = "https://id.acme.example"


class Acme(ProviderPlugin[Settings]):
    token_uri = "{base_url}/token"
    client_authentication_method = "client_secret_basic"


class ClearText(Acme):
    def endpoints(self):
        return {"token-uri": "https://id.acme.example", "issuer": "http://id.acme.example"}


class SecretInTheAddress(Acme):
    def authenticate(self, context, request):
        secret = quote(context.secret.get_secret_value(), safe="")
        return replace(request, url=f"{request.url}?secret={secret}")


class SecretInTheLog(Acme):
    def authenticate(self, context, request):
        logging.getLogger("acme").debug("using %s", context.secret.get_secret_value())
        return super().authenticate(context, request)


class TwoCredentials(Acme):
    def authenticate(self, context, request):
        secret = ("client_secret", context.secret.get_secret_value())
        request = super().authenticate(context, request)
        return replace(request, form=(*request.form, secret))


class Endless(Acme):
    def flow(self, context):
        response = yield TokenRequest(url=context.endpoints["token-uri"])
        while response.status != 200:
            response = yield TokenRequest(url=context.endpoints["token-uri"])
        return self.parse_response(context, response)


class Unstoppable(Acme):
    def flow(self, context):
        try:
            return (yield from super().flow(context))
        except GeneratorExit:
            yield TokenRequest(url=context.endpoints["token-uri"])


class Credulous(Acme):
    def parse_response(self, context, response):
        return Granted(access_token="t")


class Crashing(Acme):
    def parse_response(self, context, response):
        return Granted(access_token=str(response.body).split('"')[3])


class Optimistic(Acme):
    def parse_response(self, context, response):
        try:
            return super().parse_response(context, response)
        except Exception as error:
            error.retryable = True
            raise


class Chatty(Acme):
    def explain_error(self, error):
        return "try again"


class Complaining(Acme):
    def check(self, registration):
        return ["it looks odd"] if not registration.scopes else []


class Fragile(Acme):
    def check(self, registration):
        return [registration.scopes[0]][1:]


class OneId(Acme):
    def parameters(self, context):
        context.new_id()
        return [("jti", "always the same")]


class Named(Acme):
    def parameters(self, context):
        return [("app", context.registration.registration_id)]


class Impersonating(Acme):
    def parameters(self, context):
        return [("subject", str(context.principal))]


class Counting(Acme):
    _numbers = count()

    def parameters(self, context):
        return [("n", str(next(self._numbers)))]


class Strange(Acme):
    def flow(self, context):
        yield "https://id.acme.example"
        return Granted(access_token="t")


class Sloppy(Acme):
    """Of its two requests it looks at the second answer only."""

    def flow(self, context):
        nonce = yield TokenRequest(url=context.endpoints["token-uri"])
        response = yield TokenRequest(url=context.endpoints["token-uri"], form=(("n", "1"),))
        nonce.body.index(b"nonce")
        return self.parse_response(context, response)


def suite(plugin_class, **attributes):
    attributes = {"registration": {"scope": "read"}, **attributes}
    return type(
        "Kit", (ProviderPluginTests,), {"plugin": plugin_class, "name": "acme", **attributes}
    )()


CHECKS = sorted(name for name in dir(ProviderPluginTests) if name.startswith("test_"))


@pytest.mark.parametrize(
    ("plugin_class", "check", "words"),
    [
        (Named, "no_request_depends_on_what_is_not_in_the_token_key", "depends on a name of ours"),
        (Impersonating, "no_request_depends_on_what_is_not_in_the_token_key", "uses_principal"),
        (ClearText, "every_address_is_https", "provider.kit.issuer"),
        (SecretInTheAddress, "the_secret_stays_hidden", "in an address"),
        (SecretInTheLog, "the_secret_stays_hidden", "in the log"),
        (TwoCredentials, "it_authenticates_in_one_way", "authorization and client_secret"),
        (TwoCredentials, "a_manager_authorizes", "answered 40"),
        (Endless, "it_stops", "more than 10 requests"),
        (Unstoppable, "it_stops", "ignored GeneratorExit"),
        (Credulous, "it_stops", "out of nothing"),
        (Credulous, "a_page_or_nothing_is_no_token", "was taken for a token"),
        (Credulous, "a_refusal_is_a_token_endpoint_error", "was taken for a token"),
        (Credulous, "a_redirect_is_an_error", "was taken for a token"),
        (Crashing, "a_page_or_nothing_is_no_token", "raised IndexError in parse_response"),
        (Crashing, "a_fault_of_the_server_is_retryable", "raised IndexError in parse_response"),
        (Optimistic, "a_refusal_is_a_token_endpoint_error", "would be asked again"),
        (Chatty, "it_explains_any_error", "gave str"),
        (Complaining, "its_check_returns_problems", "gave str"),
        (Fragile, "its_check_returns_problems", "index out of range"),
        (OneId, "every_attempt_uses_ids_of_its_own", "one id"),
        (Counting, "sync_and_async_send_the_same", "differ"),
        (Strange, "it_authenticates_in_one_way", "may not yield"),
    ],
)
def test_a_faulty_plugin_fails(plug, plugin_class, check, words):
    plug(plugin_class)
    with pytest.raises(Exception, match=re.escape(words)):
        getattr(suite(plugin_class), f"test_{check}")()


@pytest.mark.parametrize("check", CHECKS)
def test_a_faultless_plugin_passes(plug, check):
    plug(Acme)
    getattr(suite(Acme), check)()


def test_a_plugin_that_is_not_installed_fails():
    with pytest.raises(AssertionError, match="claimed by"):
        suite(Acme).test_it_is_found_by_its_entry_point()


def test_another_class_under_the_name_fails(plug):
    plug(Acme)
    with pytest.raises(AssertionError, match="another class"):
        suite(Chatty).test_it_is_found_by_its_entry_point()


def test_odd_answers_on_the_way_are_put_to_the_test(plug):
    plug(Sloppy)
    answers = [answer(nonce="n"), answer(access_token="t")]
    with pytest.raises(AssertionError):
        suite(Sloppy, answers=answers).test_odd_answers_on_the_way_are_errors()


@pytest.mark.parametrize("check", CHECKS)
def test_a_flow_of_several_requests_passes_with_its_answers(plug, check):
    class Two(Acme):
        def flow(self, context):
            first = yield TokenRequest(url="https://id.acme.example/nonce", method="GET")
            Acme.parse_response(self, context, first)
            return (yield from super().flow(context))

    plug(Two)
    answers = [answer(access_token="a-nonce"), answer(access_token="a-token")]
    getattr(suite(Two, answers=answers), check)()


@pytest.mark.parametrize("check", CHECKS)
def test_a_plugin_that_says_that_it_uses_the_principal_passes(plug, check):
    class PerUser(Impersonating):
        uses_principal = True

    plug(PerUser)
    getattr(suite(PerUser), check)()


def test_a_request_of_a_users_grant_may_depend_on_the_principal(plug):
    plug(Impersonating)
    user = {"authorization-grant-type": "password", "username": "alice", "password": "a password"}
    kit = suite(Impersonating, registration={**user, "allow-insecure-grants": True})
    kit.test_no_request_depends_on_what_is_not_in_the_token_key()


def test_a_public_client_has_no_secret_to_add():
    public = suite(Acme, registration={"client-authentication-method": "none"})
    assert public._case().registration == {
        "client-id": ID,
        "client-authentication-method": "none",
        "provider": ID,
    }


def test_the_kit_needs_no_pytest_and_the_server_no_kit():
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "import oauthreg.testing\n"
        "assert 'oauthreg._manager.base' not in sys.modules\n"
        "oauthreg.testing.ProviderPluginTests\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
