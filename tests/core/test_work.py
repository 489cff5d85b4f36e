from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from sentry_filters import SchedulerGate, SessionExpiredError
from sentry_filters.core.work import Work
from tests.support.expiries import expiry


class Called:
    """Functions of all kinds, and how often their bodies began."""

    def __init__(self) -> None:
        self.times = 0

    def function(self, user: str) -> str:
        self.times += 1
        return user

    async def coroutine(self, user: str) -> str:
        self.times += 1
        return user

    def generator(self, user: str) -> Iterator[str]:
        self.times += 1
        yield user

    async def async_generator(self, user: str) -> AsyncIterator[str]:
        self.times += 1
        yield user


async def _first(items: AsyncIterator[str]) -> str:
    return await anext(items)


RUN: dict[str, Callable[[Any], str]] = {
    "function": lambda work: work("alice"),
    "coroutine": lambda work: asyncio.run(work("alice")),
    "generator": lambda work: next(work("alice")),
    "async_generator": lambda work: asyncio.run(_first(work("alice"))),
}


@pytest.mark.parametrize("kind", RUN)
def test_a_function_starts_only_while_the_gate_is_open(kind: str) -> None:
    gate, called = SchedulerGate(), Called()
    guarded = gate.work()(getattr(called, kind))
    assert guarded.__name__ == kind
    assert RUN[kind](guarded) == "alice"

    event = expiry()
    gate.close(event)

    with pytest.raises(SessionExpiredError) as error:
        RUN[kind](guarded)
    assert error.value.event is event
    assert (called.times, gate.refused) == (1, 1)


@pytest.mark.parametrize("kind", RUN)
def test_a_function_gets_its_arguments_by_their_names(kind: str) -> None:
    gate = SchedulerGate("session")
    guarded = gate.work(session=lambda user: f"session of {user}")(getattr(Called(), kind))

    assert RUN[kind](lambda user: guarded(user=user)) == "alice"
    gate.close(expiry("session of alice"))
    with pytest.raises(SessionExpiredError):
        RUN[kind](lambda user: guarded(user=user))


@pytest.mark.parametrize(("kind", "makes"), [("generator", Iterator), ("async_generator", AsyncIterator)])
def test_a_generator_starts_with_its_first_item(kind: str, makes: type) -> None:
    gate, called = SchedulerGate(), Called()
    guarded = gate.work()(getattr(called, kind))
    gate.close(expiry())

    items = guarded("alice")
    assert isinstance(items, makes)
    gate.open()
    assert RUN[kind](lambda _user: items) == "alice"


@pytest.mark.parametrize("kind", RUN)
def test_a_function_waits_for_the_renewal_on_request(kind: str) -> None:
    gate, called = SchedulerGate(), Called()
    gate.close(expiry())
    threading.Timer(0.02, gate.open).start()

    assert RUN[kind](gate.work(timeout=10)(getattr(called, kind))) == "alice"


@pytest.mark.parametrize("kind", RUN)
def test_a_wait_that_is_too_short_is_refused(kind: str) -> None:
    gate, called = SchedulerGate(), Called()
    gate.close(expiry())

    with pytest.raises(SessionExpiredError):
        RUN[kind](gate.work(timeout=0.01)(getattr(called, kind)))
    assert called.times == 0


@pytest.mark.parametrize("kind", RUN)
def test_the_session_is_computed_from_the_arguments(kind: str) -> None:
    gate, called = SchedulerGate("session"), Called()
    guarded = gate.work(session=lambda user: f"session of {user}")(getattr(called, kind))
    gate.close(expiry("session of bob"))
    assert RUN[kind](guarded) == "alice"

    gate.close(expiry("session of alice"))

    with pytest.raises(SessionExpiredError):
        RUN[kind](guarded)


def test_a_block_is_entered_only_while_the_gate_is_open() -> None:
    gate = SchedulerGate("session")
    gate.close(expiry("alice"))
    entered: list[str] = []

    async def main() -> None:
        async with gate.work(session="bob"):
            entered.append("bob")
        with pytest.raises(SessionExpiredError):
            async with gate.work(session="alice", timeout=0.01):
                entered.append("alice")

    asyncio.run(main())
    with gate.work(session="bob"):
        entered.append("bob")
    with pytest.raises(SessionExpiredError), gate.work(session="alice"):
        entered.append("alice")
    assert entered == ["bob", "bob"]


def test_what_has_begun_is_not_stopped_and_its_errors_propagate() -> None:
    gate = SchedulerGate()

    @gate.work()
    def fail() -> None:
        gate.close(expiry())
        raise KeyError("the application's own")

    with pytest.raises(KeyError, match="own"):
        fail()


def test_a_generator_delegates() -> None:
    @SchedulerGate().work()
    def echo() -> Any:
        answer = yield "first"
        return answer

    running = echo()
    assert next(running) == "first"
    with pytest.raises(StopIteration) as stop:
        running.send("last")
    assert stop.value.value == "last"


def test_the_loop_keeps_running_while_a_coroutine_waits() -> None:
    gate = SchedulerGate()
    gate.close(expiry())

    async def main() -> str:
        waiting = asyncio.create_task(gate.work(timeout=None)(Called().coroutine)("alice"))
        await asyncio.sleep(0)
        gate.open()
        return await waiting

    assert asyncio.run(main()) == "alice"


class OpensAtOnce:
    """A gate that opens as soon as somebody waits.

    Attributes:
        waits: For how long somebody was ready to wait, each time.
    """

    def __init__(self) -> None:
        self.waits: list[float | None] = []

    def check(self, *, session: str | None = None) -> None:
        if not self.waits:
            raise SessionExpiredError(expiry(session))

    def wait(self, timeout: float | None = None, *, session: str | None = None) -> bool:
        self.waits.append(timeout)
        return True

    async def wait_async(self, timeout: float | None = None, *, session: str | None = None) -> bool:
        return self.wait(timeout, session=session)


def test_a_coroutine_that_is_not_to_wait_does_not_pass_through_the_loop() -> None:
    gate = OpensAtOnce()

    async def enters(timeout: float | None) -> None:
        async with Work(gate=gate, session=None, timeout=timeout):
            pass

    with pytest.raises(SessionExpiredError):
        asyncio.run(enters(0))
    for timeout in (1, 0.5, None):
        asyncio.run(enters(timeout))
    assert gate.waits == [1, 0.5, None]


@pytest.mark.parametrize("timeout", [-1, float("nan")])
def test_an_invalid_timeout_is_refused(timeout: float) -> None:
    with pytest.raises(ValueError, match=r"^gate\.work: invalid timeout (-1|nan); expected 0 or more"):
        SchedulerGate().work(timeout=timeout)


def test_invalid_uses_are_refused() -> None:
    work = SchedulerGate().work(session=lambda: None)

    message = "^gate.work: a callable `session` needs a function's arguments; a block names its own$"
    with pytest.raises(TypeError, match=message), work:
        pass
    with pytest.raises(TypeError, match="expected a function to decorate"):
        work("alice")  # type: ignore[arg-type]


def test_openings_are_reported_until_unsubscribed(caplog: pytest.LogCaptureFixture) -> None:
    gate = SchedulerGate("session")
    told: list[bool] = []

    def fail() -> None:
        raise ValueError("a payload")

    gate.on_open(fail)
    end = gate.on_open(lambda: told.append(gate.is_open_for("alice")))
    gate.close(expiry("alice"))
    assert told == []

    gate.open("alice")
    end()
    end()
    gate.open("alice")

    assert told == [True]
    assert {record.getMessage() for record in caplog.records} == {
        "sentry-filters: a gate callback raised ValueError"
    }
    assert {record.levelname for record in caplog.records} == {"WARNING"}
