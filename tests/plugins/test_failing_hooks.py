"""A plugin's own exception: a problem at load, a PluginFailedError later, and never lost."""

import pytest

from oauthreg import (
    AuthorizationError,
    Granted,
    InvalidTokenResponseError,
    Pause,
    PluginFailedError,
    ProviderPlugin,
    ProviderSettings,
    TokenEndpointError,
    TokenRequest,
)
from oauthreg.testing import Fault

MY = {"client-id": "my-client", "client-secret": "a secret"}


class Oops(Exception):  # noqa: N818 - a plugin's exception may have any name
    """What plugins of these tests raise."""


def failing(hook, exception=Oops):
    """Return a plugin class of which one hook raises."""

    def raises(self, *_):
        raise exception("the plugin's own words")

    return type("Acme", (ProviderPlugin,), {hook: raises})


# -- at load


@pytest.mark.parametrize("hook", ["__init__", "endpoints", "check"])
@pytest.mark.parametrize("exception", [Oops, KeyError, ValueError, RecursionError])
def test_a_hook_that_raises_at_load_is_a_problem(problems, plug, hook, exception):
    plug(failing(hook, exception))
    found = problems(
        provider={"sso": {"type": "acme", "token-uri": "https://sso.example.com/token"}},
        registration={"my-client": MY},
    )
    (text,) = found.values()
    assert exception.__name__ in text
    assert "'acme'" in text


def test_the_place_in_the_plugin_is_told(problems, plug):
    plug(failing("endpoints"))
    found = problems(provider={"sso": {"type": "acme"}}, registration={"my-client": MY})
    assert "raised Oops in raises, line " in found["provider.sso"]


@pytest.mark.parametrize("answer", [None, 7, "https://sso.example.com"])
def test_endpoints_of_a_wrong_type_are_a_problem(problems, plug, answer):
    class Acme(ProviderPlugin[ProviderSettings]):
        def endpoints(self):
            return answer

    plug(Acme)
    found = problems(provider={"sso": {"type": "acme"}}, registration={"my-client": MY})
    assert "AttributeError" in found["provider.sso"]


def test_one_failing_plugin_hides_no_other_problem(problems, plug):
    plug(failing("endpoints"))
    found = problems(
        provider={"sso": {"type": "acme"}},
        registration={"my-client": MY, "other": {"client-id": "x", "provider": "nope"}},
    )
    assert {"provider.sso", "registration.other.provider"} <= set(found)


# -- at authorize


@pytest.mark.parametrize(
    "hook", ["parameters", "authenticate", "parse_response", "explain_error", "flow"]
)
@pytest.mark.parametrize("exception", [Oops, KeyError, StopIteration])
def test_a_hook_that_raises_is_a_plugin_failed_error(acme, plug, server, hook, exception):
    plug(failing(hook, exception))
    if hook == "explain_error":
        server.inject(Fault(status=400, body={"error": "invalid_scope"}))
    with pytest.raises(PluginFailedError) as caught:
        acme().authorize("my-client")
    error = caught.value
    if exception is not StopIteration:  # which a generator turns into a RuntimeError
        assert type(error.exception) is exception
        assert str(exception("the plugin's own words")) == str(error.exception)
    assert (error.registration_id, error.provider) == ("my-client", "acme")
    assert "'acme'" in str(error)
    assert "own words" not in str(error)
    assert not error.retryable


def test_a_plugins_authorization_error_is_passed_on_as_it_is(acme, plug):
    class Acme(ProviderPlugin[ProviderSettings]):
        def parameters(self, context):
            raise AuthorizationError("no tokens on Sundays", hint="Wait.")

    plug(Acme)
    with pytest.raises(AuthorizationError, match="no tokens on Sundays") as caught:
        acme().authorize("my-client")
    assert type(caught.value) is AuthorizationError
    assert (caught.value.hint, caught.value.registration_id) == ("Wait.", "my-client")


@pytest.mark.parametrize("granted", [None, "a token", {"access_token": "a token"}])
def test_a_flow_has_to_return_a_grant(acme, plug, granted):
    class Acme(ProviderPlugin[ProviderSettings]):
        def flow(self, context):
            yield Pause(0)
            return granted

    plug(Acme)
    with pytest.raises(PluginFailedError, match="TypeError"):
        acme().authorize("my-client")


def test_a_grant_has_to_fit_a_header(acme, plug):
    class Acme(ProviderPlugin[ProviderSettings]):
        def flow(self, context):
            yield Pause(0)
            return Granted(access_token="two\r\nlines")

    plug(Acme)
    with pytest.raises(InvalidTokenResponseError):
        acme().authorize("my-client")


def test_a_failed_flow_is_closed(acme, plug, server):
    closed = []

    class Acme(ProviderPlugin[ProviderSettings]):
        def flow(self, context):
            try:
                response = yield TokenRequest(url=context.endpoints["token-uri"])
                return self.parse_response(context, response)
            finally:
                closed.append(True)

    plug(Acme)
    with pytest.raises(TokenEndpointError):
        acme().authorize("my-client")
    assert closed == [True]


def test_a_plugin_that_recovers_is_served(acme, plug, server):
    """A flow may catch what happened to its request, and go on."""

    class Acme(ProviderPlugin[ProviderSettings]):
        def flow(self, context):
            try:
                yield TokenRequest(url="http://127.0.0.1:1/token")
            except AuthorizationError:
                return (yield from super().flow(context))

    plug(Acme)
    acme().authorize("my-client")
    assert server.token_requests == 1
