"""A flow that does not end is caught by the kit, whatever keeps it going."""

import pytest

from oauthreg.plugin import Pause, ProviderPlugin, ProviderSettings, TokenRequest, json_object
from oauthreg.testing import ProviderPluginTests

URL = "https://id.acme.example/token"


class Acme(ProviderPlugin[ProviderSettings]):
    token_uri = URL
    client_authentication_method = "client_secret_basic"


class AsksForEver(Acme):
    def flow(self, context):
        response = yield TokenRequest(url=URL)
        while response.status != 200:
            response = yield TokenRequest(url=URL)
        return self.parse_response(context, response)


class PausesForEver(Acme):
    def flow(self, context):
        response = yield TokenRequest(url=URL)
        while response.status == 503:
            yield Pause(0)
        return self.parse_response(context, response)


class LoopsByAHeader(Acme):
    def flow(self, context):
        response = yield self.authenticate(context, TokenRequest(url=URL))
        while response.headers.get("x-acme-continue") == "yes":
            response = yield TokenRequest(url=URL)
        return self.parse_response(context, response)


class LoopsByAHeaderThatIsThere(Acme):
    def flow(self, context):
        response = yield self.authenticate(context, TokenRequest(url=URL))
        while "x-poll" in response.headers:
            response = yield TokenRequest(url=URL)
        return self.parse_response(context, response)


class LoopsByAField(Acme):
    def flow(self, context):
        response = yield self.authenticate(context, TokenRequest(url=URL))
        while (json_object(response) or {}).get("state") == "PENDING":
            yield Pause(1)
            response = yield TokenRequest(url=URL)
        return self.parse_response(context, response)


class LoopsByAFieldInside(Acme):
    def flow(self, context):
        response = yield self.authenticate(context, TokenRequest(url=URL))
        while (json_object(response) or {}).get("job", {}).get("state") == "PENDING":
            response = yield TokenRequest(url=URL)
        return self.parse_response(context, response)


def waits(response):
    return (json_object(response) or {}).get("phase") in WAITING


WAITING = {"QUEUED", "RUNNING"}


class LoopsByAHelper(Acme):
    def flow(self, context):
        response = yield self.authenticate(context, TokenRequest(url=URL))
        while waits(response):
            response = yield TokenRequest(url=URL)
        return self.parse_response(context, response)


class LoopsByBytes(Acme):
    def flow(self, context):
        response = yield self.authenticate(context, TokenRequest(url=URL))
        while b"please wait" in response.body:
            response = yield TokenRequest(url=URL)
        return self.parse_response(context, response)


class LoopsByAStatus(Acme):
    def flow(self, context):
        response = yield self.authenticate(context, TokenRequest(url=URL))
        while response.status == 423:
            response = yield TokenRequest(url=URL)
        return self.parse_response(context, response)


ENDLESS = [
    (AsksForEver, "more than 10 requests"),
    (PausesForEver, "more than 20 steps"),
    (LoopsByAHeader, "more than 10 requests"),
    (LoopsByAHeaderThatIsThere, "more than 10 requests"),
    (LoopsByAField, "more than 20 steps"),
    (LoopsByAFieldInside, "more than 10 requests"),
    (LoopsByAHelper, "more than 10 requests"),
    (LoopsByBytes, "more than 10 requests"),
    (LoopsByAStatus, "more than 10 requests"),
]


def suite(plugin_class):
    return type("Kit", (ProviderPluginTests,), {"plugin": plugin_class, "name": "acme"})()


@pytest.mark.parametrize(("plugin_class", "words"), ENDLESS)
def test_it_is_caught(plug, plugin_class, words):
    plug(plugin_class)
    with pytest.raises(AssertionError, match=words):
        suite(plugin_class).test_it_stops()


def test_a_bounded_wait_passes(plug):
    class Polls(Acme):
        def flow(self, context):
            form = (("grant_type", "client_credentials"),)
            request = self.authenticate(context, TokenRequest(url=URL, form=form))
            response = yield request
            for _ in range(5):
                if response.status != 202:
                    break
                yield Pause(1)
                response = yield request
            return self.parse_response(context, response)

    plug(Polls)
    suite(Polls).test_it_stops()
    suite(Polls).test_a_manager_authorizes()
