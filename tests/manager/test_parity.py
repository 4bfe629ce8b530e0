"""Both managers: the same names, the same parameters, and four differences."""

from __future__ import annotations

import inspect

from oauthreg._manager.async_manager import AsyncAuthorizedClientManager
from oauthreg._manager.sync_manager import AuthorizedClientManager

PLAIN = {
    "as_sync",
    "auth",
    "client",
    "from_settings",
    "health",
    "override",
    "register",
    "registrations",
    "reject",
    "remove",
    "session",
    "status",
    "subscribe",
    "token_source",
}


def surface(manager):
    return {name: getattr(manager, name) for name in dir(manager) if not name.startswith("_")}


SYNC, ASYNC = surface(AuthorizedClientManager), surface(AsyncAuthorizedClientManager)


def test_the_names_are_the_same_but_for_two_pairs():
    assert set(SYNC) - set(ASYNC) == {"session", "as_async"}
    assert set(ASYNC) - set(SYNC) == {"client", "as_sync"}


def test_the_parameters_are_the_same():
    def parameters(member):
        return [
            (p.name, p.kind, p.default, str(p.annotation))
            for p in inspect.signature(member).parameters.values()
        ]

    for name in set(SYNC) & set(ASYNC) - {"registrations"}:
        assert parameters(SYNC[name]) == parameters(ASYNC[name]), name
    assert parameters(SYNC["session"]) == parameters(ASYNC["client"])


def test_what_they_return_is_the_same_but_for_the_three_differences():
    different = {
        name
        for name in set(SYNC) & set(ASYNC) - {"registrations"}
        if inspect.signature(SYNC[name]).return_annotation
        != inspect.signature(ASYNC[name]).return_annotation
    }
    assert different == {"token_source"}
    assert inspect.signature(SYNC["session"]).return_annotation == "Session"
    assert inspect.signature(ASYNC["client"]).return_annotation == "httpx2.AsyncClient"


def test_what_may_wait_is_awaited_and_nothing_else():
    awaited = {name for name, member in ASYNC.items() if inspect.iscoroutinefunction(member)}
    assert set(ASYNC) - awaited == PLAIN - {"session"}
    assert not any(inspect.iscoroutinefunction(member) for member in SYNC.values())


def test_every_method_is_documented():
    for name in set(SYNC) & set(ASYNC):
        assert inspect.getdoc(SYNC[name]), name
        assert inspect.getdoc(ASYNC[name]), name


def test_auth_is_of_the_managers_own_library(build, settings):
    sync = build(AuthorizedClientManager, settings())
    plain = build(AsyncAuthorizedClientManager, settings())
    assert type(sync.auth("app")).__module__ == "oauthreg.auth.requests"
    assert type(plain.auth("app")).__module__ == "oauthreg.auth.httpx2"
    with sync.session("app") as session:
        assert type(session.auth) is type(sync.auth("app"))
    assert type(plain.client("app")).__name__ == "AsyncClient"
    assert inspect.iscoroutinefunction(plain.token_source("app"))
    assert not inspect.iscoroutinefunction(sync.token_source("app"))
    sync.close()
