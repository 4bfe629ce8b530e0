"""Documented answers and requests, as fixtures of the kit."""

import datetime as dt
import re
from typing import ClassVar

import pytest

from oauthreg.plugin import Explanation, Granted, ProviderPlugin, ProviderSettings, json_object
from oauthreg.testing import ProviderPluginTests, Sample, answer, key_file

KEY = {"registration": {"private-key-file": key_file}}


class Acme(ProviderPlugin[ProviderSettings]):
    token_uri = "https://id.acme.example/token"
    client_authentication_method = "client_secret_basic"


def suite(plugin_class, **attributes):
    attributes = {"registration": {"scope": "read"}, **attributes}
    kit = {"plugin": plugin_class, "name": "acme", **attributes}
    return type("Kit", (ProviderPluginTests,), kit)()


def test_an_explanation_counts_as_a_hint(plug):
    class Explains(Acme):
        error_hints: ClassVar = {"slow": Explanation(hint="Wait.", retryable=True)}

    plug(Explains)
    sample = Sample(answer(400, error="slow"), hint="Wait.", error="slow", retryable=True)
    suite(Explains, samples=[sample]).test_every_hint_has_a_sample()


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"token": "another"}, "token is 'a-token'"),
        ({"lifetime": 400}, "lifetime is 300"),
        ({"scopes": ["write"]}, "scopes is ('read',)"),
        ({"token_type": "Bot"}, "token_type is 'Bearer'"),
        ({"api_uri": "https://api"}, "api_uri is None"),
        ({"hint": "Buy"}, "was taken for a token"),
    ],
)
def test_a_sample_that_means_something_else_fails(plug, wanted, words):
    plug(Acme)
    given = answer(access_token="a-token", expires_in=300, scope="read")
    with pytest.raises(AssertionError, match=re.escape(words)):
        suite(Acme, samples=[Sample(given, **wanted)]).test_documented_answers_are_understood()


def test_a_sample_says_what_comes_of_it():
    with pytest.raises(TypeError, match="what comes of its answer"):
        Sample(answer())
    with pytest.raises(TypeError, match="what comes of its answer"):
        Sample(answer(), token="x", hint="y")


def test_a_sample_is_read_at_its_time(plug):
    class Absolute(Acme):
        def parse_response(self, context, response):
            super().parse_response(context, response)
            ends = dt.datetime.fromisoformat((json_object(response) or {})["until"])
            return Granted(access_token="t", expires_in=ends.timestamp() - context.now)

    plug(Absolute)
    given = answer(access_token="a-token", until="2016-07-11T22:14:10Z")
    sample = Sample(given, lifetime=3600, now="2016-07-11T21:14:10Z")
    kit = suite(Absolute, samples=[sample])
    kit.test_documented_answers_are_understood()
    kit.test_a_manager_authorizes()


def test_the_documented_request_is_compared_as_text(plug):
    plug(Acme)
    right = """
POST https://id.acme.example/token
Authorization: Basic kit:<secret>
grant_type=client_credentials
scope=read
"""
    suite(Acme, requests=[right]).test_it_sends_what_is_documented()
    with pytest.raises(AssertionError, match="instead of"):
        suite(Acme, requests=[f"{right}audience=x"]).test_it_sends_what_is_documented()


def test_a_signed_request_as_text_shows_header_and_claims(plug):
    plug(Acme)
    (sent,) = suite(Acme, **KEY).sent()
    assert 'client_assertion=<jwt {"' in sent
    assert '} {"iss": "kit", "sub": "kit", "aud": "https://id.acme.example/token"' in sent
    assert '"jti": "id-1", "iat": 1800000000, "exp": 1800000060}>' in sent
