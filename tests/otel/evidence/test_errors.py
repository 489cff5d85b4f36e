"""No text in an error that a span carries takes more time than its length, whoever has written it."""

from __future__ import annotations

import time

import pytest

from otel.evidence import ChildFailure, ErrorText, leads_to, matches, messages_of
from sentry_filters import Endpoint, Failure, Response

BODY = '{"success":false,"error":"Invalid token"}'
ENDPOINT = Endpoint("api.example.ai", 443)
FAILED = Response(status=401, endpoint=ENDPOINT, path="/v1/chat/completions", body=BODY)
CHILD = ChildFailure(failure=Failure(response=FAILED), texts=frozenset({"the session has ended"}))
GROUP = "Exception Group Traceback (most recent call last):\n"
UNITS = [
    "\n",
    "\n ",
    "\r\n",
    "\n\nThe above exception was the direct cause of the following exception:\n\n",
    "\n\nDuring handling of the above exception, another exception occurred:\n\n",
    "-",
    "+-",
    "+-+---------------- 1 ----------------\n",
    "| ",
    '\n  File "',
    "\n    ",
    "401 ",
    "https://api.example.ai/ ",
    "a.B: ",
    "{",
    '{"a":',
    '\\"',
]


def seconds(text: str) -> float:
    best = 60.0  # of this thread's own time: what else the machine does is not counted
    for _ in range(3):
        start = time.thread_time()
        for stacktrace in (text, f"{GROUP}+{text}", f'\n  File "a", line 1\n    {text}'):
            error = ErrorText(text, stacktrace)
            matches(error, CHILD)
            leads_to(error, CHILD)
            messages_of(error)
        best = min(best, time.thread_time() - start)
    return best


@pytest.mark.promise("linear-time")
@pytest.mark.parametrize("unit", UNITS, ids=ascii)
def test_time_grows_with_the_length_and_no_faster(unit: str) -> None:
    short, long = (seconds(unit * (size // len(unit))) for size in (2_000, 8_000))

    # A quadratic pass would take 16 times as long; the machine may be busy, and short times are noise.
    assert long < 10 * short + 0.05
