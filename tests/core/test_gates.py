"""What a gate makes of expiries that are over, and the gate of several backends of each of theirs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import pytest

from sentry_filters import Policy, SchedulerGate, SessionExpired, SessionExpiredError, SessionGuard
from sentry_filters.core import gates as gates_of_backends
from sentry_filters.core.gates import BackendGates
from tests.support.expiries import expiry


@pytest.fixture
def several() -> SchedulerGate:
    """The gate of a guard with two backends."""
    policies = [Policy(provider=name, hosts={f"api.{name.lower()}.ai"}) for name in ("Alpha", "Beta")]
    return SessionGuard(policies, lambda event: None).gate


@pytest.fixture
def by_session() -> BackendGates:
    """The gates of two backends whose sessions are told apart; the session "a" of Beta has expired."""
    gates = BackendGates({name: SchedulerGate("session", provider=name) for name in ("Alpha", "Beta")})
    gates.close(of_beta("a"))
    return gates


def of_beta(session: str | None) -> SessionExpired:
    return replace(expiry(session), provider="Beta")


def test_what_is_told_of_an_expiry_that_is_over_changes_nothing() -> None:
    gate = SchedulerGate("session")
    over, running = expiry("a"), expiry("a")
    gate.close(over)
    gate.close(running)

    gate.amend(replace(over, reason="late"))
    gate.reopen(over.id, "a")

    with pytest.raises(SessionExpiredError) as refused:
        gate.check(session="a")
    assert refused.value.event is running


@pytest.mark.parametrize("scope", ["process", "session"])
def test_a_later_expiry_of_a_session_takes_the_place_of_the_earlier_one(
    scope: Literal["process", "session"],
) -> None:
    gate, opened = SchedulerGate(scope), list[bool]()
    gate.on_open(lambda: opened.append(True))
    first, second = expiry("a"), expiry("a")
    gate.close(first)
    gate.close(second, instead_of=first.id)
    assert opened == [], "it was never open in between"

    gate.reopen(second.id, "a")
    assert gate.is_open_for("a")


def test_those_who_wait_are_told_what_is_known_by_now() -> None:
    gate = SchedulerGate()
    event = expiry("a")
    gate.close(event)
    gate.amend(replace(event, reason="redacted"))

    with pytest.raises(SessionExpiredError) as refused:
        gate.check()
    assert refused.value.event.reason == "redacted"


def test_an_expiry_closes_the_gate_of_its_own_backend(several: SchedulerGate) -> None:
    event = replace(expiry("a"), provider="Beta")
    several.close(event)

    assert several.is_closed_by(event.id, "a")
    assert not several.is_closed_by("another", "a")
    assert several.of("Alpha").is_open
    several.amend(replace(event, reason="redacted"))
    with pytest.raises(SessionExpiredError) as refused:
        several.check()
    assert refused.value.event.reason == "redacted"

    several.reopen(event.id, "a")
    assert several.is_open


def test_a_wait_for_several_has_one_timeout(several: SchedulerGate) -> None:
    several.close(replace(expiry("a"), provider="Beta"))

    assert not several.wait(0.01)
    assert not asyncio.run(several.wait_async(0.01))
    several.open()
    assert several.wait()
    assert asyncio.run(several.wait_async())


def test_a_wait_for_several_ends_where_one_of_them_gives_up() -> None:
    class GivesUp(SchedulerGate):
        # At once: of what follows a wait that was cancelled, CPython 3.11 tells coverage nothing.
        async def wait_async(
            self, timeout: float | None = None, *, session: str | None = None, provider: str | None = None
        ) -> bool:
            return False

    gates = BackendGates({"Alpha": SchedulerGate(), "Beta": GivesUp()})
    gates.close(replace(expiry("a"), provider="Beta"))

    assert not asyncio.run(gates.wait_async())


def test_a_wait_for_several_ends_when_all_of_them_are_open() -> None:
    class OpensAtOnce(SchedulerGate):
        def wait(
            self, timeout: float | None = None, *, session: str | None = None, provider: str | None = None
        ) -> bool:
            self.open()
            return True

        async def wait_async(
            self, timeout: float | None = None, *, session: str | None = None, provider: str | None = None
        ) -> bool:
            return self.wait()

    gates = BackendGates({"Alpha": SchedulerGate(), "Beta": OpensAtOnce()})
    gates.close(replace(expiry("a"), provider="Beta"))
    assert gates.wait()
    assert gates.is_open

    gates.close(replace(expiry("b"), provider="Beta"))
    assert asyncio.run(gates.wait_async())
    assert gates.is_open


Asks = Callable[..., object]


def checked(gate: SchedulerGate, **asked: str) -> bool:
    try:
        gate.check(**asked)
    except SessionExpiredError:
        return False
    return True


def works(gate: SchedulerGate, **asked: Any) -> bool:
    """Whether work may begin at once."""
    try:
        with gate.work(**asked):
            return True
    except SessionExpiredError:
        return False


ASKS: dict[str, Asks] = {
    "check": checked,
    "is_open_for": lambda gate, session: gate.is_open_for(session),
    "wait": lambda gate, **asked: gate.wait(0.0, **asked),
    "wait_async": lambda gate, **asked: asyncio.run(gate.wait_async(0.0, **asked)),
    "work": works,
}


@pytest.mark.parametrize("asks", ASKS.values(), ids=ASKS)
def test_a_session_is_asked_for_in_each_of_them(by_session: BackendGates, asks: Asks) -> None:
    assert asks(by_session, session="b")
    assert not asks(by_session, session="a")


@pytest.mark.parametrize("asks", [asks for name, asks in ASKS.items() if name != "is_open_for"])
def test_a_session_is_asked_for_in_the_one_that_is_named(by_session: BackendGates, asks: Asks) -> None:
    assert asks(by_session, session="b", provider="Beta")
    assert asks(by_session, session="a", provider="Alpha")
    assert not asks(by_session, session="a", provider="Beta")


def test_a_session_is_renewed_in_each_of_them(by_session: BackendGates) -> None:
    by_session.close(of_beta("b"))
    by_session.open("a")
    assert by_session.is_open_for("a")
    assert not by_session.is_open_for("b")


def test_an_expiry_is_known_by_its_session_too(by_session: BackendGates) -> None:
    event = of_beta("b")
    by_session.close(event)
    assert by_session.is_closed_by(event.id, "b")
    assert not by_session.is_closed_by(event.id, "a")

    by_session.reopen(event.id, "b")
    assert by_session.is_open_for("b")
    assert not by_session.is_open_for("a")


def test_an_expiry_is_found_whichever_it_closes(several: SchedulerGate, by_session: BackendGates) -> None:
    for gates in (several, by_session):
        assert gates.expiry("never seen", "b") is (None if gates is several else gates.of("Beta")._latest)
        first = replace(expiry("b"), provider="Alpha")
        second = of_beta("c")
        for event in (first, second):
            gates.close(event)

        assert gates.expiry(first.id, "b") is first
        assert gates.expiry(second.id, "c") is second
        assert gates.expiry("over by now", "c") is first, "any of those that are the latest"
        gates.close(of_beta("d"))
        assert gates.expiry(second.id, "c") is second


def test_a_later_expiry_takes_the_place_of_the_earlier_one_in_its_own(several: SchedulerGate) -> None:
    first, second = of_beta("a"), of_beta("a")
    several.close(first)
    several.close(second, instead_of=first.id)
    several.reopen(second.id, "a")
    assert several.is_open


@pytest.mark.parametrize("provider", [None, "Alpha", "Beta"])
def test_whose_failure_an_error_is_each_of_them_says(several: SchedulerGate, provider: str | None) -> None:
    event, error = expiry(), ValueError("job")
    several.find_with(lambda failed: event if failed is error else None)
    assert several.of(provider).found_by(error) is event


@pytest.mark.parametrize("provider", [None, "Beta"])
def test_work_waits_as_long_as_it_says(several: SchedulerGate, provider: str | None) -> None:
    several.close(of_beta("a"))
    threading.Timer(0.02, several.open).start()
    with several.work(provider=provider, timeout=30.0):
        assert several.is_open


class Clock:
    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


class Waits(SchedulerGate):
    """A gate that opens after a minute, and keeps how long it was waited for."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.close(expiry())
        self.waited: list[float | None] = []
        self._clock = clock

    def wait(
        self, timeout: float | None = None, *, session: str | None = None, provider: str | None = None
    ) -> bool:
        self.waited.append(timeout)
        self._clock.now += 60.0
        self.open()
        return True

    async def wait_async(
        self, timeout: float | None = None, *, session: str | None = None, provider: str | None = None
    ) -> bool:
        return self.wait(timeout)


@pytest.mark.parametrize("waits", ["wait", "wait_async"])
@pytest.mark.parametrize(
    ("timeout", "waited"),
    [(None, [None, None]), (100.0, [100.0, 40.0]), (60.0, [60.0, 0.0]), (0.0, [0.0, 0.0])],
)
def test_each_is_waited_for_as_long_as_is_left(
    monkeypatch: pytest.MonkeyPatch, waits: str, timeout: float | None, waited: list[float | None]
) -> None:
    clock = Clock()
    monkeypatch.setattr(gates_of_backends, "time", clock)
    one, other = Waits(clock), Waits(clock)
    gates = BackendGates({"Alpha": one, "Beta": other})
    if waits == "wait":
        assert gates.wait(timeout)
    else:
        assert asyncio.run(gates.wait_async(timeout))

    assert [*one.waited, *other.waited] == waited


@pytest.mark.parametrize("provider", [None, "Beta"])
def test_work_that_does_not_say_how_long_it_waits_is_refused_at_once(
    several: SchedulerGate, provider: str | None
) -> None:
    assert several.work(provider=provider).timeout == 0.0
