"""Moments that others state by the wall clock, on the steady clock of this process, which nobody can set."""

from __future__ import annotations

import time

from sentry_filters.core.states import Failed
from sentry_filters.evidence import Failure


def failed(failure: Failure, *, can_show: bool) -> Failed:
    """Return a failure's moments as the session's life takes them.

    What this process recorded itself is known by the steady clock; what is only stated in seconds since the
    epoch is as long ago as the wall clock says now.

    Args:
        failure: The failure.
        can_show: Whether its report can be shown in Sentry.
    """
    now, wall = time.monotonic(), time.time()
    reported = now if failure.at is None else now + failure.at - wall
    began = failure.began
    if began is None and failure.started_at is not None:
        began = now + failure.started_at - wall
    return Failed(now=now, reported=reported, began=began, can_show=can_show)


def moment_of(stamp: int) -> float:
    """Return a renewal's moment: not later than now, however far ahead the clock that stamped it was.

    Args:
        stamp: Microseconds since the epoch.
    """
    return time.monotonic() - max(0.0, time.time() - stamp / 1e6)


def begun_at(failure: Failure) -> float:
    """Return when a failed call began, or was reported, in seconds since the epoch: for other processes."""
    at = failure.at if failure.started_at is None else failure.started_at
    return time.time() if at is None else at


def stamp_now() -> int:
    """Return this moment in microseconds since the epoch."""
    return round(time.time() * 1e6)
