"""What a signal handler may do in the middle of a step: the step takes it into account."""

from __future__ import annotations

import pytest

from sentry_filters import SchedulerGate, SessionExpired
from sentry_filters.core import knowledge
from sentry_filters.core.gatekeeper import GateKeeper
from sentry_filters.core.knowledge import Knowledge
from sentry_filters.core.lifecycle import transition
from sentry_filters.core.session import Standing
from sentry_filters.core.states import Event, Failed, Renewal, Renewed, Rule, State, Step
from tests.support.expiries import expiry

RULE = Rule(
    scope="process", renewal_grace=0.0, healing_window=0.0, expiry_id=lambda name, after: f"{name} {after}"
)
FAILED = Failed(now=10.0, reported=10.0, began=10.0)
RENEWED = Renewed(Renewal(stamp=5, at=20.0), everyone=True)


class Interrupted:
    """Lets a signal handler act in the middle of the first transition."""

    def __init__(self) -> None:
        self.known = Knowledge(RULE)
        self.acts: list[tuple[str, Event]] = []

    def __call__(self, rule: Rule, state: State, event: Event) -> Step:
        acts, self.acts = self.acts, []
        step = transition(rule, state, event)
        for name, happens in acts:
            self.known.apply(name, happens)
        return step


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Interrupted:
    interrupted = Interrupted()
    monkeypatch.setattr(knowledge, "transition", interrupted)
    return interrupted


def test_a_failure_that_a_sign_in_overtakes_is_stale(interrupted: Interrupted) -> None:
    interrupted.acts = [("b", RENEWED)]
    ended = interrupted.known.apply("a", Renewed(Renewal(stamp=3, at=15.0), everyone=True))
    assert ended.state.process.renewal.stamp == 5, "the later sign-in counts, although it came in between"

    step = interrupted.known.apply("a", FAILED)
    assert step.standing is Standing.STALE


def test_one_failure_that_is_found_twice_at_once_is_one_expiry(interrupted: Interrupted) -> None:
    interrupted.acts = [("a", FAILED)]
    outer = interrupted.known.apply("a", FAILED)

    assert outer.standing is Standing.REPEAT, "the handler's was the first"


def test_a_session_that_is_forgotten_in_between_does_not_come_back(
    interrupted: Interrupted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knowledge, "MOST_SESSIONS", 1)
    interrupted.acts = [("b", FAILED)]
    interrupted.known.apply("a", FAILED)

    assert interrupted.known.state("a").session.expiry is None
    assert interrupted.known.state("b").running is not None


def test_the_gate_stays_open_if_the_sign_in_comes_while_it_closes() -> None:
    known = Knowledge(RULE)

    class Gate(SchedulerGate):
        def close(self, event: SessionExpired, *, instead_of: str | None = None) -> None:
            known.apply(None, RENEWED)
            super().close(event, instead_of=instead_of)

    gate = Gate()
    step = known.apply("a", FAILED)
    assert step.state.running is not None
    GateKeeper("process", gate, known).close(expiry("a"), "a")

    assert gate.is_open
    assert known.latest_running is None
