"""Flows and those who drive them."""

from __future__ import annotations

import asyncio

import pytest

from oauthreg._errors import ConnectionFailedError
from oauthreg._flow import Granted, Pause, TokenRequest, TokenResponse, arun, run


def driven(kind, flow, perform):
    if kind == "run":
        return run(flow, perform)

    async def performed(step):
        return perform(step)

    return asyncio.run(arun(flow, performed))


@pytest.fixture(params=["run", "arun"])
def kind(request):
    return request.param


def test_a_flow_is_sent_each_answer_and_gives_its_result(kind):
    def flow():
        first = yield Pause(1)
        second = yield Pause(2)
        return first, second

    assert driven(kind, flow(), lambda step: step.seconds * 10) == (10, 20)


def test_a_flow_that_asks_nothing_gives_its_result(kind):
    def flow():
        return "done"
        yield

    assert driven(kind, flow(), None) == "done"


def test_an_error_of_a_step_is_thrown_into_the_flow(kind):
    def flow():
        try:
            yield Pause(1)
        except ConnectionFailedError as error:
            return str(error)

    def fail(_):
        raise ConnectionFailedError("gone")

    assert driven(kind, flow(), fail) == "gone"


def test_any_other_error_ends_the_flow(kind):
    ended = []

    def flow():
        try:
            yield Pause(1)
        finally:
            ended.append(True)

    def fail(_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        driven(kind, flow(), fail)
    assert ended == [True]


def test_requests_and_answers_show_no_values():
    request = TokenRequest(url="https://as.example/token", form=(("client_secret", "planted"),))
    assert repr(request) == "TokenRequest(POST https://as.example/token, form: client_secret)"
    assert repr(TokenResponse(status=200, body=b"planted")) == "TokenResponse(200, 7 bytes)"
    assert "planted" not in repr(Granted(access_token="planted", refresh_token="planted"))


def test_a_body_is_the_form_or_the_content_or_nothing():
    url = "https://as.example/token"
    assert TokenRequest(url=url).body is None
    assert TokenRequest(url=url, form=(("a", "1 ü"), ("a", "2"))).body == b"a=1+%C3%BC&a=2"
    assert TokenRequest(url=url, content=b"{}").body == b"{}"
