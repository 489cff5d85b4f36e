"""The session's life at its edges: equal moments, and all that is known after a step, not only its dues."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from sentry_filters import Policy
from sentry_filters.core.lifecycle import transition
from sentry_filters.core.session import Standing
from sentry_filters.core.states import (
    UNRENEWED_AFTER,
    UNRENEWED_CALLS,
    Adopted,
    Due,
    Elapsed,
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


def rule(window: float = 0.0, scope: Any = "process") -> Rule:
    return Rule(
        scope=scope,
        renewal_grace=30.0,
        healing_window=window,
        expiry_id=lambda name, after: f"{name}/{after}",
    )


def failed(began: float | None, now: float = 100.0) -> Failed:
    return Failed(now=now, reported=now, began=began)


EXPIRY = Expiry("x", after=0, failed=5.0, found=10.0, told=True)


def known(expiry: Expiry | None = EXPIRY, **facts: Any) -> State:
    return State(Process(), Session("a", expiry=expiry), **facts)


def after(step: Step) -> Expiry:
    assert step.state.session.expiry is not None
    return step.state.session.expiry


def test_a_failure_that_began_with_the_latest_success_is_not_contradicted() -> None:
    assert transition(rule(), known(None, succeeded=5.0), failed(5)).standing is Standing.FIRST
    assert transition(rule(), known(None, succeeded=5.1), failed(5)).reason == "contradicting_success"


@pytest.mark.parametrize(("began", "standing"), [(10, Standing.REPEAT), (10.1, Standing.FIRST)])
def test_a_failure_that_began_when_the_nameless_expiry_was_found_is_of_it(
    began: float, standing: Standing
) -> None:
    assert transition(rule(), known(None, beside=EXPIRY), failed(began)).standing is standing


def test_a_pending_renewal_changes_nothing_of_what_is_known() -> None:
    state = transition(rule(), known(None), RenewalAsked(pending=True)).state

    assert transition(rule(), state, failed(1)) == Step(state, reason="renewal_pending")


@pytest.mark.parametrize(("reported", "standing"), [(79.9, Standing.STALE), (80, Standing.FIRST)])
def test_the_grace_ends_after_its_seconds(reported: float, standing: Standing) -> None:
    state = State(Process(Renewal(50, 50.0)), Session("a"))

    assert transition(rule(), state, Failed(now=100.0, reported=reported)).standing is standing


@pytest.mark.parametrize(("worked", "standing"), [(49.9, Standing.STALE), (50, Standing.FIRST)])
def test_a_credential_that_first_worked_at_a_sign_in_is_a_newer_one(
    worked: float, standing: Standing
) -> None:
    state = State(Process(Renewal(50, 50.0, "b")), Session("a"), succeeded=worked, seen=worked)

    assert transition(rule(), state, failed(60)).standing is standing


@pytest.mark.parametrize(
    ("expiry", "began", "now", "expected", "due"),
    [
        ({}, 5, 50, {}, ()),
        ({}, 6, 50, {"failed": 6.0, "calls": 1}, ()),
        ({"told": False}, 5, 14.9, {"told": False}, ()),
        ({"told": False}, 5, 15, {"told": True, "calls": 1}, (Due.PUBLISH,)),
        ({"told": False}, 4, 15, {"told": True, "calls": 1}, (Due.PUBLISH,)),
        ({"told": False}, 6, 14, {"told": False, "failed": 6.0, "calls": 1}, ()),
        ({"calls": 8}, 70, 80, {"failed": 70.0, "calls": 9}, ()),
        ({"calls": 9}, 70, 74.9, {"failed": 70.0, "calls": 10}, ()),
        ({"calls": 9}, 70, 75, {"failed": 70.0, "calls": 11}, (Due.UNRENEWED,)),
        ({"calls": 10}, 70, 75, {"failed": 70.0, "calls": 11}, (Due.UNRENEWED,)),
        ({"calls": 11}, 70, 80, {"failed": 70.0, "calls": 11}, ()),
        (
            {"calls": 9, "told": False}, 70, 80, {"failed": 70.0, "told": True, "calls": 11},
            (Due.PUBLISH, Due.UNRENEWED),
        ),
    ],
)  # fmt: skip
def test_what_a_repeat_adds_to_an_expiry(
    expiry: dict[str, Any], began: float, now: float, expected: dict[str, Any], due: tuple[Due, ...]
) -> None:
    before = replace(EXPIRY, **expiry)

    step = transition(rule(window=5), known(before), failed(began, now))

    assert (step.standing, step.due) == (Standing.REPEAT, due)
    assert after(step) == replace(before, **expected)


def test_nobody_is_late_where_nobody_is_told() -> None:
    def of(mode: Any) -> Rule:
        policy = Policy(provider="OpenHuman", mode=mode, scope="session", renewal_grace=7, healing_window=3)
        return Rule.of(policy, lambda name, stamp: "id")

    assert (UNRENEWED_AFTER, UNRENEWED_CALLS) == (60, 10)
    assert of("shadow").unrenewed_after == math.inf
    enforced = of("enforce")
    assert (enforced.unrenewed_after, enforced.scope) == (60, "session")
    assert (enforced.renewal_grace, enforced.healing_window, enforced.expiry_id("a", 1)) == (7, 3, "id")


def test_a_success_that_began_with_the_latest_failure_proves_nothing() -> None:
    assert transition(rule(), known(), Succeeded("a", 5.0, 1)).due == ()
    assert transition(rule(), known(), Succeeded("a", 5.1, 1)).due == (Due.RECOVERED,)


def test_the_last_two_credentials_in_use_are_remembered() -> None:
    process = Process(Renewal(50, 50.0), used=("a", "b"))

    used = transition(rule(), State(process, Session("c")), Succeeded("c", 50.0, 1)).state.process.used

    assert used == ("b", "c"), "a call that began with the renewal is one of the new credential"


@pytest.mark.parametrize(
    ("renewal", "everyone", "due", "process", "session"),
    [
        (
            Renewal(9, 9.0, "n"),
            True,
            (Due.OPEN_ALL,),
            Process(Renewal(9, 9.0, "n"), ()),
            Renewal(3, 3.0, "a"),
        ),
        (Renewal(7, 8.0, "n"), True, (), Process(Renewal(7, 7.0, "n"), ("a", "b")), Renewal(3, 3.0, "a")),
        (Renewal(6, 6.0, "n"), True, (), Process(Renewal(7, 7.0), ("a", "b")), Renewal(3, 3.0, "a")),
        (Renewal(3, 9.0, "n"), False, (), Process(Renewal(7, 7.0), ("a", "b")), Renewal(3, 3.0, "a")),
        (
            Renewal(5, 5.0, "n"),
            False,
            (Due.OPEN,),
            Process(Renewal(7, 7.0), ("a", "b")),
            Renewal(5, 5.0, "n"),
        ),
    ],
)
def test_what_a_renewal_leaves_known(
    renewal: Renewal, everyone: bool, due: tuple[Due, ...], process: Process, session: Renewal
) -> None:
    state = State(Process(Renewal(7, 7.0), ("a", "b")), Session("a", Renewal(3, 3.0, "a")))

    step = transition(rule(), state, Renewed(renewal, everyone))

    assert step == Step(State(process, Session("a", session)), due)


@pytest.mark.parametrize(
    ("before", "event", "expected"),
    [
        (None, Adopted("y", 3, 50.0), Expiry("y", 3, 50.0, 50.0, told=True, handled=True, shown=True)),
        (EXPIRY, Adopted("y", 3, 50.0), Expiry("y", 3, 50.0, 50.0, told=True, handled=True, shown=True)),
        (EXPIRY, Adopted("y", 3, 4.0), Expiry("y", 3, 5.0, 4.0, told=True, handled=True, shown=True)),
        (EXPIRY, Adopted("x", 3, 50.0), replace(EXPIRY, after=3, handled=True)),
        (replace(EXPIRY, told=False), Adopted("x", 3, 50.0), replace(EXPIRY, after=3, handled=True)),
        (replace(EXPIRY, handled=True), Adopted("x", 0, 50.0), replace(EXPIRY, handled=True)),
        (replace(EXPIRY, handled=False), Adopted("x", 0, 50.0), replace(EXPIRY, handled=False)),
        (EXPIRY, Published("x", handled=True), replace(EXPIRY, handled=True)),
        (EXPIRY, Published("x", handled=False), replace(EXPIRY, handled=False)),
        (replace(EXPIRY, told=False), Published("x", handled=True), replace(EXPIRY, handled=True)),
        (replace(EXPIRY, handled=True), Published("x", handled=True), replace(EXPIRY, handled=True)),
        (replace(EXPIRY, handled=False), Published("x", handled=True), replace(EXPIRY, handled=False)),
        (replace(EXPIRY, told=False), Elapsed("x"), EXPIRY),
    ],
)
def test_what_is_known_of_an_expiry_that_is_told_of(
    before: Expiry | None, event: Adopted | Published | Elapsed, expected: Expiry
) -> None:
    assert after(transition(rule(window=5), known(before), event)) == expected
