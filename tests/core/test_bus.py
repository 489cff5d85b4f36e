from __future__ import annotations

import contextvars
import logging
import os
import queue
import signal
import threading

import pytest

from sentry_filters import EventBus, SessionExpired
from tests.support.expiries import expiry
from tests.support.threads import no_new_threads

caller = contextvars.ContextVar("caller", default="nobody")


def test_handler_gets_every_event_in_order() -> None:
    bus = EventBus()
    seen: list[str | None] = []
    bus.subscribe(lambda event: seen.append(event.session))

    for name in "abc":
        bus.publish(expiry(name))

    assert bus.flush()
    assert seen == ["a", "b", "c"]


def test_coroutine_function_is_a_handler() -> None:
    bus = EventBus()
    seen: list[SessionExpired] = []

    async def handler(event: SessionExpired) -> None:
        seen.append(event)

    bus.subscribe(handler)
    event = expiry()
    bus.publish(event)

    assert bus.flush()
    assert seen == [event]


def test_raising_handler_harms_nobody_and_shows_no_payload(caplog: pytest.LogCaptureFixture) -> None:
    bus = EventBus()
    seen: list[SessionExpired] = []

    def broken(event: SessionExpired) -> None:
        raise RuntimeError("a secret")

    bus.subscribe(broken)
    bus.subscribe(seen.append)
    bus.publish(expiry("a"))
    bus.publish(expiry("b"))

    assert bus.flush()
    assert len(seen) == 2
    warnings = [record for record in caplog.records if record.name == "sentry_filters"]
    assert {record.levelno for record in warnings} == {logging.WARNING}
    assert "a secret" not in caplog.text


@pytest.mark.promise("never-blocks")
def test_sleeping_handler_delays_neither_publisher_nor_others() -> None:
    bus = EventBus()
    release = threading.Event()
    seen: list[SessionExpired] = []
    bus.subscribe(lambda event: release.wait(10))
    quick = bus.subscribe(seen.append)

    bus.publish(expiry("a"))

    assert quick.flush()
    assert len(seen) == 1
    assert not bus.flush(0.01)
    release.set()
    assert bus.flush()


def test_a_thousand_sessions_that_end_at_once_all_reach_their_handler() -> None:
    bus = EventBus()
    begin = threading.Event()
    seen: list[str | None] = []

    def handler(event: SessionExpired) -> None:
        begin.wait(10)
        seen.append(event.session)

    bus.subscribe(handler)
    names = [str(number) for number in range(1_000)]

    taken = [bus.publish(expiry(name)) for name in names]
    begin.set()
    assert all(taken)
    assert bus.flush(10.0)
    assert seen == names


def test_what_cannot_be_queued_is_not_taken_and_the_handler_is_named_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    troubles: list[str] = []
    bus = EventBus(troubles.append)
    release, begun = threading.Event(), threading.Event()
    seen: list[str | None] = []

    def handler(event: SessionExpired) -> None:
        begun.set()
        release.wait(30)
        seen.append(event.session)

    bus.subscribe(handler)
    bus.publish(expiry("0"))
    assert begun.wait(10)
    taken = [bus.publish(expiry(str(number))) for number in range(1, 10_051)]
    release.set()

    assert taken == [True] * 10_000 + [False] * 50
    assert bus.flush(30.0)
    assert seen == [str(number) for number in range(10_001)]
    assert troubles == ["handler_behind"] * 50
    assert caplog.text.count("cannot keep up") == 1


def test_published_says_whether_every_subscriber_took_it() -> None:
    bus = EventBus()
    bus.observe(print)
    assert not bus.publish(expiry()), "nobody subscribed"

    bus.subscribe(lambda event: None)
    assert bus.publish(expiry())
    with no_new_threads():
        bus.subscribe(lambda event: None)
        assert not bus.publish(expiry()), "no thread would call the second handler"


def test_a_handler_that_does_not_come_back_is_visible(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentry_filters.core.subscription._STUCK_SECONDS", 0.0)
    troubles: list[str] = []
    bus = EventBus(troubles.append)
    release, begun = threading.Event(), threading.Event()

    def handler(event: SessionExpired) -> None:
        begun.set()
        release.wait(30)

    bus.subscribe(handler)
    bus.publish(expiry())
    assert begun.wait(10)
    bus.publish(expiry())
    bus.publish(expiry())

    assert troubles == ["handler_stuck"] * 2
    assert caplog.text.count("is stuck") == 1
    release.set()


def test_a_handler_that_fails_is_named_once_and_counted_always(caplog: pytest.LogCaptureFixture) -> None:
    troubles: list[str] = []
    bus = EventBus(troubles.append)

    async def broken(event: SessionExpired) -> None:
        raise LookupError("a secret")

    bus.subscribe(broken)
    for _ in range(3):
        bus.publish(expiry())

    assert bus.flush()
    assert troubles == ["handler_failed"] * 3
    assert caplog.text.count("raised LookupError") == 1
    assert "a secret" not in caplog.text


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers on this system")
def test_a_signal_handler_may_publish_while_its_own_thread_publishes() -> None:
    bus = EventBus()
    seen: list[str | None] = []
    bus.subscribe(lambda event: seen.append(event.session))
    interrupted = 0

    def interrupt(number: int, frame: object) -> None:
        nonlocal interrupted
        interrupted += 1
        bus.publish(expiry("signal"))
        bus.subscribe(lambda event: None).close(0.0)

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        published = 0
        while interrupted < 100:
            published += bus.publish(expiry("here"))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)

    assert bus.flush(30.0)
    assert (seen.count("here"), seen.count("signal")) == (published, interrupted)


def test_a_bus_that_nobody_subscribed_to_has_no_thread() -> None:
    before = threading.active_count()
    bus = EventBus()
    bus.publish(expiry())
    bus.events()

    assert threading.active_count() == before


def test_handler_runs_in_an_empty_context() -> None:
    bus = EventBus()
    seen: list[str] = []
    bus.subscribe(lambda event: seen.append(caller.get()))
    caller.set("the failing call")

    bus.publish(expiry("a"))

    assert bus.flush()
    assert seen == ["nobody"]


def test_an_observer_gets_every_event_until_it_is_closed_and_its_failures_are_counted() -> None:
    troubles: list[str] = []
    bus, seen, unhandled = EventBus(troubles.append), list[str | None](), list[SessionExpired]()
    bus.on_unhandled(unhandled.append)

    def observer(event: SessionExpired) -> None:
        seen.append(event.session)
        raise LookupError

    observing = bus.observe(observer)
    for name in "ab":
        bus.publish(expiry(name))
    assert bus.flush()
    observing.close()
    bus.publish(expiry("c"))
    assert bus.flush()

    assert (seen, troubles) == (["a", "b"], ["handler_failed"] * 2)
    assert unhandled == [], "others act on it"


class Clock:
    """Between two looks at it, a second and a half go by."""

    now = 1_000.0

    def monotonic(self) -> float:
        self.now += 1.5
        return self.now - 1.5


@pytest.mark.parametrize("method", ["flush", "close"])
def test_all_subscribers_together_are_waited_for_two_seconds(
    method: str, waits: list[float | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentry_filters.core.bus.time", Clock())
    bus, goes_on = EventBus(), threading.Event()
    for _ in range(2):
        bus.subscribe(lambda _event: goes_on.wait(10.0))
    bus.observe(lambda _event: goes_on.wait(10.0))
    bus.publish(expiry())

    getattr(bus, method)()
    assert waits == [0.5, 0.0, 0.0]
    goes_on.set()


def test_only_subscribers_count_as_listening() -> None:
    bus = EventBus()
    bus.observe(print)
    assert not bus.is_listening

    with bus.subscribe(print):
        assert bus.is_listening
    assert not bus.is_listening


def test_closed_subscription_gets_nothing_more() -> None:
    bus = EventBus()
    seen: list[SessionExpired] = []
    subscription = bus.subscribe(seen.append)
    bus.publish(expiry("a"))

    assert subscription.close()
    bus.publish(expiry("b"))

    assert [event.session for event in seen] == ["a"]


def test_handler_may_close_its_own_subscription() -> None:
    bus = EventBus()
    seen: list[SessionExpired] = []

    def once(event: SessionExpired) -> None:
        seen.append(event)
        subscription.close()

    subscription = bus.subscribe(once)
    bus.publish(expiry("a"))
    bus.publish(expiry("a"))

    assert bus.flush()
    bus.publish(expiry("a"))
    assert 1 <= len(seen) <= 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forked_child_has_handlers_of_its_own() -> None:
    bus = EventBus()
    seen: list[str | None] = []
    bus.subscribe(lambda event: seen.append(event.session))
    bus.publish(expiry("parent"))
    assert bus.flush()

    child = os.fork()
    if child == 0:
        bus.publish(expiry("child"))
        os._exit(0 if bus.flush() and seen == ["parent", "child"] else 1)

    assert os.waitpid(child, 0)[1] == 0
    bus.publish(expiry("parent again"))
    assert bus.flush()
    assert seen == ["parent", "parent again"]


def test_closing_a_subscription_ends_its_thread() -> None:
    bus = EventBus()
    threads: list[threading.Thread] = []
    with bus.subscribe(lambda event: threads.append(threading.current_thread())):
        bus.publish(expiry("a"))
        assert bus.flush()

    threads[0].join(1.0)
    assert not threads[0].is_alive()


def test_an_event_waits_where_no_thread_can_be_started(caplog: pytest.LogCaptureFixture) -> None:
    troubles: list[str] = []
    bus, heard = EventBus(troubles.append), queue.Queue[str | None]()
    subscription = bus.subscribe(lambda event: heard.put(event.session))

    with no_new_threads():
        assert not bus.publish(expiry("first"))
        assert troubles == ["handler_waits"]
        assert not subscription.flush(timeout=60.0)  # nothing could handle it: it does not wait for that
    bus.publish(expiry("second"))

    assert [heard.get(timeout=5.0), heard.get(timeout=5.0)] == ["first", "second"]
    assert "no thread can be started" in caplog.text


def test_closing_hands_over_what_waited_for_a_thread() -> None:
    bus, heard = EventBus(), queue.Queue[str | None]()
    bus.subscribe(lambda event: heard.put(event.session))

    with no_new_threads():
        bus.publish(expiry("first"))
    bus.close()

    assert heard.get_nowait() == "first"
