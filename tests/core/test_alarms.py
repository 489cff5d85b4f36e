from __future__ import annotations

import os
import threading

import pytest

from sentry_filters.core import alarms
from sentry_filters.core.alarms import Alarms
from tests.support.forks import forked, held_elsewhere
from tests.support.threads import no_new_threads
from tests.support.waiting import eventually


class Heard:
    """Alarms, what rang, and what was wrong with them."""

    def __init__(self) -> None:
        self.rang: list[str] = []
        self.faults: list[tuple[str, str]] = []
        self.alarms = Alarms(lambda place, error: self.faults.append((place, type(error).__name__)))

    def after(self, seconds: float, name: str) -> None:
        self.alarms.after(seconds, lambda: self.rang.append(name))


def test_what_is_due_earlier_does_not_wait_for_what_was_set_first() -> None:
    heard = Heard()
    heard.after(3_600.0, "late")
    heard.after(0.0, "now")
    heard.after(0.0, "now, too")

    assert eventually(lambda: len(heard.rang) == 2)
    assert heard.rang == ["now", "now, too"]


def test_one_thread_waits_for_all_and_ends_after_the_last() -> None:
    heard, threads, goes_on = Heard(), list[threading.Thread](), threading.Event()

    def rings() -> None:
        threads.append(threading.current_thread())
        goes_on.wait(15.0)

    for _ in range(3):
        heard.alarms.after(0.0, rings)
    goes_on.set()

    assert eventually(lambda: len(threads) == 3 and not any(one.is_alive() for one in threads))
    assert [(one.name, one.daemon) for one in set(threads)] == [("sentry-filters-alarms", True)]

    heard.after(0.0, "later")
    assert eventually(lambda: heard.rang == ["later"])


def test_at_the_end_of_the_process_all_ring_at_once_and_never_again() -> None:
    heard = Heard()
    heard.after(3_600.0, "late")
    heard.after(60.0, "soon")

    heard.alarms.ring_all()
    heard.alarms.ring_all()

    assert heard.rang == ["soon", "late"]


def test_where_no_thread_can_be_started_nothing_is_late() -> None:
    heard = Heard()
    with no_new_threads():
        heard.after(3_600.0, "now")
    assert heard.rang == ["now"]

    heard.after(0.0, "by a thread again")
    assert eventually(lambda: heard.rang == ["now", "by a thread again"])


def test_an_alarm_that_fails_keeps_no_other_from_ringing() -> None:
    heard = Heard()

    def fails() -> None:
        raise LookupError("a secret")

    heard.alarms.after(3_600.0, fails)
    heard.after(3_601.0, "the next")
    heard.alarms.ring_all()

    assert heard.rang == ["the next"]
    assert heard.faults == [("alarm", "LookupError")]


def test_nothing_rings_before_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        now = 1_000.0

        def monotonic(self) -> float:
            return self.now

    clock, heard, waits = Clock(), Heard(), list[float]()
    changed = heard.alarms._changed
    wait = changed.wait

    def waited(seconds: float) -> bool:
        waits.append(seconds)
        return wait(0.01)

    monkeypatch.setattr(alarms, "time", clock)
    monkeypatch.setattr(changed, "wait", waited)
    heard.after(0.5, "soon")
    assert eventually(lambda: len(waits) > 2)
    assert (heard.rang, set(waits)) == ([], {0.5})

    clock.now += 0.5
    assert eventually(lambda: heard.rang == ["soon"])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_what_is_due_in_the_parent_the_parent_does() -> None:
    heard = Heard()
    heard.after(3_600.0, "the parent's")

    def child() -> bool:
        heard.alarms.ring_all()
        heard.after(0.0, "the child's")
        return eventually(lambda: heard.rang == ["the child's"])

    with held_elsewhere(heard.alarms._changed):
        assert forked(child)
    heard.alarms.ring_all()
    assert heard.rang == ["the parent's"]
