"""Faults inside a process: parts of the guard that raise for a while, bad handlers, a clock that jumps."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import freezegun

from sentry_filters import SessionExpired, SessionGuard
from tests.torture.reports import Report

_PARTS: tuple[tuple[str, str], ...] = (
    ("redactor", "scrub"),
    ("redactor", "redact"),
    ("redactor", "is_clean"),
    ("redactor", "look"),
    ("_decider", "_expired"),
    ("_sessions", "observe"),
)
# The gate and the bus stay whole: they act in memory alone, on nothing that comes from outside. Where one is
# made to raise, an expiry stays unannounced, and the ledger's invariants rightly say so.


class InjectedError(RuntimeError):
    """A fault injected by the soak."""


class Chaos:
    """Breaks one part of a guard at a time, for a moment, in its own thread.

    Args:
        guard: Whose parts.
        report: Where the faults are counted.
        chance: Decides which fault, and when.
    """

    def __init__(self, guard: SessionGuard, report: Report, chance: random.Random) -> None:
        self._guard = guard
        self._report = report
        self._chance = chance
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos", daemon=True)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Break things during the block; afterwards all are intact."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._chance.uniform(0.1, 0.6)):
            holder, name = self._chance.choice(_PARTS)
            self._report.faults[f"{holder}.{name}"] += 1
            with _broken(getattr(self._guard, holder), name):
                self._stop.wait(self._chance.uniform(0.01, 0.15))


@contextmanager
def _broken(holder: Any, name: str) -> Iterator[None]:
    def raising(*_: object, **__: object) -> object:
        raise InjectedError

    setattr(holder, name, raising)
    try:
        yield
    finally:
        delattr(holder, name)


def bad_handler(chance: random.Random) -> Callable[[SessionExpired], None]:
    """Return a handler that raises, stalls, or does what it should."""

    def handler(event: SessionExpired) -> None:
        mood = chance.random()
        if mood < 0.3:
            raise InjectedError(event.reason)
        if mood < 0.6:
            time.sleep(0.2)

    return handler


@contextmanager
def jumping_clock(chance: random.Random, report: Report) -> Iterator[None]:
    """Set the clock forward or back, by seconds or by years, for the duration of the block."""
    seconds = chance.choice((-3_600 * 24 * 365, -60, 60, 3_600 * 24 * 365))
    report.faults["clock"] += 1
    with freezegun.freeze_time(time.strftime("%Y-%m-%d", time.gmtime(time.time() + seconds)), tick=True):
        yield
