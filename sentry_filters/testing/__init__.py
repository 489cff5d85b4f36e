"""Does anything leave round the guard? Canaries through the application's own set-up, and parts for tests.

The fixtures for pytest are in `sentry_filters.testing.plugin`, which nothing here imports.
"""

from sentry_filters.testing.canaries import Canaries
from sentry_filters.testing.captured import CaptureSentry, CapturingTransport, LeakCheck, captured_sentry
from sentry_filters.testing.checking import check
from sentry_filters.testing.report import CheckedPath, LeakError, Outcome, Report

__all__ = [
    "Canaries",
    "CaptureSentry",
    "CapturingTransport",
    "CheckedPath",
    "LeakCheck",
    "LeakError",
    "Outcome",
    "Report",
    "captured_sentry",
    "check",
]
