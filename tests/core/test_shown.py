"""What Sentry is shown although it is recognised, and who is warned: by what was asked, and once."""

from __future__ import annotations

import time

import pytest

from sentry_filters import Failure, Policy, Verdict
from tests.support.deciding import Deciding, answer

HOST = "api.example.ai"
A, B = ("a" * 12, "b" * 12)
POLICY = Policy(provider="OpenHuman", hosts={HOST})
FACT = Verdict(drop=True, reason="backend_session_expired", grade="fact", confirmed=True)


def test_what_cannot_be_shown_does_not_count_as_shown() -> None:
    life = Deciding(POLICY, listens=False).life()
    failure = Failure(response=answer(HOST, A, began=time.monotonic()))

    assert life.observe(failure, FACT).tag is None
    assert life.corroborated(failure).tag is None
    assert life.observe(failure, FACT, can_show=True).tag == "unhandled"
    assert life.observe(failure, FACT, can_show=True).tag is None, "once is enough"


def test_words_of_an_expiry_that_nobody_heard_of_are_shown_once() -> None:
    life = Deciding(POLICY, listens=False).life()
    failure = Failure(response=answer(HOST, A, began=time.monotonic()))
    life.observe(failure, FACT)

    assert life.corroborated(failure, can_show=True).tag == "unhandled"
    assert life.corroborated(failure, can_show=True).tag is None


def test_credentials_that_take_turns_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    core = Deciding(POLICY)
    core.succeeds(A)
    core.succeeds(B)
    assert "several credentials" not in caplog.text

    core.succeeds(A)
    assert "several credentials" in caplog.text
