"""The one act of deciding: what becomes of a report, what is counted and what the audit is told of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

import pytest

from sentry_filters import DecisionRecord, Failure, Policy, SessionExpiredError
from tests.support.deciding import OURS, TRACE, Deciding, answer, stated, wire
from tests.support.expiries import expiry

A, B = "a" * 12, "b" * 12
POLICY = Policy(provider="Alpha", hosts={"api.alpha.ai"})
OTHER = Policy(provider="Beta", hosts={"api.beta.ai"})
FACT = Failure(response=answer("api.alpha.ai", A), trace_id=TRACE)
UNRELATED = Failure(text="division by zero")


def told(record: DecisionRecord) -> tuple[str, str, str, str | None, str | None]:
    return record.signal, record.verdict, record.reason, record.standing, record.grade


# What is counted, and told to the audit


def test_what_is_dropped_is_recorded_with_its_expiry() -> None:
    core = Deciding(POLICY)
    decision = core.decider.decide("event", (FACT,))
    core.decider.decide("span", (FACT,), demotes=True)

    assert (decision.drop, decision.expiry) == (True, core.decided[0].expiry)
    assert decision.expiry
    assert [told(one) for one in core.decided] == [
        ("event", "drop", OURS, "first", "fact"),
        ("span", "demote", OURS, "repeat", "fact"),
    ]
    assert {one.expiry for one in core.decided} == {decision.expiry}
    assert core.counters.get("decisions", "event", "drop", OURS) == 1
    assert core.counters.get("decisions", "span", "demote", OURS) == 1


def test_what_is_kept_is_recorded_with_the_reason() -> None:
    core = Deciding(POLICY)
    core.succeeds(A, after=60.0)
    for failure in (FACT, wire("Alpha"), replace(FACT, second_failure=True), UNRELATED):
        assert not core.decide(failure)[0]

    assert [(*told(one), one.expiry) for one in core.decided] == [
        ("event", "keep", "contradicting_success", None, "fact", None),
        ("event", "keep", "uncorroborated", None, "words", None),
        ("event", "keep", "second_failure", None, None, None),
    ]
    assert core.counters.get("decisions", "event", "keep", "unrelated") == 1
    assert core.counters.get("decisions", "event", "keep") == 4


def test_where_nobody_listens_the_first_that_can_be_shown_is_shown() -> None:
    core = Deciding(POLICY, listens=False)
    assert core.decide(FACT, signal="span") == (True, OURS)
    assert core.decide(wire("Alpha")) == (True, OURS)
    shown = core.decider.decide("event", (wire("Alpha"),), can_show=True)

    assert (shown.drop, shown.tag, shown.verdict.drop) == (False, "unhandled", True)
    assert told(core.decided[-1]) == ("event", "keep", "unhandled", "repeat", "words")
    assert core.decided[-1].expiry == shown.expiry is not None
    assert core.decide(FACT, can_show=True) == (True, OURS), "the next is not"


def test_words_repeat_the_end_of_the_session_that_they_speak_of_and_are_no_end_of_their_own() -> None:
    core = Deciding(replace(POLICY, scope="session"))
    core.decide(FACT)
    assert core.decide(wire("Alpha", trace_id=TRACE)) == (True, OURS)

    assert [told(one) for one in core.decided] == [
        ("event", "drop", OURS, "first", "fact"),
        ("event", "drop", OURS, "repeat", "words"),
    ]
    assert core.decided[0].expiry == core.decided[1].expiry
    assert core.sessions.gate.is_open, "for everybody else"


@pytest.mark.parametrize("listens", [True, False])
def test_shadow_mode_keeps_what_would_be_dropped(listens: bool) -> None:
    core = Deciding(replace(POLICY, mode="shadow"), listens=listens)
    found = [core.decider.decide("event", (FACT,), can_show=True) for _ in range(2)]

    assert [(one.drop, one.shadowed, one.recognised) for one in found] == [
        (False, listens, listens),  # where nobody listens, it would have been shown
        (False, True, True),
    ]
    first = ("would_drop", OURS) if listens else ("keep", "unhandled")
    assert [(one.verdict, one.reason) for one in core.decided] == [first, ("would_drop", OURS)]
    assert core.sessions.gate.is_open


# What an earlier decision made of it


@pytest.mark.parametrize("scope", ["process", "session"])
def test_what_is_noted_of_a_dropped_failure_names_its_expiry(scope: Literal["process", "session"]) -> None:
    core = Deciding(replace(POLICY, scope=scope), OTHER)
    core.decide(FACT)
    beside = Failure(response=answer("api.beta.ai", B))
    for failure in (FACT, beside):
        core.decider.note("span", "drop", OURS, failure)

    first, noted, other = core.decided
    assert (noted.standing, noted.expiry, noted.grade) == ("repeat", first.expiry, None)
    assert (other.standing, other.expiry, other.backend) == ("stale", None, "Beta")


def test_what_is_noted_without_a_failure_is_only_counted() -> None:
    core = Deciding(POLICY)
    core.decider.note("event", "keep", "announced", None)
    core.decider.note("event", "drop", "unrelated", FACT)
    core.decider.note("event", "keep", "fault", FACT)

    assert core.counters.get("decisions", "event") == 3
    assert [(one.verdict, one.reason, one.expiry) for one in core.decided] == [("keep", "fault", None)]


# Refusals of the gate


def test_a_refusal_is_dropped_and_names_the_expiry_that_closed_the_gate() -> None:
    core, event = Deciding(POLICY), expiry(A)
    assert core.decider.refused("event", SessionExpiredError(event), lambda _: ())
    assert core.decider.refused("log", RuntimeError("known by its type's name alone"), lambda _: ())

    [record] = core.decided
    assert told(record) == ("event", "drop", "refused_by_gate", None, None)
    assert record.expiry == event.id
    assert [core.counters.get("decisions", one, "drop", "refused_by_gate") for one in ("event", "log")] == [
        1,
        1,
    ]


def test_in_shadow_mode_a_refusal_is_anothers() -> None:
    core = Deciding(replace(POLICY, mode="shadow"))
    assert not core.decider.refused("event", SessionExpiredError(expiry(A)), lambda _: ())
    assert core.counters.counts() == {}


def raised_in_the_handling_of(failed: BaseException) -> BaseException:
    try:
        try:
            raise failed
        except Exception:
            raise SessionExpiredError(expiry(A))  # noqa: B904 - implicit, as in a retry
    except SessionExpiredError as error:
        return error


@pytest.mark.parametrize(
    ("failures", "dropped"),
    [
        ((), True),
        ((FACT,), True),
        ((UNRELATED,), True),  # no failed call
        ((Failure(response=answer("api.third.ai", A)),), False),
        ((FACT, Failure(response=answer("api.third.ai", A))), False),
    ],
)
def test_a_refusal_that_hides_another_failed_call_is_kept(
    failures: tuple[Failure, ...], dropped: bool
) -> None:
    error = raised_in_the_handling_of(ValueError("the call"))
    core = Deciding(POLICY)

    assert (
        core.decider.refused("event", error, lambda one: failures if isinstance(one, ValueError) else ())
        is dropped
    )


# Faults of our own


class Broken(tuple[Failure, ...]):
    def __iter__(self) -> Iterator[Failure]:
        raise ZeroDivisionError("a payload")


def test_a_fault_of_our_own_keeps_the_report_and_is_named(caplog: pytest.LogCaptureFixture) -> None:
    core = Deciding(POLICY)

    assert core.decide(*(), signal="event") == (False, "unrelated")
    decision = core.decider.decide("event", Broken())
    assert (decision.drop, decision.verdict.reason) == (False, "fault")
    assert core.counters.get("faults", "decide") == 1
    assert "decide raised ZeroDivisionError" in caplog.text
    assert "payload" not in caplog.text


# Rehearsals


class Rehearsal:
    """A check that made `FACT` and `UNRELATED`."""

    def __init__(self) -> None:
        self.asked: list[tuple[Failure, ...]] = []
        self.told: list[tuple[str, bool]] = []

    def owns(self, failures: Sequence[Failure]) -> bool:
        self.asked.append(tuple(failures))
        return bool(failures) and all(one in (FACT, UNRELATED) for one in failures)

    def decided(self, signal: str, *, drop: bool) -> None:
        self.told.append((signal, drop))


def test_a_rehearsal_is_recognised_and_has_no_consequences() -> None:
    core, rehearsal = Deciding(POLICY), Rehearsal()
    with core.decider.rehearsing(rehearsal):
        assert core.decide(FACT) == (True, OURS)
        assert core.decide(UNRELATED, signal="log") == (False, "unrelated")
        core.decider.note("span", "drop", OURS, FACT)

    assert rehearsal.told == [("event", True), ("log", False)]
    assert rehearsal.asked == [(FACT,), (UNRELATED,), (FACT,)]
    assert core.counters.counts() == {}
    assert core.records == []
    assert core.sessions.gate.is_open
    core.decide(FACT)
    assert not core.sessions.gate.is_open, "after it everything is decided as always"


def test_what_a_rehearsal_did_not_make_is_decided_as_always() -> None:
    core, rehearsal = Deciding(POLICY), Rehearsal()
    with core.decider.rehearsing(rehearsal):
        assert core.decide(stated("Alpha")) == (True, OURS)
        core.decider.note("log", "keep", "announced", None)

    assert rehearsal.told == []
    assert () in rehearsal.asked
    assert not core.sessions.gate.is_open
    assert core.counters.get("decisions") == 2
