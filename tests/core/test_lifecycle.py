"""The table of the session's life, row by row, as the pure function has it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from sentry_filters.core.lifecycle import SHOWN_AGAIN_AFTER, renewals_of, transition
from sentry_filters.core.session import Standing
from sentry_filters.core.states import (
    NEVER,
    Adopted,
    Asked,
    Due,
    Elapsed,
    Event,
    Expiry,
    Failed,
    Process,
    Published,
    Renewal,
    RenewalAsked,
    Renewed,
    Rule,
    Session,
    State,
    Step,
    Succeeded,
)

FIRST, REPEAT, STALE = Standing.FIRST, Standing.REPEAT, Standing.STALE
CLOSE_AND_PUBLISH = (Due.CLOSE, Due.PUBLISH)
OLD, PENDING = "old_credential", "renewal_pending"


def rule(scope: str = "process", window: float = 0.0) -> Rule:
    return Rule(
        scope=scope,  # type: ignore[arg-type]
        renewal_grace=30.0,
        healing_window=window,
        expiry_id=lambda name, after: f"{name}/{after}",
    )


def failed(began: float | None, now: float = 100.0, *, can_show: bool = True) -> Failed:
    return Failed(now=now, reported=now, began=began, can_show=can_show)


def renewed(at: float, credential: str | None = None, *, everyone: bool = True) -> Renewed:
    return Renewed(Renewal(round(at), at, credential), everyone)


@dataclass(frozen=True)
class Then:
    standing: Standing | None = None
    due: tuple[Due, ...] = ()
    reason: str | None = None


def run(events: list[Event], scope: str = "process", window: float = 0.0, name: str | None = "a") -> Step:
    """Let the events happen to one session, whose successes are remembered, and return the last step."""
    state, step = State(Process(), Session(name)), None
    for event in events:
        if isinstance(event, Succeeded) and event.credential == name:
            state = replace(state, succeeded=max(state.succeeded, event.began))
        if isinstance(event, Succeeded | Failed) and event.began is not None:
            state = replace(state, seen=event.began if state.seen == NEVER else min(state.seen, event.began))
        step = transition(rule(scope, window), state, event)
        state = step.state
    assert step is not None
    return step


ROWS = [
    pytest.param([failed(1)], {}, Then(FIRST, CLOSE_AND_PUBLISH), id="the session ends: close, then publish"),
    pytest.param([failed(1), failed(2)], {}, Then(REPEAT), id="repeats are dropped"),
    pytest.param([failed(1), renewed(50)], {}, Then(due=(Due.OPEN_ALL,)), id="a sign-in opens the gate"),
    pytest.param([failed(1), renewed(50), renewed(40)], {}, Then(), id="an earlier sign-in, heard of later"),
    pytest.param(
        [failed(1)], {"window": 5}, Then(FIRST, (Due.CLOSE, Due.WAIT)), id="healing window: close, wait"
    ),
    pytest.param(
        [failed(1), Elapsed("a/0")],
        {"window": 5},
        Then(due=(Due.PUBLISH,)),
        id="healing window is over: publish",
    ),
    pytest.param(
        [failed(1), renewed(101), Elapsed("a/0")],
        {"window": 5},
        Then(),
        id="healing window: a renewal came first",
    ),
    pytest.param(
        [failed(1), Succeeded("a", 102, 0), Elapsed("a/0")],
        {"window": 5},
        Then(),
        id="healing window: a success came first",
    ),
    pytest.param(
        [failed(1), Succeeded("b", 102, 0)],
        {"window": 5},
        Then(due=(Due.RECOVERED,)),
        id="healing window: another credential's success heals",
    ),
    pytest.param(
        [failed(1), Succeeded("b", 102, 0)],
        {},
        Then(),
        id="without one, another credential's success does not",
    ),
    pytest.param(
        [failed(1), failed(2, 106)],
        {"window": 5},
        Then(REPEAT, (Due.PUBLISH,)),
        id="healing window is over, and nobody woke up to tell",
    ),
    pytest.param(
        [renewed(50, "b"), failed(49)], {}, Then(STALE), id="in flight at a rotation, never failed: stale"
    ),
    pytest.param(
        [failed(1), renewed(50, "b"), failed(49)],
        {},
        Then(STALE),
        id="in flight at a renewal, failed before: stale",
    ),
    pytest.param([renewed(50), failed(49)], {}, Then(STALE), id="in flight at an unnamed renewal: stale"),
    pytest.param(
        [renewed(50), failed(50)],
        {},
        Then(FIRST, CLOSE_AND_PUBLISH),
        id="begun with an unnamed renewal: new",
    ),
    pytest.param([renewed(90), failed(None)], {}, Then(STALE), id="start unknown, within the grace: stale"),
    pytest.param(
        [renewed(50), failed(None)],
        {},
        Then(FIRST, CLOSE_AND_PUBLISH),
        id="start unknown, after the grace: new",
    ),
    pytest.param(
        [failed(1), renewed(50, "b"), failed(51)],
        {},
        Then(STALE, (Due.SHOW,), OLD),
        id="an old credential used on: shown",
    ),
    pytest.param(
        [renewed(50, "b"), failed(51)],
        {},
        Then(STALE, (Due.SHOW,), OLD),
        id="an old credential that never failed",
    ),
    pytest.param(
        [renewed(50, "b"), Succeeded("a", 60.0, 60), failed(70)],
        {},
        Then(FIRST, CLOSE_AND_PUBLISH),
        id="a credential that appeared after a sign-in and worked: a newer one, which nobody named",
    ),
    pytest.param(
        [Succeeded("a", 40.0, 40), renewed(50, "b"), Succeeded("a", 60.0, 60), failed(70)],
        {},
        Then(STALE, (Due.SHOW,), OLD),
        id="an old credential that worked for a while",
    ),
    pytest.param(
        [renewed(50, "b"), failed(51), failed(52)], {}, Then(STALE, (), OLD), id="its repeats are dropped"
    ),
    pytest.param(
        [renewed(50, "b"), failed(51), failed(52, 100 + SHOWN_AGAIN_AFTER)],
        {},
        Then(STALE, (Due.SHOW,), OLD),
        id="shown again after an hour",
    ),
    pytest.param(
        [renewed(50, "b"), failed(51, can_show=False)],
        {},
        Then(STALE, (), OLD),
        id="an old credential's span shows nothing",
    ),
    pytest.param(
        [failed(1), renewed(50), failed(51)],
        {},
        Then(FIRST, CLOSE_AND_PUBLISH),
        id="after an unnamed renewal: new",
    ),
    pytest.param(
        [failed(1), renewed(50, "a"), failed(51)],
        {},
        Then(FIRST, CLOSE_AND_PUBLISH),
        id="after a renewal with the same credential: new",
    ),
    pytest.param(
        [failed(1), Succeeded("a", 2, 7)],
        {},
        Then(due=(Due.RECOVERED,)),
        id="a success begun after it: recovered",
    ),
    pytest.param(
        [failed(5), Succeeded("a", 4, 7)], {}, Then(), id="a success begun before it proves nothing"
    ),
    pytest.param(
        [failed(1), failed(5), Succeeded("a", 4, 7)], {}, Then(), id="nor one before the latest failure"
    ),
    pytest.param(
        [failed(1), Succeeded("a", 2, 7), failed(3)],
        {},
        Then(FIRST, CLOSE_AND_PUBLISH),
        id="recovered, and it fails again: new",
    ),
    pytest.param(
        [Succeeded("a", 2, 7), failed(1)],
        {},
        Then(reason="contradicting_success"),
        id="it has succeeded since",
    ),
    pytest.param(
        [Succeeded("a", 2, 7), renewed(50, "b"), failed(1)],
        {},
        Then(reason="contradicting_success"),
        id="contradicted before stale",
    ),
    pytest.param(
        [RenewalAsked(True), failed(1)],
        {},
        Then(reason=PENDING),
        id="its renewal is asked for: not known yet",
    ),
    pytest.param(
        [RenewalAsked(True), RenewalAsked(False), failed(1)],
        {},
        Then(FIRST, CLOSE_AND_PUBLISH),
        id="its renewal was refused: its end",
    ),
    pytest.param(
        [RenewalAsked(True), renewed(50), failed(51)],
        {},
        Then(FIRST, CLOSE_AND_PUBLISH),
        id="asked for, and somebody signed in since: a new end",
    ),
    pytest.param([failed(1), RenewalAsked(True), failed(2)], {}, Then(REPEAT), id="known to be dead before"),
    pytest.param(
        [RenewalAsked(True), renewed(50, "b"), failed(49)], {}, Then(STALE), id="stale before pending"
    ),
    pytest.param([renewed(50, "b"), failed(49)], {}, Then(STALE), id="stale before old credential"),
    pytest.param(
        [failed(1), Published("a/0", False), Asked(True)],
        {},
        Then(due=(Due.SHOW,)),
        id="nobody took it: shown",
    ),
    pytest.param(
        [failed(1), Published("a/0", False), Asked(False), Asked(False)], {}, Then(), id="shown once"
    ),
    pytest.param([failed(1), Published("a/0", True), Asked(True)], {}, Then(), id="handled: not shown"),
    pytest.param(
        [failed(1), Asked(False)],
        {"window": 5},
        Then(due=(Due.SHOW,)),
        id="not told yet, and nobody listens: shown",
    ),
    pytest.param(
        [Adopted("x", 0, 100), failed(1)], {}, Then(REPEAT), id="found by another process: a repeat"
    ),
    pytest.param([Adopted("x", 0, 100)], {}, Then(due=(Due.CLOSE,)), id="found by another process: close"),
    pytest.param(
        [renewed(50), Adopted("x", 0, 100)], {}, Then(), id="found by another process, renewed since: open"
    ),
    pytest.param(
        [failed(1), Adopted("x", 0, 100), Elapsed("a/0")],
        {"window": 5},
        Then(),
        id="told elsewhere in the window",
    ),
    pytest.param(
        [Adopted("x", 0, 100), Asked(False)], {}, Then(), id="found by another process: not shown here"
    ),
    pytest.param(
        [Succeeded("a", 1, 0), Succeeded("b", 2, 0), Succeeded("a", 3, 0)],
        {"name": "a"},
        Then(),
        id="one session alone does not see several in use",
    ),
    pytest.param(
        [renewed(50, "b", everyone=False), failed(49)],
        {"scope": "session"},
        Then(STALE),
        id="session scope: in flight when it was replaced",
    ),
    pytest.param(
        [renewed(50, "b", everyone=False), failed(51)],
        {"scope": "session"},
        Then(STALE, (Due.SHOW,), OLD),
        id="session scope: used on after it was replaced",
    ),
    pytest.param(
        [failed(1), renewed(50, "a", everyone=False)],
        {"scope": "session"},
        Then(due=(Due.OPEN,)),
        id="session scope: its own renewal opens its own gate",
    ),
]


@pytest.mark.parametrize(("events", "given", "then"), ROWS)
def test_a_row_of_the_table(events: list[Event], given: dict[str, object], then: Then) -> None:
    step = run(events, **given)  # type: ignore[arg-type]

    assert Then(step.standing, step.due, step.reason) == then


@pytest.mark.parametrize(
    ("scope", "credential", "replaces", "renewals"),
    [
        pytest.param("process", "n", "o", ((None, "n"),), id="a process has one session"),
        pytest.param("process", None, None, ((None, None),), id="unnamed"),
        pytest.param("session", "n", None, (("n", "n"),), id="one user's sign-in is nobody else's"),
        pytest.param("session", "n", "o", (("n", "n"), ("o", "n")), id="but of the credential it replaces"),
        pytest.param("session", None, None, ((None, None),), id="unnamed is everybody's"),
    ],
)
def test_what_a_sign_in_renews(
    scope: str, credential: str | None, replaces: str | None, renewals: tuple[object, ...]
) -> None:
    assert renewals_of(scope, credential, replaces) == renewals


def expiry(**changes: object) -> Expiry:
    facts: dict[str, object] = {"id": "x", "after": 0, "failed": 1.0, "found": 10.0, "told": True, **changes}
    return Expiry(**facts)  # type: ignore[arg-type]


def test_another_credential_behind_a_closed_gate_is_a_session_of_its_own_and_warned_of() -> None:
    state = State(Process(), Session("b"), crowded=True)

    assert transition(rule(), state, failed(1)).due == (*CLOSE_AND_PUBLISH, Due.WARN)
    assert transition(rule("session"), state, failed(1)).due == CLOSE_AND_PUBLISH


def test_a_failure_that_names_none_repeats_the_running_expiry() -> None:
    step = transition(rule(), State(Process(), Session(None), beside=expiry()), failed(50))

    assert (step.standing, step.state.session.expiry) == (REPEAT, None)


def test_an_expiry_seen_first_without_its_credential_is_taken_over() -> None:
    step = transition(rule(), State(Process(), Session("a"), beside=expiry(told=False)), failed(9))

    assert step.standing is REPEAT
    assert step.state.session.expiry == expiry(told=True), "told of once, where it was found"
    later = transition(rule(), State(Process(), Session("a"), beside=expiry()), failed(11))
    assert later.standing is FIRST
    unknown = transition(rule(), State(Process(), Session("a"), beside=expiry()), Failed(now=11, reported=11))
    assert unknown.standing is REPEAT, "a report that knows no start may be of the same call"


def test_several_credentials_in_use_take_turns() -> None:
    process = Process()
    warned = []
    for number, credential in enumerate(["a", "a", "b", "b", "a"]):
        step = transition(rule(), State(process, Session(credential)), Succeeded(credential, number, 0))
        process = step.state.process
        warned.append(Due.WARN in step.due)

    assert warned == [False, False, False, False, True]
    after = transition(rule(), State(process, Session("a")), renewed(50, "c")).state.process
    assert after.used == (), "a rotation is not several in use"
    late = transition(rule(), State(after, Session("b")), Succeeded("b", 49, 0))
    assert late.state.process.used == ()


def test_a_credentials_name_may_come_after_what_followed_its_renewal() -> None:
    known = State(Process(Renewal(50, 50.0)), Session("a"))

    step = transition(rule(), known, renewed(50, "b"))

    assert (step.due, step.state.process.renewal.credential) == ((), "b")


def test_a_later_expiry_is_not_replaced_by_an_earlier_one() -> None:
    known = State(Process(), Session("a", Renewal(7, 7.0), expiry(after=7)))

    assert transition(rule(), known, Adopted("y", 3, 100.0)).state is known


def test_what_is_told_of_another_expiry_changes_nothing() -> None:
    known = State(Process(), Session("a", expiry=expiry(told=False)))

    assert transition(rule(window=5), known, Elapsed("y")) == Step(known)
    assert transition(rule(window=5), known, Published("y", False)) == Step(known)


def test_a_credential_that_recovered_is_old_all_the_same_once_a_sign_in_names_another() -> None:
    recovered = Session("a", Renewal(60, 60.0), expiry(after=0))

    step = transition(rule(), State(Process(Renewal(50, 50.0, "b")), recovered), failed(70))

    assert (step.standing, step.reason) == (STALE, OLD)


def test_what_another_process_found_after_a_later_sign_in_is_a_repeat() -> None:
    adopted = Session("a", Renewal(60, 60.0), expiry(after=60))

    step = transition(rule(), State(Process(Renewal(50, 50.0, "b")), adopted), failed(70))

    assert step.standing is REPEAT


def test_an_expiry_that_recovers_is_stamped_later_than_any_renewal_that_holds_for_it() -> None:
    known = State(Process(Renewal(50, 50.0)), Session("a", expiry=expiry(after=50, failed=60.0)))

    step = transition(rule(), known, Succeeded("a", 61.0, 20))

    assert step.state.session.renewal == Renewal(51, 61.0)
    assert step.state.succeeded == NEVER, "the shell remembers successes"
