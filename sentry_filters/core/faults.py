"""What goes wrong inside: counted, logged once at WARNING, and never raised into the application."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sentry_filters.core.counters import Counters

_log = logging.getLogger("sentry_filters")

Fault = Callable[[str, BaseException], None]
"""Takes note of a fault: where it was, and what was raised. Never raises."""


class OneWarning:
    """Logs the first message at WARNING and no further one: a fault that repeats must not flood the log.

    An ERROR would re-enter Sentry's hooks. Messages never hold payloads.
    """

    def __init__(self) -> None:
        self._logged = False

    def __call__(self, message: str, *args: object) -> None:
        """Log `message % args`, unless something was logged here before."""
        if not self._logged:
            self._logged = True
            _log.warning(message, *args)


class Faults:
    """Counts the guard's own faults by place, and logs the first one by type, without its message.

    Args:
        counters: Where they are counted.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._warn = OneWarning()

    def __call__(self, place: str, error: BaseException) -> None:
        """Take note of `error`; see `Fault`."""
        self._counters.add("faults", place)
        self._warn("sentry-filters: %s raised %s; counted, not raised", place, type(error).__name__)
