"""What is foreseen of a failure is what is then observed, whatever happened before it."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from sentry_filters import Failure, Policy, Verdict
from sentry_filters.core import Observed, Standing
from tests.support.deciding import TRACE, Deciding, answer

FACT = Verdict(drop=True, reason="x", grade="fact")
SESSIONS = ("a" * 12, "b" * 12, "c" * 12)
TRACES = (TRACE, TRACE[::-1], None)


def alike(foreseen: Observed, observed: Observed) -> bool:
    """Whether they are the same, except for the id of an expiry that is yet to be."""
    if foreseen.standing is Standing.FIRST:
        return replace(foreseen, expiry=observed.expiry) == observed
    return foreseen == observed


@pytest.mark.parametrize("listens", [True, False])
@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"renewal_grace": 0.0},
        {"renewal_grace": 0.0, "scope": "session"},
        {"renewal_grace": 0.0, "healing_window": 3_600.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("seed", range(6))
def test_what_is_foreseen_is_then_observed(policy: dict[str, Any], listens: bool, seed: int) -> None:
    rng = random.Random(seed)
    core = Deciding(Policy(provider="Alpha", hosts={"api.alpha.ai"}, **policy), listens=listens)
    life, seen = core.life(), list[Observed]()
    for _ in range(150):
        session, trace, can_show = rng.choice([*SESSIONS, None]), rng.choice(TRACES), rng.random() < 0.5
        response = answer("api.alpha.ai", session, began=None)
        failure = Failure(response=response, trace_id=trace)
        match rng.choice(["fails", "fails", "words", "words", "renewed", "succeeds", "asked"]):
            case "fails":
                before = life.foreseen(failure, is_words=False, can_show=can_show)
                seen.append(life.observe(failure, FACT, can_show=can_show))
                assert alike(before, seen[-1])
            case "words":
                spoken = Failure(trace_id=trace) if session is None else failure
                before = life.foreseen(spoken, is_words=True, can_show=can_show)
                assert before == life.foreseen(spoken, is_words=True, can_show=can_show)
                if life.corroborates(spoken):
                    seen.append(life.corroborated(spoken, can_show=can_show))
                    assert before == seen[-1]
            case "renewed":
                life.renew(session, rng.choice([None, *SESSIONS]))
            case "succeeds" if session is not None:
                core.succeeds(session, after=rng.choice([-30.0, 0.0]))
            case "asked":
                life.renewing(session, pending=rng.random() < 0.5)

    found = {one.standing for one in seen}
    assert found >= ({Standing.FIRST, Standing.REPEAT} if "renewal_grace" in policy else {Standing.STALE})
    assert listens or policy == {} or "unhandled" in {one.tag for one in seen}
    core.sessions.close(0.0)
    core.bus.close()
