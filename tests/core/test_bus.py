from __future__ import annotations

import contextvars
import logging
import os
import queue
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


def test_a_raising_handler_affects_nobody_else_and_logs_no_payload(caplog: pytest.LogCaptureFixture) -> None:
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


def test_a_sleeping_handler_delays_neither_publisher_nor_other_handlers() -> None:
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


def test_a_stuck_handler_has_a_bounded_queue(caplog: pytest.LogCaptureFixture) -> None:
    bus = EventBus()
    release = threading.Event()
    seen: list[str | None] = []

    def handler(event: SessionExpired) -> None:
        release.wait(10)
        seen.append(event.session)

    bus.subscribe(handler)
    for number in range(500):
        bus.publish(expiry(str(number)))
    release.set()

    assert bus.flush()
    assert seen == [str(number) for number in range(100)]
    assert caplog.text.count("a handler is stuck") == 1


def test_handler_runs_in_an_empty_context() -> None:
    bus = EventBus()
    seen: list[str] = []
    bus.subscribe(lambda event: seen.append(caller.get()))
    caller.set("the failing call")

    bus.publish(expiry("a"))

    assert bus.flush()
    assert seen == ["nobody"]


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
def test_a_forked_child_has_its_own_handlers() -> None:
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


def test_an_event_waits_if_no_thread_can_be_started(caplog: pytest.LogCaptureFixture) -> None:
    bus, heard = EventBus(), queue.Queue[str | None]()
    subscription = bus.subscribe(lambda event: heard.put(event.session))

    with no_new_threads():
        bus.publish(expiry("first"))
        assert not subscription.flush(timeout=60.0)  # nothing could handle it: it does not wait for that
    bus.publish(expiry("second"))

    assert [heard.get(timeout=5.0), heard.get(timeout=5.0)] == ["first", "second"]
    assert "no thread can be started" in caplog.text


def test_closing_delivers_what_waited_for_a_thread() -> None:
    bus, heard = EventBus(), queue.Queue[str | None]()
    bus.subscribe(lambda event: heard.put(event.session))

    with no_new_threads():
        bus.publish(expiry("first"))
    bus.close()

    assert heard.get_nowait() == "first"
