"""`SessionGuard.explain`: it says what is then decided, leaves no trace, never raises, tells no secret."""

from __future__ import annotations

import ast
import json
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

import sentry_filters
from sentry_filters import Explanation, Policy, SessionExpired, SessionExpiredError, SessionGuard
from sentry_filters.core import REASONS, Step
from sentry_filters.guard import parts_of
from tests.preview.reports import HOST, TAGS, URL, WIRE, event, generated
from tests.support.secrets import fake

KEYS = [fake("eyJ", 40, seed=seed) for seed in "abc"]
BACKEND = "status veto backend"
OTHER_URL = "https://api.openai.com/v1/chat/completions"


def refused(
    key: str = KEYS[0], *, url: str = URL, status: int = 401, body: str = '{"error":"Invalid token"}'
) -> httpx.HTTPStatusError:
    """Return the error of a refused call, raised and caught, as httpx makes it."""
    request = httpx.Request("POST", url, headers={"authorization": f"Bearer {key}"})
    extensions = {"http_version": b"HTTP/1.1"}  # as every response that came over the wire has
    response = httpx.Response(status, request=request, text=body, extensions=extensions)
    with pytest.raises(httpx.HTTPStatusError) as caught:
        response.raise_for_status()
    return caught.value


@contextmanager
def guarding(*, listens: bool = True, **policy: Any) -> Iterator[SessionGuard]:
    rule = Policy(**{"provider": "OpenHuman", "hosts": {HOST}, **policy})
    guard = SessionGuard(rule, _listen if listens else None)
    try:
        yield guard
    finally:
        guard.close()


def _listen(_event: SessionExpired) -> None:
    """Somebody listens."""


def steps_of(explanation: Explanation) -> list[str]:
    return [step.name for step in explanation.steps]


# What it says


@pytest.mark.parametrize(
    ("reported", "verdict", "reason", "grade", "steps"),
    [
        (refused(), "drop", "backend_session_expired", "fact", f"{BACKEND} grade session"),
        (event("x", **TAGS), "drop", "backend_session_expired", "statement", f"{BACKEND} grade session"),
        (event(WIRE), "keep", "uncorroborated", "words", f"{BACKEND} grade"),
        (refused(url=OTHER_URL), "keep", "contradicting_host", None, "status veto"),
        (refused(body='{"code":"invalid_api_key"}'), "keep", "not_a_session_code", None, "status veto"),
        (event("x", **{**TAGS, "provider": "OpenAI"}), "keep", "other_provider", None, "status veto"),
        (event("x", **{**TAGS, "status": "500"}), "keep", "other_status", None, "status"),
        (event("x", provider="OpenHuman", status="401"), "keep", "unknown_operation", None, BACKEND),
        (ValueError("bug"), "keep", "unrelated", None, "status"),
    ],
)  # fmt: skip
def test_each_step_is_told_up_to_the_one_that_decides(
    reported: object, verdict: str, reason: str, grade: str | None, steps: str
) -> None:
    with guarding() as guard:
        explanation = guard.explain(reported)

    assert (explanation.verdict, explanation.reason, explanation.grade) == (verdict, reason, grade)
    assert explanation.drop is (verdict == "drop")
    assert steps_of(explanation) == ["report", "evidence", *steps.split(), "verdict"]
    assert explanation.backend == "OpenHuman"


def test_people_read_the_evidence_beside_what_the_policy_expects() -> None:
    with guarding() as guard:
        text = str(guard.explain(refused(url=OTHER_URL)))

    head, *lines = text.splitlines()
    assert head == "keep: contradicting_host"
    assert "          - status: 401 by the response; expected 401, 403" in lines
    assert (
        "          - response: from 'api.openai.com:443', read from the exception; expected api.example.ai"
        in lines
    )
    assert lines[-1] == "verdict   keep (contradicting_host)"
    assert max(map(len, lines)) <= 100


def test_scripts_read_it_as_json() -> None:
    with guarding() as guard:
        read = json.loads(json.dumps(guard.explain(refused()).as_dict()))

    assert [*read] == ["verdict", "reason", "backend", "grade", "confirmed", "tag", "is_shadow", "steps"]
    assert read["confirmed"] is True
    assert {tuple(step) for step in read["steps"]} == {("name", "text", "facts")}


def test_a_hint_says_more_than_the_event_alone() -> None:
    error = refused(url=OTHER_URL)
    with guarding() as guard:
        alone = guard.explain(event("failed", **TAGS))
        together = guard.explain(event("failed", **TAGS), {"exc_info": (type(error), error, None)})

    assert (alone.reason, together.reason) == ("backend_session_expired", "contradicting_host")


def test_of_an_exception_group_the_failure_that_keeps_it_decides() -> None:
    with guarding() as guard:
        mixed = guard.explain(ExceptionGroup("two", [refused(), refused(url=OTHER_URL)]))

    assert mixed.reason == "contradicting_host"


def test_the_gates_refusal_is_explained_as_one() -> None:
    with guarding() as guard:
        guard.report(refused(), operation="chat_completions", provider="OpenHuman", status=401)
        with pytest.raises(SessionExpiredError) as caught:
            guard.gate.check()
        explanation = guard.explain(caught.value)

    assert (explanation.drop, explanation.reason) == (True, "refused_by_gate")
    assert explanation.backend == "OpenHuman"
    assert [*steps_of(explanation)] == ["report", "verdict"]
    assert explanation.steps[-1].text == f"drop (refused_by_gate): {REASONS['refused_by_gate']}"


def test_shadow_mode_alone_keeps_it() -> None:
    with guarding(mode="shadow") as guard:
        explanation = guard.explain(refused())

    assert (explanation.verdict, explanation.is_shadow) == ("keep", True)
    last = explanation.steps[-1].text
    assert last == "keep: shadow mode keeps what would be dropped (backend_session_expired)"


def test_where_nobody_listens_the_first_is_shown() -> None:
    with guarding(listens=False) as guard:
        first = guard.explain(refused())
        guard.before_send({}, {"exc_info": refused()})
        second = guard.explain(refused())

    assert (first.verdict, first.reason, first.tag) == ("keep", "unhandled", "unhandled")
    assert (second.verdict, second.tag) == ("drop", None)


def test_the_steps_say_where_it_stands_in_the_sessions_life() -> None:
    with guarding() as guard:
        told = [guard.explain(refused())]
        guard.before_send({}, {"exc_info": refused()})
        told.append(guard.explain(refused()))
        guard.session_renewed(KEYS[1])
        told.append(guard.explain(refused()))

    sessions = [one.steps[-2].text for one in told]
    assert ["first" in sessions[0], "repeats" in sessions[1], "late failure" in sessions[2]] == [True] * 3
    assert {one.steps[-1].text for one in told} == {"drop (backend_session_expired)"}


def test_a_reason_of_the_sessions_life_is_told_as_such() -> None:
    with guarding(listens=False) as guard:
        explanation = guard.explain(refused())

    assert explanation.steps[-2].text == str(REASONS["unhandled"])
    assert explanation.steps[-1].text == "keep (unhandled), tagged session_expired=unhandled"


def test_what_is_unread_is_told_with_its_reason() -> None:
    with guarding() as guard:
        explanation = guard.explain(None)

    assert explanation.backend == "OpenHuman"
    assert steps_of(explanation) == ["report", "status", "verdict"]
    assert explanation.steps[1].text == str(REASONS["unrelated"])


def test_long_facts_are_folded_below_their_beginning() -> None:
    lines = str(Step("evidence", "so it is", ("word " * 30,))).splitlines()

    assert lines[0] == "evidence  so it is"
    assert [line[:16] for line in lines[1:]] == ["          - word", "            word"]


# It is what is then decided


def decided(guard: SessionGuard, reported: Any) -> tuple[str, str, str]:
    """Let Sentry's hook decide: what became of the report, and the verdict and reason that were counted."""
    before = guard.counters.counts()
    if isinstance(reported, BaseException):
        sent = guard.before_send({}, {"exc_info": (type(reported), reported, reported.__traceback__)})
    else:
        sent = guard.before_send(reported, {})
    after = guard.counters.counts()
    [(verdict, reason)] = [
        key[2:] for key in after if key[:2] == ("decisions", "event") and after[key] > before.get(key, 0)
    ]
    return "drop" if sent is None else "keep", verdict, reason


Act = BaseException | dict[str, Any] | Callable[[SessionGuard], object]
"""A report, or what else happens."""


def acts(seed: int) -> Iterator[Act]:
    """Yield what an application reports, signs in and calls, in a random order."""
    rng = random.Random(seed)
    events = [one for one in generated() if "body" not in one]
    for _ in range(60):
        key, old = rng.choice(KEYS), rng.choice([None, *KEYS])
        match rng.choice(["fails", "fails", "fails", "event", "renewed", "succeeds"]):
            case "fails":
                yield refused(key, url=rng.choice([URL, URL, URL, OTHER_URL]))
            case "event":
                yield rng.choice(events)
            case "renewed":
                yield partial(SessionGuard.session_renewed, credential=key, replaces=old)
            case _:
                yield partial(succeeds, key=key)


def succeeds(guard: SessionGuard, key: str) -> None:
    parts_of(guard).sessions.succeeded(guard.policy, guard.fingerprint(key), time.monotonic())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"scope": "session"},
        {"listens": False},
        {"mode": "shadow"},
        {"renewal_grace": 0.0},
        {"renewal_grace": 0.0, "listens": False, "scope": "session"},
    ],
    ids=lambda policy: ",".join(policy) or "default",
)
def test_it_says_what_is_then_decided(policy: dict[str, Any], seed: int) -> None:
    with guarding(**policy) as guard:
        for act in acts(seed):
            if callable(act):
                act(guard)
                continue
            explanation = guard.explain(act)
            became, verdict, reason = decided(guard, act)

            assert (explanation.verdict, explanation.reason) == (became, reason), str(explanation)
            assert explanation.is_shadow is (verdict == "would_drop")


def answering(request: httpx.Request) -> httpx.Response:
    """A backend whose session is in order where the request's body says so."""
    if b"fine" in request.content:
        return httpx.Response(200, json={})
    return httpx.Response(401, json={"error": "Invalid token"})


def test_what_instrument_saw_counts() -> None:
    headers = {"authorization": f"Bearer {KEYS[0]}"}
    quoted = event(f"the job failed: {WIRE}")
    with (
        guarding() as guard,
        httpx.Client(transport=httpx.MockTransport(answering), headers=headers) as client,
    ):
        guard.instrument(client)
        with pytest.raises(httpx.HTTPStatusError) as late:
            client.post(URL, content=b"{}").raise_for_status()
        held = guard.explain(quoted)
        client.post(URL, content=b"fine")
        contradicted = guard.explain(late.value)
        with pytest.raises(httpx.HTTPStatusError) as asking:
            client.post(URL, content=b"{}").raise_for_status()
        parts_of(guard).lifecycle.renewing(guard.fingerprint(KEYS[0]), pending=True)
        pending = guard.explain(asking.value)

        assert (held.reason, held.grade, held.confirmed) == ("backend_session_expired", "fact", True)
        assert "seen by instrument" in str(held)
        assert contradicted.reason == decided(guard, late.value)[2] == "contradicting_success"
        assert pending.reason == decided(guard, asking.value)[2] == "renewal_pending"


def test_of_several_backends_the_one_that_it_is_about_is_named() -> None:
    policies = [Policy(provider="OpenHuman", hosts={HOST}), Policy(provider="Fallback", hosts={"b.example"})]
    guard = SessionGuard(policies, _listen)
    for reported, backend, reason in (
        (refused(), "OpenHuman", "backend_session_expired"),
        (refused(url="https://b.example/v1/chat/completions"), "Fallback", "backend_session_expired"),
        (ExceptionGroup("both", [refused(), refused(url=OTHER_URL)]), "OpenHuman", "contradicting_host"),
        (ValueError("bug"), "", "unrelated"),
    ):
        explanation = guard.explain(reported)
        assert (explanation.backend, explanation.reason) == (backend, reason)
        assert decided(guard, reported)[2] == reason
    guard.close()


def of_fallback() -> httpx.HTTPStatusError:
    return refused(url="https://b.example/v1/chat/completions")


def test_of_several_backends_the_one_whose_evidence_keeps_it_is_named() -> None:
    policies = [Policy(provider="OpenHuman", hosts={HOST}), Policy(provider="Fallback", hosts={"b.example"})]
    guard = SessionGuard(policies, _listen)
    words = event(WIRE.replace("OpenHuman", "Fallback"))
    assert (guard.explain(words).backend, guard.explain(words).reason) == ("Fallback", "uncorroborated")
    assert guard.explain(None).backend == ""

    key, policy = guard.fingerprint(KEYS[0]), policies[1]
    parts_of(guard).sessions.succeeded(policy, key, time.monotonic() + 60.0)
    for both in ([refused(), of_fallback()], [of_fallback(), refused()]):
        explanation = guard.explain(ExceptionGroup("both", both))
        assert (explanation.backend, explanation.reason) == ("Fallback", "contradicting_success")

    guard.report(refused(), operation="chat_completions", provider="OpenHuman", status=401)
    with pytest.raises(SessionExpiredError) as caught:
        guard.gate.check()
    refusal = guard.explain(caught.value)
    assert (refusal.backend, refusal.reason) == ("", "refused_by_gate")
    guard.close()


def test_words_of_a_session_that_is_dead_by_the_trace_repeat_its_end() -> None:
    trace = {"contexts": {"trace": {"trace_id": "0123456789abcdef" * 2, "span_id": "0" * 16}}}
    with guarding(scope="session") as guard:
        words = {**event(WIRE), **trace}
        assert guard.explain(words).reason == "uncorroborated"
        error = refused()
        guard.before_send({**trace}, {"exc_info": (type(error), error, None)})
        explanation = guard.explain(words)

        assert (explanation.verdict, explanation.grade) == ("drop", "words")
        assert "repeats the failure" in explanation.steps[-2].text
        assert decided(guard, words)[0] == "drop"


@pytest.mark.parametrize("policy", [{}, {"scope": "session"}, {"listens": False}], ids=str)
def test_it_leaves_no_trace(policy: dict[str, Any]) -> None:
    """A guard that is asked all the time, and one that never is, decide and count alike."""
    with guarding(**policy) as asked, guarding(**policy) as other:
        for act in acts(99):
            for reported in (*map(refused, KEYS), event(WIRE), event("failed", **TAGS), ValueError("bug")):
                before = asked.counters.counts(), asked.gate.closed
                asked.explain(reported)
                assert (asked.counters.counts(), asked.gate.closed) == before
            if callable(act):
                act(asked)
                act(other)
            else:
                assert decided(asked, act) == decided(other, act)

        assert asked.counters.counts() == other.counters.counts()


# Odd input


class Hostile(Mapping[str, object]):
    def __getitem__(self, key: str) -> object:
        raise RuntimeError(key)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("reported", "hint"),
    [
        (None, None), (5, 5), ("text", "text"), (b"", []), (object(), {}), ([{}], {"exc_info": 3}),
        ({}, None), ({1: 2}, {1: 2}), (NotImplemented, ...),
        ({"tags": 5, "exception": "x", "timestamp": "no", "contexts": []}, {"exc_info": ()}),
        (Hostile(), {}), ({}, Hostile()), (Unspeakable(), {}), (KeyboardInterrupt(), {}),
        ({"exception": {"values": [[]]}, "logentry": 3, "level": {}}, {"log_record": 7}),
    ],
)  # fmt: skip
def test_it_never_raises(reported: object, hint: object) -> None:
    with guarding() as guard:
        explanation = guard.explain(reported, hint)

        assert explanation.verdict == "keep"
        assert explanation.reason in ("unrelated", "fault")
        assert str(explanation)
        assert json.dumps(explanation.as_dict())
        assert guard.counters.get("faults") == 0


def test_no_secret_and_no_control_character_is_told() -> None:
    secret, live = fake("sk-proj-", 40), fake("", 40, seed="live")
    tags = {**TAGS, "provider": f"OpenAI {secret}\x1b[31m", "operation": live}
    body = json.dumps({"code": secret, "error": live})
    with guarding() as guard:
        guard.session_renewed(live)
        told = [
            guard.explain(event(f"{WIRE} {secret} {live}", **tags)),
            guard.explain(refused(live, url=f"{URL}/{secret}?key={secret}", body=body)),
            guard.explain(RuntimeError(secret)),
        ]

    for explanation in told:
        said = f"{explanation}{json.dumps(explanation.as_dict())}{explanation!r}"
        assert secret not in said
        assert live not in said
        assert "\x1b" not in said


# Reasons


def test_every_reason_in_the_code_is_explained() -> None:
    given = set()
    for file in Path(sentry_filters.__file__).parent.parent.glob("sentry_filters/core/*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name("_keep"), args=[ast.Constant(str(reason))]):
                    given.add(reason)
                case ast.keyword(arg="reason", value=ast.Constant(str(reason))):
                    given.add(reason)

    assert {"other_provider", "unrelated", "contradicting_success", "fault"} <= given
    assert given - {"recovered"} <= set(REASONS)  # a renewal's
    for why in REASONS.values():
        assert re.fullmatch(r"[A-Z`].*\.", str(why))
