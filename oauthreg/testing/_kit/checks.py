"""The kit's checks of one registration, each by its own name."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from oauthreg._addresses import parse_secure
from oauthreg._errors import (
    AuthorizationError,
    ConfigurationError,
    InvalidTokenResponseError,
    Problem,
    TokenEndpointError,
)
from oauthreg._flow import TokenRequest, TokenResponse, arun, run
from oauthreg._plugins import COMMON, PROVIDERS, installed, provider_plugin
from oauthreg._protocol.context import Explanation
from oauthreg._provider import ProviderPlugin
from oauthreg._provider_checks import address_names
from oauthreg._templates import is_base_url
from oauthreg.testing._kit.answers import BUSY, EMPTY, ID, PAGE, REDIRECT, Event, answer, expect
from oauthreg.testing._kit.guard import Guard
from oauthreg.testing._kit.performer import Ids, Performer
from oauthreg.testing._kit.standin import Detour, is_known, standing_in

if TYPE_CHECKING:
    from oauthreg._protocol.context import PluginContext
    from oauthreg._registration import AuthorizedClient
    from oauthreg.testing._kit.cases import Case
    from oauthreg.testing._kit.managers import Script

REFUSALS = (
    answer(400, error="invalid_scope", error_description="no such scope"),
    answer(401, error="invalid_client"),
    TokenResponse(status=401),
    TokenResponse(status=403, headers={"content-type": "text/html"}, body=b"<html>"),
)
NO_TOKENS = (PAGE, EMPTY, answer(message="hello"), answer(access_token=""))
MISPUT = ("acme/../x", "acme.example", "a@evil.example", "evil.example:8443", "x#", "x?y=z")
"""What people write in the place of a name, and what would change an address."""


def found_by_its_entry_point(case: Case) -> None:
    """Check that the name leads to the class, and that one distribution has it."""
    owners = [each for each in installed(PROVIDERS) if each.name == case.name]
    built_in = case.name in ("generic", *COMMON)
    expect(len(owners) == (not built_in), f"{case.name!r} is claimed by {owners}")
    expect(provider_plugin(case.name) is case.plugin, f"{case.name!r} is another class")


def chosen_by_type(case: Case) -> None:
    """Check that `type` in the settings brings the plugin to life."""
    with case.manager() as manager:
        plugin, details = manager.plugin, manager.registrations[ID].provider
    expect(type(plugin) is case.plugin, f"type chose {type(plugin).__name__}")
    expect(details.type == case.name, f"the provider's type is {details.type!r}")


def undeclared_settings(case: Case) -> None:
    """Check that a misspelt setting is a problem."""
    other = case.under({**case.settings, "no-such-setting": "x"})
    try:
        found = other.configuration
    except ConfigurationError as error:
        paths = [problem.path for problem in error.problems]
    else:
        raise AssertionError(f"the settings were accepted: {found}")
    expect(f"provider.{ID}.no-such-setting" in paths, f"the problems are at {paths}")


def addresses(case: Case) -> None:
    """Check that every address is https, at a host."""
    with case.manager() as manager:
        plugin = manager.plugin
    known = address_names(plugin)
    for name, url in plugin.endpoints().items():
        expect(name in known, f"endpoints(): {name!r} is no address that settings know")
        _check_address(url, link_local=plugin.link_local)
    for request in case.requests():
        _check_address(request.url, link_local=plugin.link_local)


def _check_address(url: str, *, link_local: bool) -> None:
    try:
        parse_secure(url, link_local=link_local)
    except ValueError as error:
        raise AssertionError(f"{url}: {error}") from None
    host = urlsplit(url).hostname or ""
    expect(host not in {"http", "https"}, f"{url}: a scheme stands in the host's place")
    expect("%" not in host, f"{url}: no host has a percent sign")


def settings_choose_no_host(case: Case) -> None:
    """Check that no text in the settings can lead a credential to another host."""
    before = _hosts(case) or set()
    known = case.plugin.settings_class.model_fields
    hosts_by_type = {field.alias or name for name, field in known.items() if is_base_url(field)}
    for name, value in case.settings.items():
        if not isinstance(value, str) or name in hosts_by_type:
            continue
        for text in MISPUT:
            hosts = _hosts(case.under({**case.settings, name: text}))
            expect(
                hosts is None or hosts == before,
                f"{name} = {text!r} leads to {hosts}: what stands in a host is a HostLabel",
            )


def _hosts(case: Case) -> set[str] | None:
    """Return the hosts of all addresses; None if the settings are refused."""
    try:
        endpoints = case.configuration.entries[ID].plugin.endpoints()
    except ConfigurationError:
        return None
    return {urlsplit(url).netloc for url in endpoints.values() if "://" in url}


def checked_offline(case: Case) -> None:
    """Check that `check` has nothing against the registration, and survives odd ones."""
    with case.manager() as manager:
        plugin, registration = manager.plugin, manager.registrations[ID]
    found = list(plugin.check(registration))
    expect(not found, f"it has something against the registration: {found}")
    bare = replace(registration, scopes=(), audience=None, resource=(), client_secrets=())
    for odd in (
        bare,
        replace(bare, client_authentication_method="none"),
        replace(bare, client_authentication_method=None, parameters={}),
        replace(bare, authorization_grant_type="authorization_code"),
        replace(bare, provider=replace(bare.provider, endpoints={}, issuer_uri=None)),
    ):
        for problem in plugin.check(odd):
            expect(isinstance(problem, Problem), f"check() gave {type(problem).__name__}")


def authorized(case: Case) -> None:
    """Check that the real manager gets a token, from the embedded server if that can be."""
    with case.manager() as manager:
        registration = manager.registrations[ID]
        details = registration.provider
        if details.token_uri is None and details.issuer_uri is None:
            client = manager.authorize(ID, principal=ID)
            expect(bool(client.access_token.token_value), "the token is empty")
            return
        with standing_in(case, registration) as server:
            detour = Detour(server, manager.plugin)
            manager.scripted.turn_to(detour.send)
            client = manager.authorize(ID, principal=ID)
            detour.close()
            known = is_known(case, registration)
            issued = [token.value for token in server.tokens]
            requests = server.token_requests
    expect(bool(client.access_token.token_value), "the token is empty")
    expect(client.access_token.expires_at > client.access_token.issued_at, "it never lived")
    if known and requests:
        expect(client.access_token.token_value in issued, "the token is not the server's")


def form_fields_by_their_names(case: Case) -> None:
    """Check that no field of RFC 6749 is written in another way."""
    known = {
        *("grant_type", "client_id", "client_secret", "client_assertion", "redirect_uri"),
        *("client_assertion_type", "refresh_token", "subject_token", "subject_token_type"),
    }
    for request in case.requests():
        for name in _field_names(request):
            meant = get_close_matches(name.lower().replace("-", "_"), known, n=1, cutoff=0.92)
            wrong = meant and name not in known
            expect(not wrong, f"a request has {name!r}: did you mean {meant}?")


def _field_names(request: TokenRequest) -> list[str]:
    """Return the names of a request's fields, of a form or a JSON object."""
    names = [name for name, _ in request.form]
    try:
        body = json.loads(request.content or b"")
    except ValueError:
        return names
    return [*names, *body] if isinstance(body, dict) else names


def sync_and_async(case: Case, scripts: Sequence[Sequence[Event]]) -> None:
    """Check that both managers send the same, and that the same comes of it."""
    for script in (case.script, *scripts):
        first, here = case.outcome(script)
        second, there = case.outcome_in_a_task(script)
        expect(_shape(first) == _shape(second), f"{first!r} and {second!r} differ")
        expect(_outlines(here) == _outlines(there), f"{here.sent} and {there.sent} differ")
    plugin, context = case.attempt()
    if context is not None:
        _same_steps(case, plugin, context)


def _outlines(script: Script) -> list[object]:
    """Return of each request what does not depend on an id drawn for it."""
    return [
        (each.method, each.url, [name for name, _ in each.form], [name for name, _ in each.headers])
        for each in script.sent
    ]


def _same_steps(case: Case, plugin: ProviderPlugin[Any], context: PluginContext) -> None:
    alike = [replace(context, new_id=Ids("id")) for _ in range(2)]
    first = Performer(case.script, context.registration.provider)
    second = Performer(case.script, context.registration.provider)

    async def perform(step: Any) -> object:
        return second.perform(step)

    run(plugin.flow(alike[0]), first.perform)
    asyncio.run(arun(plugin.flow(alike[1]), perform))
    expect(first.said == second.said, f"{first.steps} and {second.steps} differ")


def _shape(outcome: AuthorizedClient | AuthorizationError) -> object:
    """Return what has to be alike of two outcomes."""
    if isinstance(outcome, AuthorizationError):
        wait = outcome.retry_after and round(outcome.retry_after, 3)  # of clocks that run
        return type(outcome), outcome.message, outcome.hint, outcome.retryable, wait
    token = outcome.access_token
    return token.token_value, token.token_type, token.scopes, token.expires_at


def ids_of_its_own(case: Case, plugin: ProviderPlugin[Any], context: PluginContext) -> None:
    """Check that a flow which asks for an id sends a new one each time."""
    ids = [Ids("first"), Ids("second")]
    first, second = (case.performed(replace(context, new_id=one), plugin) for one in ids)
    expect(not ids[0].given or first.said != second.said, "both attempts sent one id")


def refusals(case: Case) -> None:
    """Check that 400, 401 and 403 keep their status and their code."""
    for refusal in REFUSALS:
        error = case.refused(refusal, TokenEndpointError)
        expect(error.status == refusal.status, f"{refusal!r} became {error.status}")
        again = error.retryable and not _hinted(case, error)
        expect(not again, f"{refusal!r} would be asked again")


def _hinted(case: Case, error: TokenEndpointError) -> bool:
    """Whether a hint of the plugin says of this error if asking again helps."""
    plugin = case.configuration.entries[ID].plugin
    found = plugin.explain_error(error)
    known = isinstance(found, Explanation) and found in plugin.error_hints.values()
    return known and found is not None and found.is_retryable is not None


def no_tokens(case: Case) -> None:
    """Check that a 200 without a token is an error."""
    for odd in NO_TOKENS:
        case.refused(odd, InvalidTokenResponseError)


def faults_of_the_server(case: Case) -> None:
    """Check that 5xx is retryable."""
    for status in (500, 503):
        error = case.refused(TokenResponse(status=status), TokenEndpointError)
        again = error.retryable or _hinted(case, error)
        expect(again, f"{status} would not be asked again")


def too_many_requests(case: Case) -> None:
    """Check that 429 and its Retry-After are waited for."""
    error = case.refused(BUSY, TokenEndpointError)
    expect(error.retryable or _hinted(case, error), "429 would not be asked again")
    expect((error.retry_after or 0.0) >= 1.0, f"retry_after is {error.retry_after}")


def redirects(case: Case) -> None:
    """Check that a redirect is an error."""
    case.refused(REDIRECT, TokenEndpointError)


def odd_answers_on_the_way(case: Case) -> None:
    """Check that a bad answer to an early request is an error, too."""
    for place in range(len(case.script) - 1):
        for odd in (answer(400, error="nope"), TokenResponse(status=503), PAGE, EMPTY):
            case.raised([*case.script[:place], odd])


def explained_errors(case: Case) -> None:
    """Check that `explain_error` survives errors that say little."""
    with case.manager() as manager:
        plugin = manager.plugin
    for code in (None, "", "invalid_client", "access_denied", "4711"):
        for words in (None, "", "Something unheard of"):
            error = TokenEndpointError("x", status=400, error=code, error_description=words)
            found = plugin.explain_error(error)
            name = type(found).__name__
            expect(found is None or isinstance(found, Explanation), f"explain_error() gave {name}")


def no_io(case: Case, scripts: Sequence[Sequence[Event]]) -> None:
    """Check that no hook does I/O, reads a clock or the environment, or sleeps."""
    _forget_what_was_cached(case.plugin)
    guard = Guard()
    with case.manager() as manager:
        plugin, registration = manager.plugin, manager.registrations[ID]
    model, own = type(plugin.settings), plugin.settings.model_fields_set
    given = {name: getattr(plugin.settings, name) for name in own}
    guard.around(lambda: case.plugin(model.model_validate(given)))()
    guard.over(plugin)
    plugin.endpoints()
    list(plugin.check(registration))
    for script in (case.script, *scripts, *([*case.script[:-1], odd] for odd in (*REFUSALS, PAGE))):
        case.outcome(script, prepare=guard.over)
    expect(not guard.found, "; ".join(guard.found))


def _forget_what_was_cached(plugin: type[ProviderPlugin[Any]]) -> None:
    """Empty the caches of functions of the plugin's module, which may have read something."""
    for holder in (*plugin.__mro__, sys.modules.get(plugin.__module__)):
        for value in dict(vars(holder) if holder is not None else {}).values():
            forget = getattr(value, "cache_clear", None)
            if callable(forget) and getattr(value, "__module__", "") == plugin.__module__:
                forget()


def no_state(case: Case, plugin: ProviderPlugin[Any], context: PluginContext) -> None:
    """Check that a flow leaves nothing in the plugin: the manager alone keeps tokens."""
    fresh = case.plugin(plugin.settings)
    before = _state(fresh)
    sent = case.performed(context, fresh).requests
    expect(sent or not before, f"a flow sends nothing: is its token kept in {list(before)}?")
    changed = [name for name, value in _state(fresh).items() if before.get(name) != value]
    expect(not changed, f"a flow changes {changed} of the plugin")


def _state(plugin: ProviderPlugin[Any]) -> dict[str, str]:
    """Return what helpers of a plugin keep, as text that shows every change."""
    kinds = [kind for kind in type(plugin).__mro__ if kind not in ProviderPlugin.__mro__]
    everything = {name: value for kind in kinds for name, value in vars(kind).items()}
    everything |= vars(plugin)
    return {
        name: repr(value)
        for name, value in everything.items()
        if name.startswith("_")
        and not name.startswith("__")
        and not callable(value)
        and not isinstance(getattr(type(plugin), name, None), cached_property)
    }
