"""What the failures of one report amount to together."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from sentry_filters import Endpoint, Failure, Policy, Response, Verdict
from sentry_filters.core import Observed, Standing
from sentry_filters.core.weighing import urgency
from tests.support.deciding import OURS, TRACE, Deciding, answer, stated, wire

A, B = "a" * 12, "b" * 12
ALPHA = Policy(provider="Alpha", hosts={"api.alpha.ai"})
BETA = Policy(provider="Beta", hosts={"api.beta.ai"})
OF_ALPHA = answer("api.alpha.ai", A)
OF_BETA = answer("api.beta.ai", B)
FACT = Failure(response=OF_ALPHA, trace_id=TRACE)
NAMELESS = Failure(response=answer("api.alpha.ai", None), trace_id=TRACE)
WORDS = wire("Alpha", trace_id=TRACE)


# The surest evidence decides


@pytest.mark.parametrize(
    ("surest", "other"),
    [
        (stated("Alpha"), WORDS),
        (FACT, stated("Alpha")),
        (FACT, WORDS),
        (replace(stated("Alpha"), response=Response(status=401)), stated("Alpha")),
        (Failure(response=replace(OF_ALPHA, recorded=True)), FACT),
        (Failure(response=replace(OF_ALPHA, body='{"error":"x"}')), FACT),
        (
            Failure(response=replace(OF_ALPHA, recorded=True)),
            Failure(response=replace(OF_ALPHA, body='{"error":"x"}')),
        ),
    ],
)
def test_of_one_backend_the_surest_evidence_decides(surest: Failure, other: Failure) -> None:
    weighing = Deciding(ALPHA).weighing
    for failures in ((surest, other), (other, surest)):
        assert [failure for _, failure in weighing.deciding(failures)] == [surest]


def test_of_several_backends_each_decides_the_surest_first() -> None:
    weighing = Deciding(ALPHA, BETA).weighing
    beta = Failure(response=OF_BETA)
    for failures in itertools.permutations((stated("Alpha"), wire("Alpha"), beta)):
        assert [failure for _, failure in weighing.deciding(failures)] == [beta, stated("Alpha")]


def test_without_a_failure_nothing_is_recognised() -> None:
    assert [verdict.reason for verdict, _ in Deciding(ALPHA).weighing.deciding(())] == ["unrelated"]


def test_what_is_kept_is_more_urgent_than_what_is_shown_and_that_than_what_is_dropped() -> None:
    verdict, failure = Verdict(drop=True, reason=OURS), Failure()
    kept = Observed(None, None, "contradicting_success")
    shown = Observed(Standing.FIRST, "e", tag="unhandled")
    dropped = Observed(Standing.REPEAT, "e")
    for seen in itertools.permutations((kept, shown, dropped)):
        ordered = sorted(((one, verdict, failure) for one in seen), key=urgency)
        assert [one for one, _, _ in ordered] == [kept, shown, dropped]


def test_a_report_of_two_sessions_is_dropped_only_if_neither_lives() -> None:
    failures = (Failure(response=OF_ALPHA), Failure(response=OF_BETA))
    for provider, session in (("Alpha", A), ("Beta", B)):
        for ordered in (failures, failures[::-1]):
            core = Deciding(ALPHA, BETA)
            core.succeeds(session, after=60.0, provider=provider)
            assert core.decide(*ordered) == (False, "contradicting_success")
            assert core.decided[-1].backend == provider


# Words, and the call that they are about


@pytest.mark.parametrize(
    ("failure", "held", "policy", "reason"),
    [
        pytest.param(WORDS, OF_ALPHA, {}, OURS, id="the call"),
        pytest.param(WORDS, None, {}, "uncorroborated", id="none"),
        pytest.param(WORDS, answer("api.third.ai"), {}, "uncorroborated", id="a third party's"),
        pytest.param(WORDS, OF_BETA, {}, "uncorroborated", id="another backend's"),
        pytest.param(WORDS, replace(OF_ALPHA, status=500), {}, "uncorroborated", id="another failure"),
        pytest.param(NAMELESS, OF_ALPHA, {"scope": "session"}, OURS, id="the same, with its credential"),
        pytest.param(NAMELESS, None, {"scope": "session"}, "uncorroborated", id="of no credential"),
        pytest.param(
            NAMELESS,
            replace(OF_ALPHA, status=403, body='{"error":"x"}'),
            {"scope": "session"},
            "uncorroborated",
            id="another status",
        ),
        pytest.param(
            stated("Alpha"), OF_ALPHA, {"scope": "session", "hosts": ()}, "uncorroborated", id="from anywhere"
        ),
    ],
)
def test_words_count_with_the_failed_call_that_they_are_about(
    failure: Failure, held: Response | None, policy: dict[str, Any], reason: str
) -> None:
    core = Deciding(replace(ALPHA, **policy), BETA)
    core.held = held

    assert core.decide(failure) == (reason == OURS, reason)
    assert core.asked_for == [failure.trace_id]
    assert core.decided[-1].grade == (
        "fact" if reason == OURS else core.weighing.deciding((failure,))[0][0].grade
    )


@pytest.mark.parametrize("signal", ["span", "transaction"])
def test_spans_find_their_calls_themselves(signal: str) -> None:
    core = Deciding(ALPHA)
    core.held = OF_ALPHA

    assert core.decide(WORDS, signal=signal) == (False, "uncorroborated")
    assert core.asked_for == []


def test_the_call_is_not_looked_for_where_the_evidence_is_good_enough() -> None:
    core = Deciding(ALPHA)
    for failure in (FACT, stated("Alpha"), WORDS):  # the session is known to be dead by then
        assert core.decide(failure) == (True, OURS)
    assert core.asked_for == []


def test_the_call_of_a_session_that_lives_again_is_no_evidence() -> None:
    core = Deciding(ALPHA)
    core.held = OF_ALPHA
    core.succeeds(A, after=60.0)

    assert core.decide(WORDS) == (False, "uncorroborated")


# Reports that lead to another backend's call, too


@pytest.mark.parametrize(("trace", "reason"), [(TRACE, OURS), (TRACE[::-1], "contradicting_host")])
def test_another_backends_session_is_known_to_be_dead_by_the_trace(trace: str, reason: str) -> None:
    core = Deciding(ALPHA, replace(BETA, scope="session"))
    assert core.decide(Failure(response=OF_BETA, trace_id=TRACE)) == (True, OURS)

    rivals = frozenset({Endpoint("api.alpha.ai", 443), Endpoint("api.beta.ai", 443)})
    assert core.decide(replace(FACT, rivals=rivals, trace_id=trace)) == (reason == OURS, reason)


def test_words_beside_it_do_not_say_that_the_other_session_is_dead() -> None:
    core = Deciding(ALPHA, BETA)
    rivals = frozenset({Endpoint("api.alpha.ai", 443), Endpoint("api.beta.ai", 443)})

    assert core.decide(replace(FACT, rivals=rivals), wire("Beta")) == (False, "contradicting_host")
    assert core.decide(replace(FACT, rivals=rivals), stated("Beta")) == (True, OURS)
