from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import freezegun
import pytest

from sentry_filters import SchedulerGate, SessionExpired, SessionExpiredError
from tests.support.expiries import expiry
from tests.support.forks import forked, held_elsewhere

Scope = Literal["process", "session"]
Asks = Callable[..., object]


def test_gate_is_open_until_a_session_expires() -> None:
    gate = SchedulerGate()
    gate.check()
    assert gate.is_open
    assert gate.wait(0)

    event = expiry("a")
    gate.close(event)

    assert not gate.is_open
    assert not gate.wait(0)
    with pytest.raises(SessionExpiredError) as error:
        gate.check()
    assert error.value.event is event
    assert gate.refused == 1


@pytest.mark.promise("gate")
def test_renewal_opens_the_gate_for_those_who_wait() -> None:
    gate = SchedulerGate()
    gate.close(expiry())
    opened: list[bool] = []
    waiters = [threading.Thread(target=lambda: opened.append(gate.wait(10))) for _ in range(4)]
    for waiter in waiters:
        waiter.start()

    gate.open()

    for waiter in waiters:
        waiter.join(10)
    assert opened == [True] * 4


def test_process_scope_halts_every_session() -> None:
    gate = SchedulerGate("process")
    gate.close(expiry("a"))

    assert not gate.is_open_for("b")
    gate.open("b")
    assert gate.is_open_for("a")


def test_session_scope_halts_only_its_own() -> None:
    gate = SchedulerGate("session")
    gate.close(expiry("a"))

    assert gate.is_open
    assert not gate.is_open_for("a")
    assert gate.is_open_for("b")
    gate.check(session="b")
    with pytest.raises(SessionExpiredError):
        gate.check(session="a")
    gate.open("a")
    assert gate.is_open_for("a")


def test_session_scope_halts_all_if_the_session_is_unknown() -> None:
    gate = SchedulerGate("session")
    gate.close(expiry(None))

    assert not gate.is_open
    assert not gate.is_open_for("b")


def test_asyncio_waits_without_blocking_the_loop() -> None:
    gate = SchedulerGate()

    async def main() -> tuple[bool, bool, bool]:
        at_once = await gate.wait_async()
        gate.close(expiry())
        too_short = await gate.wait_async(0.01)
        waiting = asyncio.create_task(gate.wait_async(10))
        await asyncio.sleep(0)
        threading.Thread(target=gate.open).start()
        return at_once, too_short, await waiting

    assert asyncio.run(main()) == (True, False, True)


def test_all_who_wait_in_a_loop_are_woken() -> None:
    gate = SchedulerGate()

    async def main() -> list[bool]:
        gate.close(expiry())
        waiting = [asyncio.create_task(gate.wait_async(10)) for _ in range(3)]
        await asyncio.sleep(0)
        gate.open()
        return await asyncio.gather(*waiting)

    assert asyncio.run(main()) == [True] * 3


def test_cancelled_wait_is_cancelled() -> None:
    gate = SchedulerGate()
    gate.close(expiry())

    async def main() -> None:
        waiting = asyncio.create_task(gate.wait_async())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(main())
    gate.open()  # wakes a loop that is closed by now


@pytest.mark.skipif(os.name == "nt", reason="signals are sent to the own process by number")
def test_nobody_is_refused_for_an_end_that_has_not_been_told() -> None:
    gate, event, told = SchedulerGate(), expiry(), list[SessionExpired]()

    # The end passes between any two looks at the clock.
    with freezegun.freeze_time("2026-01-01", auto_tick_seconds=1):
        gate.ends_at(time.time() + 1.5, event, told.append)
        gate.check()
        with pytest.raises(SessionExpiredError) as error:
            gate.check()

    assert told == [error.value.event]


@pytest.mark.usefixtures("interruptible")
def test_keyboard_interrupt_ends_a_wait() -> None:
    gate = SchedulerGate()
    gate.close(expiry())
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt):
        gate.wait(30)


@pytest.mark.promise("bounded")
def test_many_sessions_are_bounded() -> None:
    gate = SchedulerGate("session")
    for number in range(10_500):
        gate.close(expiry(str(number)))

    assert gate.is_open_for("0")
    assert not gate.is_open_for("10499")


def test_it_says_whether_it_is_open() -> None:
    gate = SchedulerGate()
    assert repr(gate) == "<SchedulerGate open>"
    gate.close(expiry())
    assert repr(gate) == "<SchedulerGate closed>"


def test_session_scope_opens_for_the_one_that_was_renewed_only() -> None:
    gate = SchedulerGate("session")
    for name in ("a", "b"):
        gate.close(expiry(name))
    gate.open("a")
    assert [gate.is_open_for(name) for name in ("a", "b", None)] == [True, False, True]

    gate.close(expiry(None))
    gate.open("c")
    assert gate.is_open_for("c"), "nobody knew whose it was"
    assert not gate.is_open_for("b")
    gate.open()
    assert gate.is_open_for("b")


def test_an_expiry_that_never_closed_it_is_taken_the_place_of_all_the_same() -> None:
    gate = SchedulerGate()
    gate.close(expiry("a"), instead_of="of another process")
    assert not gate.is_open


# Which expiry


@pytest.mark.parametrize("scope", ["process", "session"])
def test_an_expiry_is_found_by_its_id_and_in_the_place_of_one_that_is_over_the_latest(scope: Scope) -> None:
    gate, over = SchedulerGate(scope), expiry("a")
    assert gate.expiry(over.id, "a") is None
    gate.close(over)
    first, second = expiry("a"), expiry("b")
    gate.close(first, instead_of=over.id)
    gate.close(second)

    assert gate.expiry(first.id, "a") is first
    assert gate.expiry(second.id, "b") is second
    assert gate.expiry(over.id, "a") is second
    assert gate.expiry("of another process", None) is second


def test_whose_failure_an_error_is_the_guard_says() -> None:
    gate, event, asked = SchedulerGate(), expiry(), list[BaseException]()
    error = ValueError("job")
    assert gate.found_by(error) is None

    def finds(failed: BaseException) -> SessionExpired:
        asked.append(failed)
        return event

    gate.find_with(finds)
    assert gate.found_by(error) is event
    assert asked == [error]


@pytest.mark.parametrize("scope", ["process", "session"])
def test_what_is_known_of_an_expiry_by_now_is_told(scope: Scope) -> None:
    gate, event = SchedulerGate(scope), expiry("a")
    gate.close(event)
    gate.amend(replace(event, reason="redacted"))

    with pytest.raises(SessionExpiredError) as refused:
        gate.check(session="a")
    assert refused.value.event.reason == "redacted"


# Ends that are foreseen


def checked(gate: SchedulerGate, **asked: str | None) -> bool:
    try:
        gate.check(**asked)
    except SessionExpiredError:
        return False
    return True


ASKS: dict[str, Asks] = {
    "check": checked,
    "wait": lambda gate, **asked: gate.wait(0.0, **asked),
    "wait_async": lambda gate, **asked: asyncio.run(gate.wait_async(0.0, **asked)),
}


@pytest.mark.parametrize("asks", ASKS.values(), ids=ASKS)
def test_an_end_is_told_once_to_whoever_is_halted_by_it(asks: Asks) -> None:
    gate, told = SchedulerGate("session"), list[SessionExpired]()
    event, other = expiry("a"), expiry("b")
    for one in (event, other):
        gate.ends_at(time.time() - 1.0, one, told.append)
    assert asks(gate, session="c")
    assert told == []

    for _ in range(2):
        assert not asks(gate, session="a")
    assert told == [event]


@pytest.mark.parametrize(
    ("scope", "renewed", "halted"),
    [("session", "a", "b"), ("session", None, ""), ("process", "a", ""), ("process", None, "")],
)
def test_a_renewal_ends_the_refusals_for_its_session(scope: Scope, renewed: str | None, halted: str) -> None:
    gate = SchedulerGate(scope)
    for name in ("a", "b"):
        gate.ends_at(time.time() - 1.0, expiry(name))
        assert not gate.is_open_for(name)
    gate.open(renewed)

    assert [name for name in ("a", "b") if not gate.is_open_for(name)] == [*halted]


def test_an_end_of_nobody_in_particular_is_over_with_any_renewal() -> None:
    gate = SchedulerGate("session")
    gate.ends_at(time.time() - 1.0, expiry(None))
    assert not gate.is_open
    gate.open("a")
    assert gate.is_open


def test_an_end_that_is_unknown_refuses_nothing() -> None:
    gate, event = SchedulerGate(), expiry()
    gate.ends_at(time.time() - 1.0)
    assert gate.is_open

    gate.ends_at(time.time() - 1.0, event)
    assert not gate.is_open
    gate.ends_at(None, event)
    assert gate.is_open


def test_work_is_refused_from_the_very_moment_on() -> None:
    gate = SchedulerGate()
    with freezegun.freeze_time("2026-01-01") as clock:
        gate.ends_at(time.time() + 1.0, expiry())
        assert gate.is_open
        clock.tick(1.0)
        assert not gate.is_open


# One backend, by its name


@pytest.mark.parametrize(
    "asks",
    [
        *(pytest.param(asks, id=name) for name, asks in ASKS.items()),
        pytest.param(lambda gate, provider: gate.work(provider=provider), id="work"),
        pytest.param(lambda gate, provider: gate.of(provider), id="of"),
    ],
)
def test_another_providers_name_is_an_error(asks: Asks) -> None:
    gate = SchedulerGate(provider="Alpha")
    asks(gate, provider="Alpha")
    with pytest.raises(ValueError, match="gate: invalid provider 'Beta'; expected 'Alpha'"):
        asks(gate, provider="Beta")


# A process that forks


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_asks_a_gate_that_a_thread_of_its_parent_was_changing() -> None:
    gate = SchedulerGate()
    gate.close(expiry())

    def child() -> bool:
        halted = not gate.is_open
        gate.open()
        return halted and gate.wait(0.0)

    with held_elsewhere(gate._changed):
        assert forked(child)
    assert not gate.is_open
