"""Fixtures for pytest. Opt in: `pytest_plugins = ["sentry_filters.testing.plugin"]` in the root conftest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from sentry_filters.guard import SessionGuard
from sentry_filters.testing.canaries import Canaries
from sentry_filters.testing.captured import CaptureSentry, CapturingTransport, LeakCheck
from sentry_filters.testing.captured import captured_sentry as _captured_sentry
from sentry_filters.testing.checking import check
from sentry_filters.testing.report import Report

__all__ = ["captured_sentry", "leak_canaries", "leak_check"]


@pytest.fixture
def captured_sentry() -> Iterator[CaptureSentry]:
    """Set Sentry up behind a guard, sending nothing; undone after the test.

    `sent = captured_sentry(guard, traces_sample_rate=1.0)`, then `sent.events`, `sent.bytes`.
    """
    with ExitStack() as stack:

        def capture(guard: SessionGuard, **options: Any) -> CapturingTransport:
            return stack.enter_context(_captured_sentry(guard, **options))

        yield capture


@pytest.fixture
def leak_canaries() -> Canaries:
    """Canaries for the test's own flows: put `at("prompt")` in, look for it in what left."""
    return Canaries(live=False)


@pytest.fixture
def leak_check() -> LeakCheck:
    """Check the set-up that is current in the test; fails it, by `LeakError`, where something leaves."""

    def run(guard: SessionGuard) -> Report:
        report = check(guard)
        report.raise_for_leaks()
        return report

    return run
