"""No text makes recognition slower than its length: four times the text, about four times the time."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from sentry_filters import Policy, SessionGuard

WIRE = "OpenHuman API error (401 Unauthorized): "
UNITS = [
    WIRE,
    '"\\"',
    "{",
    "[",
    '{"a":',
    "https://",
    "a.B: ",
    "Error: ",
    "401 ",
    "4",
    "\n",
    "| ",
    "+-",
    "An error occurred (",
]


@pytest.fixture(scope="module")
def guard() -> Iterator[SessionGuard]:
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}), lambda event: None)
    yield guard
    guard.close()


def seconds(guard: SessionGuard, text: str) -> float:
    best = 60.0  # of this thread's own time: what else the machine does is not counted
    tags = {"domain": "llm_provider", "provider": "OpenHuman"}
    for _ in range(3):
        start = time.thread_time()
        try:
            raise RuntimeError(text)
        except RuntimeError as error:
            event = {"tags": tags, "exception": {"values": [{"type": "RuntimeError", "value": text}]}}
            guard.before_send(event, {"exc_info": (type(error), error, error.__traceback__)})
            guard.report(error, operation="chat", provider="OpenHuman", status=401, body=text)
        best = min(best, time.thread_time() - start)
    return best


@pytest.mark.promise("linear-time")
@pytest.mark.parametrize("start", ["", WIRE], ids=["text", "wire text"])
@pytest.mark.parametrize("unit", UNITS, ids=ascii)
def test_time_grows_with_the_length_and_no_faster(unit: str, start: str, guard: SessionGuard) -> None:
    short, long = (seconds(guard, start + unit * (size // len(unit))) for size in (8_000, 32_000))

    # A quadratic pass would take 16 times as long; the machine may be busy, and short times are noise.
    assert long < 10 * short + 0.05
