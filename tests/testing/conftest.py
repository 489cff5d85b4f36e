"""A guard with a listener, and what was published to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sentry_filters import SessionExpired, SessionGuard
from tests.testing.reports import POLICY


@pytest.fixture
def published() -> list[SessionExpired]:
    """What was published so far, once `guard.bus.flush()` returned."""
    return []


@pytest.fixture
def guard(published: list[SessionExpired]) -> Iterator[SessionGuard]:
    """A guard of no running backend."""
    guard = SessionGuard(POLICY, published.append)
    yield guard
    guard.close()
