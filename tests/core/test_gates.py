"""What a gate makes of expiries that are over, and the gate of several backends of each of theirs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Literal

import pytest

from sentry_filters import Policy, SchedulerGate, SessionExpiredError, SessionGuard
from sentry_filters.core.gates import BackendGates
from tests.support.expiries import expiry


@pytest.fixture
def several() -> SchedulerGate:
    """The gate of a guard with two backends."""
    policies = [Policy(provider=name, hosts={f"api.{name.lower()}.ai"}) for name in ("Alpha", "Beta")]
    return SessionGuard(policies, lambda event: None).gate


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
