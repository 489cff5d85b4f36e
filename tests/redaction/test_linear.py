"""No input makes the redactor slower than its length: four times the text, about four times the time."""

from __future__ import annotations

import time

import pytest

from sentry_filters.redaction import Redactor

UNITS = [
    "-----BEGIN " + "PRIVATE KEY-----\n" + "Zq8vT1mB4xK7pL2w" * 2 + "\n-----END " + "PRIVATE KEY-----",
    "sk-",
    "eyJ",
    "(((",
    "[",
    '{"a":',
    "password=",
    "token='x",
    'token="\\"',
    "cookie: a",
    "cookie: a=b ",
    "Authorization: ",
    "Authorization: Basic ",
    "://a:b",
    '"token",',
    "-----BEGIN PRIVATE KEY-----\n",
    "\\",
    "password=${aaaa",
    "key: ",
    "a@",
    "--token ",
    "<token>",
    "acme_a1b2c3d4e5f6g7h8 ",
    "token ",
    "aBcD ",
    "password is ab12cd34 ",
    "auth('a','b",
    "key 0123456789abcdef0 ",
    "mysql -p",
    "reset/",
    "é",
]


def _seconds(redactor: Redactor, text: str) -> float:
    best = 60.0  # of this thread's own time: what else the machine does is not counted
    for _ in range(3):
        start = time.thread_time()
        redactor.redact(text)
        redactor.redact_value({"a": [text], "cookie": text})
        redactor.is_clean(text)
        best = min(best, time.thread_time() - start)
    return best


@pytest.mark.promise("linear-time")
@pytest.mark.parametrize("unit", UNITS)
def test_time_grows_with_the_length_and_no_faster(unit: str, redactor: Redactor) -> None:
    short, long = (_seconds(redactor, unit * (size // len(unit))) for size in (8_000, 32_000))

    # A quadratic pass would take 16 times as long; the machine may be busy, and short times are noise.
    assert long < 10 * short + 0.05
