"""Waiting for what other threads and processes do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

DEADLINE = 30.0


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition; AssertionError after `DEADLINE` seconds."""
    latest = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < latest, "the condition did not come true in time"
        threading.Event().wait(0.02)
