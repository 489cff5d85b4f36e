"""Does anything bypass the guard? Canaries through the application's own set-up, and parts for tests.

The fixtures for pytest are in `sentry_filters.testing.plugin`, which nothing here imports.
"""

from sentry_filters.testing.canaries import Canaries
from sentry_filters.testing.captured import CaptureSentry, CapturingTransport, LeakCheck, captured_sentry
from sentry_filters.testing.checking import EdgeCheck, check, checked
from sentry_filters.testing.rehearsal import Rehearsal
from sentry_filters.testing.report import CheckedPath, LeakError, Outcome, Report

__all__ = [
    "Canaries",
    "CaptureSentry",
    "CapturingTransport",
    "CheckedPath",
    "EdgeCheck",
    "LeakCheck",
    "LeakError",
    "Outcome",
    "Rehearsal",
    "Report",
    "captured_sentry",
    "check",
    "checked",
]
