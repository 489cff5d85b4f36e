"""Something that happens in the middle of what a thread does: a signal, or the end of an object's life."""

from __future__ import annotations

import gc
import signal
import sys
import weakref
from collections.abc import Callable
from types import FrameType

_PLACES = ("sentry_filters", "/otel/")


class Interruption:
    """Reports a failure once more, in the middle of its report.

    Args:
        place: At the package's call of this number.
        reports: Reports it.
        by_signal: Whether a signal's handler does it, which only the main thread runs; else a finalizer.
    """

    def __init__(self, place: int, reports: Callable[[Exception], None], *, by_signal: bool) -> None:
        self._place = place
        self._reports = reports
        self._by_signal = by_signal
        self.fired = False

    def begins(self, error: Exception) -> None:
        """Wait for the place, in what this thread does from now on."""
        self._error = error
        gc.disable()
        if self._by_signal:
            self._before = signal.signal(signal.SIGUSR1, lambda _number, _frame: self._act())
        else:
            self._garbage = {_Garbage()}
            weakref.finalize(next(iter(self._garbage)), self._act).atexit = False
        self._calls = 0
        sys.setprofile(self._profile)

    def ends(self) -> None:
        """Wait no longer."""
        sys.setprofile(None)
        if self._by_signal:
            signal.signal(signal.SIGUSR1, self._before)
        gc.enable()

    def _profile(self, frame: FrameType, event: str, _called: object) -> None:
        if event != "call" or not any(place in frame.f_code.co_filename for place in _PLACES):
            return
        if self._calls == self._place:
            sys.setprofile(None)
            if self._by_signal:
                signal.raise_signal(signal.SIGUSR1)
            else:
                self._garbage.clear()
        self._calls += 1

    def _act(self) -> None:
        self.fired = True
        self._reports(self._error)


class _Garbage:
    """What is finalized."""
