"""The machine: what an application does, and what has to follow from it by the model."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context

import sentry_sdk
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sentry_filters import SessionExpired, SessionExpiredError
from tests.machine.model import Fate
from tests.machine.pair import Pair
from tests.machine.world import ANSWERS, CREDENTIALS, Backend, captured_as, failure_of

WORDS = 'OpenHuman API error (401 Unauthorized): {"success":false,"error":"Invalid token"}'

names = st.sampled_from(list(CREDENTIALS))
anyone = st.none() | names
# Half of them are what this is all about.
answers = st.sampled_from(["dead", "alive", "dead", *ANSWERS])
refusals = st.sampled_from([answer for answer in ANSWERS if answer != "alive"])
ways = st.sampled_from(["exception", "log"])
MOST_HANDLERS = 2


class Machine(Pair, RuleBasedStateMachine):
    """An application whose sessions end, are renewed and heal, in any order.

    Args:
        ours: The hosted backend.
        third: Another provider.
        scope: `Policy.scope`.
    """

    def __init__(self, ours: Backend, third: Backend, scope: str) -> None:
        RuleBasedStateMachine.__init__(self)
        Pair.__init__(self, ours, third, scope)
        self.on_its_way: tuple[str, int, str] | None = None

    def teardown(self) -> None:
        self.app.close()

    # What others do

    @rule(name=anyone, replaces=anyone)
    def somebody_signs_in(self, name: str | None, replaces: str | None) -> None:
        self.model.renews(name, replaces)
        named = None if name is None else CREDENTIALS[name]
        self.app.guard.session_renewed(named, replaces=None if replaces is None else CREDENTIALS[replaces])

    @precondition(lambda self: len(self.handlers) < MOST_HANDLERS)
    @rule()
    def a_handler_subscribes(self) -> None:
        heard: list[SessionExpired] = []
        self.handlers.append((self.app.guard.bus.subscribe(heard.append), heard, self.model.published))
        self.model.listeners += 1

    @precondition(lambda self: self.handlers)
    @rule()
    def a_handler_leaves(self) -> None:
        self.handlers.pop()[0].close()
        self.model.listeners -= 1

    @rule()
    def everything_is_flushed(self) -> None:
        assert self.app.guard.bus.flush()
        sentry_sdk.flush()
        assert self.app.failed_spans() == []

    # Calls

    @rule(name=names, answer=answers, seen=st.booleans(), via=ways, in_span=st.booleans())
    def a_call(self, name: str, answer: str, seen: bool, via: str, in_span: bool) -> None:
        began = self.begins(name, answer)
        error, fate = self.reported(lambda: self.app.call(name, seen=seen), via, in_span=in_span)
        if answer == "alive":
            assert (error, fate) == (None, Fate.DROPPED)
            if seen:
                self.model.succeeds(name, began)
            self.the_span(in_span, failed=False)
            return
        if answer != "dead":
            assert fate is Fate.KEPT, f"lost: {error!r}"
            self.the_span(in_span, failed=True)
            return
        assert fate is self.ends(name, began if seen else None)
        # The span knows the call only if `instrument` saw it.
        kept = not seen or (in_span and self.model.fails(name, began, can_show=False) is Fate.KEPT)
        self.the_span(in_span, failed=kept)

    @rule(name=names, answer=answers, seen=st.booleans())
    def a_call_whose_error_only_a_span_has(self, name: str, answer: str, seen: bool) -> None:
        began = self.begins(name, answer)
        with self.app.span():
            self.app.call(name, seen=seen)
        failed = True
        if answer == "alive":
            failed = False
            if seen:
                self.model.succeeds(name, began)
        elif answer == "dead" and seen:
            failed = self.model.fails(name, began, can_show=False) is Fate.KEPT
        self.the_span(True, failed=failed)

    @rule(seen=st.booleans(), via=ways, in_span=st.booleans())
    def a_third_party_fails(self, seen: bool, via: str, in_span: bool) -> None:
        _, fate = self.reported(lambda: self.app.call_third(seen=seen), via, in_span=in_span)
        assert fate is Fate.KEPT
        self.the_span(in_span, failed=True)

    @rule(
        name=names,
        answer=refusals,
        seen=st.booleans(),
        via=ways,
        in_span=st.booleans(),
        explicit=st.booleans(),
    )
    def a_fallback_to_a_third_party_fails(
        self, name: str, answer: str, seen: bool, via: str, in_span: bool, explicit: bool
    ) -> None:
        self.begins(name, answer)
        self.falls_back(
            lambda: self.app.call(name, seen=seen),
            lambda: self.app.call_third(seen=seen),
            via,
            in_span,
            explicit,
        )

    @rule(
        name=names,
        answer=refusals,
        seen=st.booleans(),
        via=ways,
        in_span=st.booleans(),
        explicit=st.booleans(),
    )
    def a_fallback_from_a_third_party_fails(
        self, name: str, answer: str, seen: bool, via: str, in_span: bool, explicit: bool
    ) -> None:
        self.begins(name, answer)
        self.falls_back(
            lambda: self.app.call_third(seen=seen),
            lambda: self.app.call(name, seen=seen),
            via,
            in_span,
            explicit,
        )

    def falls_back(
        self,
        first: Callable[[], object],
        then: Callable[[], object],
        via: str,
        in_span: bool,
        explicit: bool,
    ) -> None:
        """Call one after the other has failed; both failures are in the report, so it arrives."""

        def act() -> None:
            try:
                first()
            except Exception as error:
                if not explicit:
                    then()
                raise failure_of(then) or error from error

        _, fate = self.reported(act, via, in_span=in_span)
        assert fate is Fate.KEPT
        self.the_span(in_span, failed=True)

    # Calls in flight

    @precondition(lambda self: self.on_its_way is None)
    @rule(name=names, answer=answers)
    def a_call_starts(self, name: str, answer: str) -> None:
        self.on_its_way = (name, self.begins(name, answer), answer)
        self.app.start(name)

    @precondition(lambda self: self.on_its_way is not None)
    @rule(via=ways)
    def the_call_ends(self, via: str) -> None:
        assert self.on_its_way is not None
        name, began, answer = self.on_its_way
        self.on_its_way = None
        error = self.app.finish()
        if answer == "alive":
            assert error is None
            self.model.succeeds(name, began)
            return
        assert error is not None
        fate = self.fate(self.app.events(lambda: captured_as(via, error)))
        assert fate is (self.ends(name, began) if answer == "dead" else Fate.KEPT)

    @precondition(lambda self: self.on_its_way is None)
    @rule(name=names, signs_in=anyone, replaces=anyone, via=ways)
    def a_sign_in_overtakes_a_call(
        self, name: str, signs_in: str | None, replaces: str | None, via: str
    ) -> None:
        self.a_call_starts(name, "dead")
        self.somebody_signs_in(signs_in, replaces)
        self.the_call_ends(via)

    @rule(name=names, replaces=names, via=ways)
    def a_replaced_credential_is_used_on(self, name: str, replaces: str, via: str) -> None:
        self.somebody_signs_in(name, replaces)
        self.a_call(replaces, "dead", True, via, False)

    # Reports of other kinds

    @rule(words=st.sampled_from([WORDS, f"a user wrote: {WORDS}"]))
    def a_text_quotes_a_failure(self, words: str) -> None:
        before = self.model.published
        events = self.app.events(lambda: sentry_sdk.capture_message(words, level="error"))
        assert self.fate(events) is self.model.words()
        assert self.model.published == before

    @rule(name=names, seen=st.booleans(), beside=st.booleans())
    def a_text_quotes_the_failure_of_its_task(self, name: str, seen: bool, beside: bool) -> None:
        began = self.begins(name, "dead")

        def work() -> None:
            failure_of(lambda: self.app.call_here(name, seen=seen))
            if beside:
                failure_of(lambda: self.app.call_third_here(seen=True))
            sentry_sdk.capture_message(f"the turn failed: {WORDS}", level="error")

        fate = self.fate(self.app.events(lambda: copy_context().run(work)))
        is_known = seen and not beside
        assert fate is (self.model.words_about(name, began) if is_known else self.model.words())

    @rule(name=names, answer=answers, seen=st.booleans())
    def a_call_site_reports(self, name: str, answer: str, seen: bool) -> None:
        began = self.begins(name, answer)
        error = failure_of(lambda: self.app.call(name, seen=seen))
        if error is None:
            if seen:
                self.model.succeeds(name, began)
            return
        fate = self.fate(self.app.events(lambda: self.report(error)))
        if answer == "dead":
            assert fate is self.model.fails(name, began if seen else None, can_show=True)
        else:
            assert fate is Fate.KEPT

    @rule()
    def a_call_site_reports_without_an_exception(self) -> None:
        fate = self.fate(self.app.events(lambda: self.report("the turn failed")))
        assert fate is self.model.fails(None, None, can_show=True)

    @rule(name=names)
    def work_asks_the_gate(self, name: str) -> None:
        session = self.app.guard.fingerprint(CREDENTIALS[name])
        for in_span in (False, True):
            error, fate = self.reported(
                lambda: self.app.guard.gate.check(session=session), "exception", in_span=in_span
            )
            assert fate is Fate.DROPPED
            assert isinstance(error, SessionExpiredError) is not self.model.is_open(name)
            self.the_span(in_span, failed=False)

    # What always holds

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        self.the_gate_is_as_the_model_says()
        self.each_expiry_was_published_once_to_all_who_listen()
        self.nothing_went_wrong_inside()
