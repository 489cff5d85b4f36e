"""What an explanation says of a failure's evidence, and what that evidence decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from sentry_filters import Failure, Policy, Response, SchedulerGate, SessionExpiredError, recognise
from sentry_filters.core.backends import Backends
from sentry_filters.core.facts import Facts
from sentry_filters.evidence import Endpoint
from tests.support.expiries import expiry

POLICY = Policy(provider="OpenHuman", hosts={"api.example.ai"})
OURS, THEIRS = Endpoint("api.example.ai", 443), Endpoint("api.third.ai", 443)
RESPONSE = Response(status=401, endpoint=OURS, path="/v1/chat/completions", body_known=True, credential=True)
FAILURE = Failure(response=RESPONSE)


@pytest.mark.parametrize(
    ("failure", "line"),
    [
        (
            replace(FAILURE, response=replace(RESPONSE, by_backend=False)),
            "headers or body: HTML, or a proxy's challenge",
        ),
        (
            replace(FAILURE, response=replace(RESPONSE, session="5e551on")),
            "credential: sent, of session 5e551on",
        ),
        (replace(FAILURE, response=replace(RESPONSE, credential=False)), "credential: none was sent"),
        (
            replace(FAILURE, rivals=frozenset({THEIRS, OURS})),
            "other calls: the report also leads to api.third.ai:443",
        ),
        (
            replace(FAILURE, second_failure=True),
            "other failures: the report states one whose origin is not known",
        ),
        (
            replace(FAILURE, other_exception=True),
            "exception: its class has another job than to report a failed call",
        ),
        (replace(FAILURE, raised_while_handling=True), "exception: raised while a failed call was handled"),
        (replace(FAILURE, is_message=False), "level: informational, so its text is only words"),
    ],
)
def test_each_doubt_has_a_line(failure: Failure, line: str) -> None:
    assert line in list(Facts(failure, POLICY, str).lines())
    assert line not in list(Facts(FAILURE, POLICY, str).lines())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("OpenHuman API error (401 Unauthorized): no", "backend_session_expired"),
        ("OpenHuman API error (503 Service Unavailable): busy", "other_status"),
        ("OpenHuman API error (timed out)", "other_status"),
    ],
)
def test_tags_and_a_text_have_to_state_one_status(text: str, reason: str) -> None:
    tagged = Failure(provider="OpenHuman", operation="chat", status=401, text=text)

    assert recognise(tagged, POLICY).reason == reason
    assert recognise(replace(FAILURE, text=text), POLICY).drop, "a response of ours is nearer the wire"


def test_a_report_that_leads_to_two_backends_has_a_failure_of_each() -> None:
    other = Policy(provider="Beta", hosts={"api.beta.ai"})
    backends = Backends([POLICY, other])
    beside = replace(RESPONSE, endpoint=Endpoint("api.beta.ai", 443), status=500)
    failure = replace(FAILURE, answers=(RESPONSE, beside, replace(RESPONSE, endpoint=THEIRS)))

    found = backends.with_others([failure])
    assert [backends.provider_of(one) for one in found] == ["OpenHuman", "Beta"]
    assert [one.response and one.response.status for one in found] == [401, 500]
    assert Backends([POLICY]).with_others([failure]) == [failure]


@pytest.mark.parametrize("value", [7, "chat", ["/chat/completions"]])
def test_paths_are_a_mapping(value: object) -> None:
    with pytest.raises(ValueError, match="paths: invalid value .*; expected a mapping of path suffix"):
        Policy(provider="OpenHuman", paths=value)  # type: ignore[arg-type]


def test_a_stream_is_work_from_its_first_item_to_its_last() -> None:
    gate = SchedulerGate()

    @gate.work()
    async def stream(upto: int) -> AsyncIterator[int]:
        for number in range(upto):
            yield number

    async def all_of(upto: int) -> list[int]:
        return [number async for number in stream(upto)]

    assert asyncio.run(all_of(3)) == [0, 1, 2]
    made = stream(1)
    gate.close(expiry())
    with pytest.raises(SessionExpiredError):
        asyncio.run(anext(made))  # type: ignore[arg-type]
