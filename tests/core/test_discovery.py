"""Which expiry an error was the failure of, for as long as the error exists."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from sentry_filters import SchedulerGate, Verdict
from sentry_filters.core import Decision, Discoveries
from tests.support.expiries import expiry
from tests.support.forks import forked, held_elsewhere

DROPPED = Decision(Verdict(drop=True, reason="x"))


class Failed(Exception):
    """An error of the application."""


class Unhashable(Exception):
    __hash__ = None  # type: ignore[assignment]


def found(error: object, expiry_id: str | None, session: str | None, gate: SchedulerGate) -> object:
    return Discoveries(gate).remember(error, replace(DROPPED, expiry=expiry_id), session)


def test_an_error_is_remembered_with_the_expiry_of_its_own_session() -> None:
    gate = SchedulerGate("session")
    first, second = expiry("a"), expiry("b")
    for event in (first, second):
        gate.close(event)
    discoveries, error = Discoveries(gate), Failed()

    assert discoveries.of(error) is None
    assert discoveries.remember(error, replace(DROPPED, expiry=first.id), "a") is first
    assert discoveries.of(error) is first
    assert found(Failed(), None, "a", gate) is None, "it was about no expiry"
    assert found("a text", first.id, "a", gate) is None


@pytest.mark.parametrize("error", [RuntimeError("of the interpreter"), Unhashable()])
def test_an_error_that_cannot_be_remembered_is_answered_all_the_same(error: BaseException) -> None:
    gate, event = SchedulerGate(), expiry()
    gate.close(event)
    discoveries = Discoveries(gate)

    assert discoveries.remember(error, replace(DROPPED, expiry=event.id), None) is event
    assert discoveries.of(error) is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_begins_without_its_parents_errors() -> None:
    gate, event = SchedulerGate(), expiry()
    gate.close(event)
    discoveries, error = Discoveries(gate), Failed()
    decision = replace(DROPPED, expiry=event.id)
    discoveries.remember(error, decision, None)

    def child() -> bool:
        begins_empty = discoveries.of(error) is None
        return begins_empty and discoveries.remember(error, decision, None) is event

    with held_elsewhere(discoveries._lock):
        assert forked(child)
    assert discoveries.of(error) is event
