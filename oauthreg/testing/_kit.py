"""The conformance kit: what every provider plugin has to keep to, as one class to subclass.

```python
from oauthreg.testing import ProviderPluginTests


class TestAcme(ProviderPluginTests):
    plugin = Acme
    name = "acme"
    settings = {"base-url": "https://id.acme.example"}
    registration = {"client-id": "my-client", "scope": "orders.read"}
```

pytest finds and runs it; nothing here needs pytest itself. The plugin runs inside the real
manager, by way of its entry point, over a script of answers; once it also authorizes at the
embedded server, to which its requests are turned. Nothing is ever sent to the vendor.
"""

from __future__ import annotations

import asyncio
import logging
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from string import Formatter
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import quote, quote_plus, urlsplit

from oauthreg._endpoints import ENDPOINTS
from oauthreg._errors import (
    AuthorizationError,
    ConfigurationError,
    ConnectionFailedError,
    InvalidTokenResponseError,
    PluginFailedError,
    Problem,
    TimedOutError,
    TokenEndpointError,
)
from oauthreg._flow import NOTHING, TokenRequest, TokenResponse, arun, run
from oauthreg._plugins import COMMON, PROVIDERS, installed, provider_plugin
from oauthreg._protocol.context import Explanation, PluginContext
from oauthreg._provider import ProviderPlugin
from oauthreg._registration import ClientRegistration
from oauthreg._transports import address
from oauthreg.testing._script import (
    BUSY,
    EMPTY,
    GRANTED,
    ID,
    PAGE,
    REDIRECT,
    SECRET,
    Detour,
    Event,
    Ids,
    Performer,
    Script,
    ScriptedManager,
    answer,
    expect,
    fault_of,
)
from oauthreg.testing._server import AuthorizationServer
from oauthreg.testing._sharing import check_sharing

if TYPE_CHECKING:
    import pytest

E = TypeVar("E", bound=AuthorizationError)
CREDENTIALS = frozenset(
    {
        *("client-secret", "client-secret-file", "client-secret-ref", "client-secrets"),
        *("private-key", "private-key-file", "private-key-ref", "assertion-file"),
        "certificate-file",
    }
)


class ProviderPluginTests:
    """Checks of one provider plugin; subclass it and say which.

    Attributes:
        plugin: The plugin's class.
        name: The name of its entry point.
        settings: Its settings, as under `provider.<name>`, without `type`.
        registration: A registration's settings. A secret is added unless it has a credential,
            or the `client-authentication-method` none.
        answers: What the vendor answers to the requests of one flow, in order, ending with a
            token: for a flow whose answers are not RFC 6749's (several requests, other fields).
            Without it, the plugin makes one request, as RFC 6749 has it.
    """

    plugin: ClassVar[type[ProviderPlugin[Any]]]
    name: ClassVar[str]
    settings: ClassVar[Mapping[str, Any]] = NOTHING
    registration: ClassVar[Mapping[str, Any]] = NOTHING
    answers: ClassVar[Sequence[TokenResponse]] = ()

    def test_its_templates_name_declared_settings(self) -> None:
        """A placeholder without a setting could never be filled."""
        known = self.plugin.settings_class.model_fields
        for endpoint in ENDPOINTS.values():
            attribute = endpoint.attribute
            template = getattr(self.plugin, attribute, None) or ""
            for _, name, _, _ in Formatter().parse(template):
                expect(name is None or name in known, f"{attribute}: {{{name}}} is no setting")

    def test_it_is_found_by_its_entry_point(self) -> None:
        """The name leads to the class, and only one distribution claims it."""
        owners = [each for each in installed(PROVIDERS) if each.name == self.name]
        built_in = self.name in ("generic", *COMMON)
        expect(len(owners) == (not built_in), f"{self.name!r} is claimed by {owners}")
        expect(provider_plugin(self.name) is self.plugin, f"{self.name!r} is another class")

    def test_it_is_chosen_by_type(self) -> None:
        """`type` in the settings brings it to life."""
        with self._manager() as manager:
            plugin = manager.plugin
            details = manager.registrations[ID].provider
        expect(type(plugin) is self.plugin, f"type chose {type(plugin).__name__}")
        expect(details.type == self.name, f"the provider's type is {details.type!r}")

    def test_it_refuses_settings_that_it_does_not_declare(self) -> None:
        """A misspelt setting is a problem, not silence."""
        problems = self._problems(settings={**self.settings, "no-such-setting": "x"})
        paths = [problem.path for problem in problems]
        expect(f"provider.{ID}.no-such-setting" in paths, f"the problems are at {paths}")

    def test_every_address_is_https(self) -> None:
        """Nothing confidential goes over plain http, but to this very machine."""
        with self._manager() as manager:
            plugin = manager.plugin
        for name, url in plugin.endpoints().items():
            expect(name in ENDPOINTS, f"endpoints(): {name!r} is no address that settings know")
            address.parse(url)
        for request in self._requests():
            address.parse(request.url)

    def test_its_check_returns_problems(self) -> None:
        """`check` has nothing against the registration, and never raises, whatever it gets."""
        with self._manager() as manager:
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

    def test_a_manager_authorizes(self) -> None:
        """The real manager gets a token from the embedded server, over real HTTP."""
        with (
            self._manager() as manager,
            self._server(manager.registrations[ID]) as server,
        ):
            manager.runner.transport = Detour(server)
            client = manager.authorize(ID, principal=ID)
        issued = [token.value for token in server.tokens]
        expect(bool(client.access_token.token_value), "the token is empty")
        if not self._scripted:
            expect(client.access_token.token_value in issued, "the token is not the server's")

    def test_it_authenticates_in_one_way(self) -> None:
        """Two credentials in one request are an error to some servers (RFC 6749 section 2.3)."""
        for request in self._requests():
            fields = {name for name, _ in request.form}
            headers = [name.lower() for name, _ in request.headers]
            ways = [
                *(name for name in headers if name == "authorization"),
                *sorted(fields & {"client_secret", "client_assertion"}),
            ]
            expect(len(ways) <= 1, f"one request has {' and '.join(ways)}")

    def test_sync_and_async_send_the_same(self) -> None:
        """A flow knows nothing of who drives it."""
        plugin, context = self._attempt()
        alike = (replace(context, new_id=Ids("id")) for _ in range(2))
        first, second = (Performer(self._script) for _ in range(2))
        run(plugin.flow(next(alike)), first.perform)
        asyncio.run(arun(plugin.flow(next(alike)), second.aperform))
        expect(first.said == second.said, f"{first.steps} and {second.steps} differ")

    def test_every_attempt_uses_ids_of_its_own(self) -> None:
        """An assertion's `jti` works once: a flow that asks for an id must send it anew."""
        plugin, context = self._attempt()
        ids = [Ids("first"), Ids("second")]
        performers = [Performer(self._script) for _ in ids]
        for new_id, performer in zip(ids, performers, strict=True):
            run(plugin.flow(replace(context, new_id=new_id)), performer.perform)
        first, second = performers
        expect(not ids[0].given or first.said != second.said, "both attempts sent one id")

    def test_no_request_depends_on_what_is_not_in_the_token_key(self) -> None:
        """Calls that differ in names alone share a token, and so must send the same."""
        check_sharing(*self._attempt(), self._script)

    def test_it_stops(self) -> None:
        """A flow ends in a bounded number of steps, whatever it is answered, and closes."""
        plugin, context = self._attempt()
        for event in (
            answer(400, error="invalid_request"),
            TokenResponse(status=401),
            TokenResponse(status=503),
            *(BUSY, REDIRECT, PAGE, EMPTY),
            ConnectionFailedError("the connection broke"),
            TimedOutError("no answer in time"),
        ):
            performer = Performer([], then=event)
            with suppress(AuthorizationError):
                run(plugin.flow(context), performer.perform)
                raise AssertionError(f"it granted a token out of nothing but {event!r}")
        flow = plugin.flow(context)
        next(flow)
        flow.close()

    def test_a_refusal_is_a_token_endpoint_error(self) -> None:
        """400 and 401, with and without words, keep their status and their code."""
        for refusal in (
            answer(400, error="invalid_scope", error_description="no such scope"),
            answer(401, error="invalid_client"),
            TokenResponse(status=401),
            TokenResponse(status=403, headers={"content-type": "text/html"}, body=b"<html>"),
        ):
            error = self._refused(refusal, TokenEndpointError)
            expect(error.status == refusal.status, f"{refusal!r} became {error.status}")
            expect(not error.retryable, f"{refusal!r} would be asked again")

    def test_a_page_or_nothing_is_no_token(self) -> None:
        """A 200 without a token is a wrong address, or a proxy's login page."""
        for odd in (PAGE, EMPTY, answer(message="hello"), answer(access_token="")):
            self._refused(odd, InvalidTokenResponseError)

    def test_a_fault_of_the_server_is_retryable(self) -> None:
        """5xx passes by itself."""
        for status in (500, 503):
            error = self._refused(TokenResponse(status=status), TokenEndpointError)
            expect(error.retryable, f"{status} would not be asked again")

    def test_too_many_requests_are_waited_out(self) -> None:
        """429 with Retry-After says how long."""
        error = self._refused(BUSY, TokenEndpointError)
        expect(error.retryable, "429 would not be asked again")
        expect((error.retry_after or 0.0) >= 1.0, f"retry_after is {error.retry_after}")

    def test_a_redirect_is_an_error(self) -> None:
        """A credential goes to the address that the settings name, and nowhere else."""
        self._refused(REDIRECT, TokenEndpointError)

    def test_odd_answers_on_the_way_are_errors(self) -> None:
        """In a flow of several requests, a bad answer to an early one is no crash either."""
        for place in range(len(self._script) - 1):
            for odd in (answer(400, error="nope"), TokenResponse(status=503), PAGE, EMPTY):
                self._raised([*self._script[:place], odd])

    def test_it_explains_any_error(self) -> None:
        """`explain_error` copes with errors that say little."""
        with self._manager() as manager:
            plugin = manager.plugin
        for code in (None, "", "invalid_client", "access_denied", "4711"):
            for words in (None, "", "Something unheard of"):
                error = TokenEndpointError("x", status=400, error=code, error_description=words)
                found = plugin.explain_error(error)
                expect(
                    found is None or isinstance(found, Explanation),
                    f"explain_error() gave {type(found).__name__}",
                )

    def test_the_secret_stays_hidden(self, caplog: pytest.LogCaptureFixture) -> None:
        """It is in no address, no repr, no error and no log, not even where it is echoed."""
        secret = str(self._registration().get("client-secret", SECRET))
        client_id = str(self.registration.get("client-id", ID))
        pair = b64encode(f"{client_id}:{secret}".encode()).decode()
        forms = (secret, quote(secret, safe=""), quote_plus(secret), pair)
        with caplog.at_level(logging.DEBUG):
            plugin, context = self._attempt()
            requests = self._requests()
            echo = answer(400, error="invalid_request", error_description=f"bad: {secret}")
            error = self._raised([*self._script[:-1], echo])
        shown = {
            "an address": " ".join(request.url for request in requests),
            "a repr": f"{plugin!r} {context!r} {plugin.settings!r} {requests!r}",
            "an error": f"{error} {error!r} {vars(error)}",
            "the log": caplog.text,
        }
        for place, text in shown.items():
            expect(not any(form in text for form in forms), f"the secret is in {place}")

    @property
    def _scripted(self) -> bool:
        """Whether the embedded server cannot stand in for the vendor."""
        return bool(self.answers) or "client-secret" not in self._registration()

    @property
    def _script(self) -> list[Event]:
        return list(self.answers or [GRANTED])

    def _registration(self) -> dict[str, Any]:
        table = {"client-id": ID, **self.registration, "provider": ID}
        public = table.get("client-authentication-method") == "none"
        return table if public or CREDENTIALS & table.keys() else {**table, "client-secret": SECRET}

    def _manager(
        self, *, script: Sequence[Event] = (), settings: Mapping[str, Any] | None = None
    ) -> ScriptedManager:
        own = self.settings if settings is None else settings
        return ScriptedManager(
            {
                "provider": {ID: {**own, "type": self.name}},
                "registration": {ID: self._registration()},
            },
            lambda details: Script(details, script or self._script),
        )

    def _problems(self, *, settings: Mapping[str, Any]) -> Sequence[Problem]:
        try:
            self._manager(settings=settings).close()
        except ConfigurationError as error:
            return error.problems
        raise AssertionError("the settings were accepted")

    def _server(self, registration: ClientRegistration) -> AuthorizationServer:
        """Return an embedded server that looks like the vendor's, by its paths."""
        details = registration.provider
        layout = {"issuer": urlsplit(details.issuer_uri or "").path}
        if details.token_uri is not None:
            layout["token"] = urlsplit(details.token_uri).path
        server = AuthorizationServer(layout=layout).start()
        vendor = urlsplit(details.issuer_uri or details.token_uri or "")
        server.metadata_overrides = {
            name: value.replace(server.base_uri, f"{vendor.scheme}://{vendor.netloc}")
            for name, value in server.metadata().items()
            if isinstance(value, str)
        }
        server.add_client(
            registration.client_id,
            str(self._registration().get("client-secret", SECRET)),
            scopes=registration.scopes,
        )
        if self._scripted:
            discovered = details.token_uri is None and details.issuer_uri is not None
            answers = [each for each in self._script if isinstance(each, TokenResponse)]
            server.script("*", [*([None] if discovered else []), *map(fault_of, answers)])
        return server

    def _attempt(self) -> tuple[ProviderPlugin[Any], PluginContext]:
        """Return the plugin, and a context as the manager makes them."""
        with self._manager() as manager:
            plugin, contexts = manager.plugin, []
            flow = plugin.flow

            def spy(context: PluginContext) -> object:
                contexts.append(context)
                return flow(context)

            vars(plugin)["flow"] = spy
            manager.authorize(ID, principal=ID)
            del vars(plugin)["flow"]
        return plugin, contexts[0]

    def _requests(self) -> list[TokenRequest]:
        """Return what one flow sends."""
        plugin, context = self._attempt()
        performer = Performer(self._script)
        run(plugin.flow(context), performer.perform)
        return [step for step in performer.steps if isinstance(step, TokenRequest)]

    def _raised(self, script: Sequence[Event]) -> AuthorizationError:
        """Return what `authorize` raises over a script whose last answer is repeated."""
        with self._manager(script=script) as manager:
            try:
                manager.authorize(ID, principal=ID)
            except PluginFailedError as error:
                raise AssertionError(f"{script[-1]!r}: {error}") from error.exception
            except AuthorizationError as error:
                return error
        raise AssertionError(f"{script[-1]!r} was taken for a token")

    def _refused(self, last: TokenResponse, kind: type[E]) -> E:
        """Return the error for an answer in the token's place, of the kind it has to be."""
        error = self._raised([*self._script[:-1], last])
        if isinstance(error, kind):
            return error
        raise AssertionError(f"{last!r} became {type(error).__name__}: {error}") from error
