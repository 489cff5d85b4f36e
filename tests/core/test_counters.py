"""What is counted, and what is kept apart."""

from __future__ import annotations

import json
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

    assert counters.counts() == {("faults", "inner"): 1, ("faults", "other"): 1}


def test_a_snapshot_is_json_and_the_repr_shows_what_was_counted() -> None:
    counters = Counters()
    assert repr(counters) == "<Counters: nothing counted>"
    counters.saw("event", "dropped")
    counters.add("decisions", "event", "drop", "backend_session_expired", by=2)
    counters.add("renewals", by=0)

    assert json.loads(json.dumps(counters.snapshot())) == {
        "decisions/event/drop/backend_session_expired": 2,
        "dropped/event": 1,
        "renewals": 0,
        "seen/event": 1,
    }
    assert repr(counters) == "<Counters seen=1 dropped=1 decisions=2>"
