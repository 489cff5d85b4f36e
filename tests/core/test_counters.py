"""What is counted, and what is kept apart."""

from __future__ import annotations

import json
import os
import threading

import pytest

from sentry_filters.core.counters import LABELS, Counters, Faults
from tests.support.forks import forked, held_elsewhere

SIGNALS = {
    "decisions/{}/drop/backend_session_expired": "event log metric report span transaction",
    "decisions/{}/drop/refused_by_gate": "event report",
    "decisions/{}/keep/old_credential": "event report",
    "decisions/{}/keep/unhandled": "event report",
    "withheld/{}/fault": "attachment check_in client_report event log metric other profile session span "
    "transaction",
    "withheld/{}/interrupted": "log span",
    "audit_lost/{}": "closed forked_while_writing no_thread queue_full refused",
    "refreshes/{}": "refused renewed unavailable",
    "session_expired/ours/{}": "false/false false/true true/false true/true",
    "violations/{}": "drop_without_event expired_at_renewal old_credential_in_use renewed_in_vain "
    "third_party_dropped working_session_halted",
}
WATCHED = {form.format(value) for form, values in SIGNALS.items() for value in values.split()} | {
    "refused", "renewals", "withheld/metric/series", "withheld/other/unknown_item_type",
}  # fmt: skip


def test_what_alerts_watch_begins_at_zero() -> None:
    counters = Counters()
    counters.declare("ours")

    assert counters.snapshot() == dict.fromkeys(sorted(WATCHED), 0)
    for name, *labels in counters.counts():
        assert len(labels) == len(LABELS[name])


def test_what_is_seen_is_counted_together_with_what_became_of_it() -> None:
    counters = Counters()
    for _ in range(2):
        counters.saw("log", "withheld", "fault", by=3)
    counters.saw("log", "exported")

    assert counters.counts() == {
        ("seen", "log"): 7,
        ("withheld", "log", "fault"): 6,
        ("exported", "log"): 1,
    }
    assert repr(counters) == "<Counters seen=7 exported=1 withheld=6>"
    counters.saw("event", "exported")
    assert repr(counters) == "<Counters seen=8 exported=2 withheld=6>"
    assert counters.get("seen") == 8


def test_it_says_whether_this_context_is_counted() -> None:
    counters = Counters()
    assert counters.is_paused() is False
    with counters.paused():
        assert counters.is_paused() is True
        with counters.resumed():
            assert counters.is_paused() is False
        assert counters.is_paused() is True
    assert counters.is_paused() is False


def test_what_an_edge_counts_on_its_own_is_added_before_it_is_read() -> None:
    counters, waiting = Counters(), {"log": 2, "span": 3}

    def settling(signal: str) -> None:
        counters.settle_with(lambda: counters.saw(signal, "exported", by=waiting.pop(signal, 0)))

    for signal in ("log", "span"):
        settling(signal)
    assert counters.get("exported") == 5
    waiting["log"] = 1
    assert counters.counts()["exported", "log"] == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_counts_its_own_work() -> None:
    counters = Counters()
    counters.add("faults", "a", by=2)

    def child() -> bool:
        before = counters.counts()
        counters.add("faults", "b")
        return before == {("faults", "a"): 0} and counters.get("faults") == 1

    with held_elsewhere(counters._lock):
        assert forked(child)
    assert counters.get("faults") == 2


def test_the_first_fault_is_logged_by_its_type_and_each_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    counters = Counters()
    faults = Faults(counters)
    for place in ("decide", "audit", "decide"):
        faults(place, LookupError("a payload"))

    assert counters.snapshot() == {"faults/audit": 1, "faults/decide": 2}
    assert caplog.messages == ["sentry-filters: decide raised LookupError; counted, not propagated"]


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
