"""A guard whose session is dead, with Sentry's own integrations and a receiver behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sentry_sdk

from sentry_filters import Policy, SessionExpired, SessionGuard
from tests.conftest import InitSentry
from tests.support.expiries import expiry
from tests.support.receiver import SentryReceiver

Reported = Callable[[], list[str]]


@pytest.fixture
def guard(expired: list[SessionExpired]) -> Iterator[SessionGuard]:
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}), expired.append)
    guard.gate.close(expiry())
    yield guard
    guard.close()


@pytest.fixture
def reported(guard: SessionGuard, sentry: InitSentry, receiver: SentryReceiver) -> Reported:
    """The types of the exceptions that have reached Sentry's receiver, by whichever integration."""
    sentry(**guard.sentry_options(dsn=receiver.dsn, traces_sample_rate=1.0))

    def types() -> list[str]:
        sentry_sdk.flush(5)
        return [event["exception"]["values"][-1]["type"] for event in receiver.events]

    return types
