"""The conformance kit: what every provider plugin has to keep to, as one class to subclass.

```python
from oauthreg.testing import ProviderPluginTests, Sample, answer


class TestAcme(ProviderPluginTests):
    plugin = Acme
    name = "acme"
    settings = {"base-url": "https://id.acme.example"}
    registration = {"client-id": "my-client", "scope": "orders.read"}
    samples = [Sample(answer(400, error="no_plan"), hint="Buy the plan")]
```

pytest finds and runs it; nothing here needs pytest itself. The plugin runs inside the real
managers, by way of its entry point, over a script of answers; once it also authorizes at the
embedded server, to which its requests are turned. Nothing is ever sent to the vendor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from oauthreg._flow import NOTHING, TokenResponse
from oauthreg._provider import ProviderPlugin
from oauthreg.testing._kit import checks
from oauthreg.testing._kit.answers import GRANTED, NOW, Event, expect
from oauthreg.testing._kit.cases import Case, complete
from oauthreg.testing._kit.samples import Sample, check_sample
from oauthreg.testing._kit.secrecy import check_one_way, check_secrecy, check_token
from oauthreg.testing._kit.sharing import check_sharing
from oauthreg.testing._kit.standin import reads_answers_itself
from oauthreg.testing._kit.stopping import check_stopping
from oauthreg.testing._kit.text import request_text

if TYPE_CHECKING:
    from oauthreg._protocol.context import PluginContext


class ProviderPluginTests:
    """Checks of one provider plugin; subclass it and say which.

    Attributes:
        plugin: The plugin's class.
        name: The name of its entry point.
        settings: Its settings, as under `provider.<name>`, without `type`.
        registration: A registration's settings. A secret is added unless it has a credential,
            or the `client-authentication-method` none; likewise what its grant needs. A value
            that is callable is called: `{"private-key-file": key_file}`.
        cases: Further settings of a registration, by a name for each: every check is made with
            each of them on top of `registration`. Without them, with `registration` alone.
        answers: What the vendor answers to the requests of one flow, in order, ending with a
            token: for a flow of several requests; by the case's name where cases differ. Without
            it, the first sample that is a token, else an answer as RFC 6749 has it.
        samples: Answers that the vendor documents, and what has to come of them. There has to be
            one for every key of `error_hints`.
        requests: The requests of one flow as text, as the vendor documents them: see `sent`; by
            the case's name where there are several.
    """

    plugin: ClassVar[type[ProviderPlugin[Any]]]
    name: ClassVar[str]
    settings: ClassVar[Mapping[str, Any]] = NOTHING
    registration: ClassVar[Mapping[str, Any]] = NOTHING
    cases: ClassVar[Mapping[str, Mapping[str, Any]]] = NOTHING
    answers: ClassVar[Sequence[TokenResponse] | Mapping[str, Sequence[TokenResponse]]] = ()
    samples: ClassVar[Sequence[Sample]] = ()
    requests: ClassVar[Sequence[str] | Mapping[str, Sequence[str]]] = ()
    _made: ClassVar[dict[str, Case]]

    def sent(self, case: str = "") -> list[str]:
        """Return what one flow sends, each request as text.

        The method and address, then a line for each header and each field of the form. Of JWTs
        the header and claims are shown, of Basic its two parts; the kit's secret is `<secret>`.
        Ids that the flow asks for are `id-1`, `id-2`; the time is 2027-01-15T08:00:00Z.

        Args:
            case: The name of the case; the first without it.
        """
        return [request_text(each) for each in self._case(case).sent_by_known_ids()]

    def test_it_does_no_io(self) -> None:
        """No hook uses network, files, environment, clocks or sleep: all is in the context."""
        self._each(lambda case: checks.no_io(case, self._sampled(case)))

    def test_it_is_found_by_its_entry_point(self) -> None:
        """The name leads to the class, and only one distribution claims it."""
        checks.found_by_its_entry_point(self._case())

    def test_it_is_chosen_by_type(self) -> None:
        """`type` in the settings brings it to life."""
        self._each(checks.chosen_by_type)

    def test_it_refuses_settings_that_it_does_not_declare(self) -> None:
        """A misspelt setting is a problem, not silence."""
        checks.undeclared_settings(self._case())

    def test_every_address_is_https(self) -> None:
        """Nothing confidential goes over plain http, but to this very machine."""
        self._each(checks.addresses)

    def test_no_setting_leads_to_another_host(self) -> None:
        """A text in the settings is a part of an address, and never moves it elsewhere."""
        checks.settings_choose_no_host(self._case())

    def test_its_check_returns_problems(self) -> None:
        """`check` has nothing against the registration, and never raises, whatever it gets."""
        self._each(checks.checked_offline)

    def test_a_manager_authorizes(self) -> None:
        """The real manager gets a token, from the embedded server wherever that can be."""
        self._each(checks.authorized)

    def test_form_fields_have_their_names(self) -> None:
        """`grant-type` is no field of RFC 6749."""
        self._each(checks.form_fields_by_their_names)

    def test_it_authenticates_in_one_way(self) -> None:
        """Two credentials in one request are an error to some servers (RFC 6749 section 2.3)."""
        self._each_attempt(check_one_way)

    def test_sync_and_async_send_the_same(self) -> None:
        """Both managers send the same and give the same, for documented answers too."""
        self._each(lambda case: checks.sync_and_async(case, self._sampled(case)))

    def test_every_attempt_uses_ids_of_its_own(self) -> None:
        """An assertion's `jti` works once: a flow that asks for an id must send it anew."""
        self._each_attempt(checks.ids_of_its_own)

    def test_it_keeps_no_state(self) -> None:
        """A flow leaves nothing in the plugin: no counter, no token."""
        self._each_attempt(checks.no_state)

    def test_no_request_depends_on_what_is_not_in_the_token_key(self) -> None:
        """Calls that differ in names alone share a token, and so must send the same."""
        self._each_attempt(check_sharing)

    def test_it_stops(self) -> None:
        """A flow ends in a bounded number of steps, whatever it is answered, and closes."""
        self._each_attempt(check_stopping)

    def test_a_refusal_is_a_token_endpoint_error(self) -> None:
        """400 and 401, with and without words, keep their status and their code."""
        self._each_answered(checks.refusals)

    def test_a_page_or_nothing_is_no_token(self) -> None:
        """A 200 without a token is a wrong address, or a proxy's login page."""
        self._each_answered(checks.no_tokens)

    def test_a_fault_of_the_server_is_retryable(self) -> None:
        """5xx passes by itself."""
        self._each_answered(checks.faults_of_the_server)

    def test_too_many_requests_are_waited_out(self) -> None:
        """429 with Retry-After says how long."""
        self._each_answered(checks.too_many_requests)

    def test_a_redirect_is_an_error(self) -> None:
        """A credential goes to the address that the settings name, and nowhere else."""
        self._each_answered(checks.redirects)

    def test_odd_answers_on_the_way_are_errors(self) -> None:
        """In a flow of several requests, a bad answer to an early one is no crash either."""
        self._each_answered(checks.odd_answers_on_the_way)

    def test_it_explains_any_error(self) -> None:
        """`explain_error` copes with errors that say little."""
        self._each(checks.explained_errors)

    def test_the_secret_stays_hidden(self) -> None:
        """No credential is in an address, a repr, an error or a log, not even echoed."""
        self._each(check_token)
        self._each_attempt(check_secrecy)

    def test_documented_answers_are_understood(self) -> None:
        """Every sample becomes the token or the error that it says."""
        for sample in self.samples:
            check_sample(sample, self._case(sample.case or ""))

    def test_every_hint_has_a_sample(self) -> None:
        """A hint that no documented answer reaches may be misspelt."""
        used: set[str] = set()
        for sample in self.samples:
            used |= check_sample(sample, self._case(sample.case or ""))
        unused = [key for key in self.plugin.error_hints if key not in used]
        expect(not unused, f"error_hints: no sample has an answer that means {unused}")

    def test_it_sends_what_is_documented(self) -> None:
        """The requests are those of `requests`, if it says any."""
        wanted = self.requests
        by_case = wanted if isinstance(wanted, Mapping) else {"": wanted} if wanted else {}
        for case, given in by_case.items():
            texts = [given] if isinstance(given, str) else given
            sent, expected = self.sent(case), [text.strip() for text in texts]
            expect(sent == expected, "\n\n".join(["it sends", *sent, "instead of", *expected]))

    def _cases(self) -> Iterator[Case]:
        for title in self.cases or [""]:
            yield self._case(title)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._made = {}

    def _case(self, title: str = "") -> Case:
        title = title or next(iter(self.cases), "")
        if title not in self._made:
            self._made[title] = self._new_case(title)
        return self._made[title]

    def _new_case(self, title: str) -> Case:
        expect(not title or title in self.cases, f"there is no case {title!r}")
        script, now, scripted = self._script(title)
        return Case(
            title=title,
            plugin=self.plugin,
            name=self.name,
            settings=self.settings,
            registration=complete(
                self.plugin, {**self.registration, **self.cases.get(title, NOTHING)}
            ),
            script=script,
            now=now,
            scripted=scripted,
        )

    def _answers(self, title: str) -> Sequence[TokenResponse]:
        answers = self.answers
        return answers.get(title, ()) if isinstance(answers, Mapping) else answers

    def _script(self, title: str) -> tuple[Sequence[Event], float, bool]:
        """Return what is answered to one flow, when, and whether only this will do."""
        answers = self._answers(title)
        if answers:
            return answers, NOW, True
        first = next((one for one in self._samples(title) if one.grants), None)
        if first is None:
            return [GRANTED], NOW, False
        return first.script(()), first.time, reads_answers_itself(self.plugin)

    def _samples(self, title: str) -> list[Sample]:
        first = next(iter(self.cases), "")
        return [sample for sample in self.samples if (sample.case or first) == title]

    def _sampled(self, case: Case) -> list[Sequence[Event]]:
        """Return the script of every sample of a case, that can be answered at its time."""
        samples = (one for one in self._samples(case.title) if one.time == case.now)
        return [sample.script(case.script) for sample in samples]

    def _each(self, check: Callable[[Case], object]) -> None:
        """Make a check with every case."""
        for case in self._cases():
            try:
                check(case)
            except Exception as error:
                if case.title:
                    error.add_note(f"in the case {case.title!r}")
                raise

    def _each_attempt(
        self, check: Callable[[Case, ProviderPlugin[Any], PluginContext], object]
    ) -> None:
        """Make a check with an attempt of every case that makes a request."""

        def attempted(case: Case) -> None:
            plugin, context = case.attempt()
            if context is not None:
                check(case, plugin, context)

        self._each(attempted)

    def _each_answered(self, check: Callable[[Case], object]) -> None:
        """Make a check with every case that is answered."""
        self._each_attempt(lambda case, _plugin, _context: check(case))
