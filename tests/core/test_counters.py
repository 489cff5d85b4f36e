"""What is counted, and what is kept apart."""

from __future__ import annotations

import threading

from sentry_filters.core.counters import Counters


def test_counts_are_kept_apart_by_context() -> None:
    counters = Counters()

    with counters.paused():
        counters.saw("event", "exported")
        with counters.resumed():
            counters.add("faults", "inner")
        other = threading.Thread(target=counters.add, args=("faults", "other"))
        other.start()
        other.join()

    assert counters.snapshot() == {("faults", "inner"): 1, ("faults", "other"): 1}
