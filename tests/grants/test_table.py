"""The table of grants: one row is all that the rest of the package needs to know of a grant."""

from __future__ import annotations

import pytest

from oauthreg import AuthorizedClientManager, ConfigurationError, LoginRequiredError
from oauthreg._grants.table import GRANTS, Grant, Need
from oauthreg._protocol.requests import token_request
from oauthreg.testing import AuthorizationServer

TICKET = "urn:example:grant-type:ticket"


def ticket(context, hooks):
    """A made-up grant, which the embedded server takes for client_credentials."""
    fields = [("ticket", context.registration.username)]
    response = yield token_request(context, hooks, "client_credentials", fields)
    return hooks.parse_response(context, response)


@pytest.fixture
def row(monkeypatch):
    """Add a made-up grant to the table."""

    def add(**columns):
        monkeypatch.setitem(GRANTS, TICKET, Grant(name=TICKET, flow=ticket, **columns))

    return add


@pytest.fixture
def server():
    with AuthorizationServer() as server:
        server.add_client("app", "secret")
        yield server


@pytest.fixture
def manage(server):
    managers = []

    def make(**settings):
        table = {
            "client-id": "app",
            "client-secret": "secret",
            "authorization-grant-type": "ticket",
            **settings,
        }
        provider = {"token-uri": f"{server.issuer}/token"}
        managers.append(
            AuthorizedClientManager.from_settings(
                {"registration": {"app": table}, "provider": {"as": provider}}
            )
        )
        return managers[-1]

    yield make
    for manager in managers:
        manager.close()


def problems(manage, **settings):
    with pytest.raises(ConfigurationError) as caught:
        manage(**settings)
    return {problem.path: str(problem) for problem in caught.value.problems}


def test_one_row_makes_a_grant_that_a_manager_uses(row, manage, server):
    row(short_name="ticket")
    client = manage(username="t-1").authorize("app")
    assert ("ticket", "t-1") in server.last_token_request.form
    assert client.registration.authorization_grant_type == TICKET


def test_without_the_row_the_settings_refuse_it_and_list_what_there_is(manage):
    (problem,) = problems(manage).values()
    assert "client_credentials" in problem
    assert "token-exchange" in problem


def test_a_row_says_which_settings_the_grant_needs(row, manage):
    needs = (
        Need("username", "username", "the ticket grant sends it"),
        Need("password", "password", "it goes with the user", only_with="username"),
    )
    row(short_name="ticket", needs=needs)
    found = problems(manage)
    assert list(found) == ["registration.app.username"]
    assert "the ticket grant sends it" in found["registration.app.username"]
    assert list(problems(manage, username="x")) == ["registration.app.password"]
    manage(username="x", password="y")


def test_a_row_says_that_the_grant_is_insecure(row, manage, caplog):
    row(short_name="ticket", use_instead="client_credentials")
    (problem,) = problems(manage).values()
    assert "better use client_credentials" in problem
    manage(**{"allow-insecure-grants": True})
    assert "ticket is insecure; better use client_credentials" in caplog.text


def test_a_row_says_that_the_grant_acts_for_a_user(row, manage, server):
    row(short_name="ticket", acts_for_user=True)
    manager = manage(username="x")
    with pytest.raises(LoginRequiredError, match="grant ticket acts for a user"):
        manager.authorize("app")
    alice = manager.authorize("app", principal="alice").access_token
    assert manager.authorize("app", principal="bob").access_token is not alice
    assert server.token_requests == 2


def test_a_row_says_that_the_grant_begins_with_a_login(row, manage, server):
    row(short_name="ticket", acts_for_user=True, login="device")
    with pytest.raises(LoginRequiredError, match="nobody has logged in"):
        manage(username="x").authorize("app", principal="alice")
    assert server.token_requests == 0


@pytest.mark.parametrize("grant", GRANTS.values(), ids=lambda grant: grant.setting)
def test_a_row_agrees_with_itself(grant):
    assert grant.acts_for_user or (grant.login is None and grant.principal_unless is None)
    assert (grant.response_type is not None) == (grant.login == "browser")
    assert GRANTS[grant.name] is grant
