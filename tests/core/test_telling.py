"""How an expiry is told: at once or after its healing window, to whom, and with what in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from sentry_filters import AuditRecord, ExpiryRecord, Failure, Policy, Redactor, SessionExpired, Verdict
from sentry_filters.core import AuditTrail, Backends, Counters, EventBus
from sentry_filters.core.alarms import Alarms
from sentry_filters.core.expiries import draft_of, finished, random_id
from sentry_filters.core.states import (
    Due,
    Elapsed,
    Expiry,
    Process,
    Published,
    Session,
    State,
    Step,
)
from sentry_filters.core.telling import Teller
from tests.support.deciding import answer
from tests.support.expiries import expiry

HOST = "api.example.ai"
EVENT = replace(expiry("a" * 12), id="0f0f")
FACT = Verdict(drop=True, reason="x", grade="fact", confirmed=True)


@dataclass
class Told:
    """A teller, and what it told whom."""

    mode: str = "enforce"
    shared: bool = False
    answers: Step = Step(State(Process(), Session("a" * 12)))  # noqa: RUF009 - frozen
    happened: list[tuple[str, str | None, Elapsed | Published]] = field(default_factory=list)
    heard: list[SessionExpired] = field(default_factory=list)
    announced: list[tuple[SessionExpired, int, float]] = field(default_factory=list)
    records: list[AuditRecord] = field(default_factory=list)
    alarms: list[tuple[float, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        policy = Policy(provider="OpenHuman", hosts={HOST}, healing_window=7.0, mode=self.mode)  # type: ignore[arg-type]
        self.bus, self.counters, redactor = EventBus(), Counters(), Redactor()
        trail = AuditTrail(Backends([policy]), self.counters, redactor)
        trail.observe(self.records.append)
        announce = (lambda *told: self.announced.append(told)) if self.shared else None
        self.teller = Teller(policy, self.bus, trail, redactor, self._happens, announce)

    def listens(self) -> None:
        self.bus.subscribe(self.heard.append)

    def _happens(self, expiry: str, session: str | None, event: Elapsed | Published) -> Step:
        self.happened.append((expiry, session, event))
        return self.answers


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Told]]:
    made: list[Told] = []
    monkeypatch.setattr(
        Alarms, "after", lambda _self, seconds, alarm: made[-1].alarms.append((seconds, alarm))
    )
    yield made
    for one in made:
        one.bus.close()


@pytest.mark.parametrize("listens", [True, False])
def test_what_is_told_at_once_is_published_counted_and_written_down(
    made: list[Told], *, listens: bool
) -> None:
    made.append(told := Told())
    if listens:
        told.listens()
    told.teller.tell(EVENT, 3, 5.0, later=False)
    told.bus.flush()

    assert told.heard == [EVENT] * listens
    assert told.happened == [("0f0f", EVENT.session, Published("0f0f", listens))]
    assert told.records == [ExpiryRecord(event=EVENT, handled=listens)]
    assert told.counters.get("session_expired", EVENT.source, "true", "true" if listens else "false") == 1
    assert told.alarms == []
    assert list(told.teller.waiting) == []


def test_where_there_are_others_they_settle_who_publishes(made: list[Told]) -> None:
    made.append(told := Told(shared=True))
    told.teller.tell(EVENT, 3, 5.0, later=False)

    assert told.announced == [(EVENT, 3, 5.0)]
    assert not told.records
    assert not told.happened


@pytest.mark.parametrize("listens", [True, False])
def test_in_shadow_nobody_hears_of_it(made: list[Told], *, listens: bool) -> None:
    made.append(told := Told(mode="shadow"))
    if listens:
        told.listens()
    told.teller.publish(EVENT)
    told.teller.unhandled(EVENT)
    told.bus.flush()

    assert not told.heard
    assert not told.records
    assert told.happened == [("0f0f", EVENT.session, Published("0f0f", listens))]


RUNNING = Expiry("0f0f", 0, 1.0, 1.0, told=True)


def stands(expiry: Expiry | None, *due: Due) -> Step:
    return Step(State(Process(), Session("a" * 12, expiry=expiry)), due)


@pytest.mark.parametrize(
    ("found", "published"),
    [
        pytest.param(stands(replace(RUNNING, told=False), Due.PUBLISH), True, id="the window is over"),
        pytest.param(stands(RUNNING), True, id="a repeat has found out first"),
        pytest.param(stands(replace(RUNNING, handled=True)), False, id="another has told it"),
        pytest.param(stands(replace(RUNNING, handled=False)), False, id="another has told nobody"),
        pytest.param(stands(replace(RUNNING, told=False)), False, id="it is not over"),
        pytest.param(stands(replace(RUNNING, id="1a1a")), False, id="another expiry runs"),
        pytest.param(stands(None), False, id="it was healed"),
    ],
)
def test_after_the_window_it_is_told_once_unless_it_was_none(
    made: list[Told], found: Step, *, published: bool
) -> None:
    made.append(told := Told(shared=True, answers=found))
    told.teller.tell(EVENT, 3, 5.0, later=True)
    assert list(told.teller.waiting) == ["0f0f"]
    assert not told.announced
    assert not told.records
    [(seconds, alarm)] = told.alarms

    alarm()
    alarm()
    assert seconds == 7.0
    assert told.happened == [("0f0f", EVENT.session, Elapsed("0f0f"))] * 2
    assert told.announced == [(EVENT, 3, 5.0)] * published
    assert told.records == ([] if published else [ExpiryRecord(event=EVENT, handled=True)])
    assert list(told.teller.waiting) == []


def test_a_handler_that_failed_is_written_down(made: list[Told]) -> None:
    made.append(told := Told())
    told.teller.unhandled(EVENT)

    assert told.happened == [("0f0f", EVENT.session, Published("0f0f", handled=False))]
    assert told.records == [ExpiryRecord(event=EVENT, handled=False)]


@pytest.mark.parametrize(
    ("event", "written"),
    [(EVENT, 1), (None, 0), (replace(EVENT, id="another"), 0)],
    ids=["its own", "none", "other"],
)
def test_that_nobody_acts_is_written_down_for_the_expiry_that_the_gate_has(
    made: list[Told], event: SessionExpired | None, written: int
) -> None:
    made.append(told := Told())
    told.teller.unrenewed(event, "0f0f")

    assert told.records == [ExpiryRecord(event=EVENT, handled=False)] * written


def test_an_id_is_sixteen_hex_digits() -> None:
    assert len(random_id("a", 1)) == 16
    int(random_id(None, 0), 16)
    assert random_id("a", 1) != random_id("a", 1)


POLICY = Policy(provider="OpenHuman", hosts={HOST})


@pytest.mark.parametrize(
    ("failure", "operation", "status", "reason"),
    [
        (Failure(operation="chat", status=403), "chat", 403, "OpenHuman API error (403 Forbidden)"),
        (Failure(operation="mine"), "unknown", 401, "OpenHuman API error (401 Unauthorized)"),
        (
            Failure(domain="llm_provider", operation="mine"),
            "unknown",
            401,
            "OpenHuman API error (401 Unauthorized)",
        ),
        (Failure(), "unknown", 401, "OpenHuman API error (401 Unauthorized)"),
    ],
)
def test_a_draft_has_what_needs_no_redaction(
    failure: Failure, operation: str, status: int, reason: str
) -> None:
    draft = draft_of(replace(failure, trace_id="0f" * 16), FACT, POLICY, "1d")

    assert (draft.id, draft.source, draft.provider) == ("1d", POLICY.source, "OpenHuman")
    assert (draft.operation, draft.status, draft.reason) == (operation, status, reason)
    assert (draft.session, draft.trace_id, draft.confirmed) == (None, None, True)
    assert draft.at.tzinfo is not None
    assert draft_of(Failure(response=answer(HOST)), FACT, POLICY, "1d").session == "a" * 12


class Marks:
    """Marks what it has seen."""

    def redact(self, text: str) -> str:
        if text.endswith("raise"):
            raise LookupError(text)
        return f"<{text}>"


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (Failure(), "<r>"),
        (Failure(text="said"), "<said>"),
        (Failure(text="x" * 300), "<" + "x" * 199),
        (Failure(text="x" * 16_384 + "raise"), "<" + "x" * 199),
        (Failure(text="raise"), "[REDACTED]"),
        (Failure(response=answer(HOST, body="said")), "<r: said>"),
    ],
)
def test_a_finished_event_has_a_redacted_reason(failure: Failure, reason: str) -> None:
    counters = Counters()
    trail = AuditTrail(Backends([POLICY]), counters, Marks())
    event = finished(EVENT, replace(failure, trace_id="0f" * 16), POLICY, trail, Marks())

    assert event.reason == reason
    assert event.trace_id == "0f" * 16
    assert replace(event, reason="r", operation="chat", trace_id=None) == EVENT
    assert counters.get("faults", "reason") == (reason == "[REDACTED]")


@pytest.mark.parametrize(
    ("failure", "operation"),
    [
        (Failure(), "unknown"),
        (Failure(operation="chat"), "chat"),
        (Failure(domain="llm_provider", operation="mine"), "<mine>"),
    ],
)
def test_a_finished_event_names_its_operation(failure: Failure, operation: str) -> None:
    trail = AuditTrail(Backends([POLICY]), Counters(), Marks())

    assert finished(EVENT, failure, POLICY, trail, Marks()).operation == operation
