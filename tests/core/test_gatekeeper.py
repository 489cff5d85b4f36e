"""The gate follows what is known of the sessions: closed for those whose expiry runs, open for all others."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Literal

import pytest

from sentry_filters import SchedulerGate, SessionExpired
from sentry_filters.core.gatekeeper import GateKeeper
from sentry_filters.core.knowledge import Knowledge
from sentry_filters.core.states import Adopted, Failed, Renewal, Renewed, Rule
from tests.support.expiries import expiry

Scope = Literal["process", "session"]


class Kept:
    """A gate, what is known of the sessions, and what keeps the one as the other is."""

    def __init__(self, scope: Scope, gate: SchedulerGate | None = None) -> None:
        rule = Rule(
            scope=scope,
            renewal_grace=0.0,
            healing_window=0.0,
            expiry_id=lambda name, after: f"{name}{after}",
        )
        self.known = Knowledge(rule)
        self.gate = SchedulerGate(scope) if gate is None else gate
        self.keeper = GateKeeper(scope, self.gate, self.known)

    def fails(self, name: str | None, at: float = 10.0) -> SessionExpired:
        """Let a session end, and close the gate for it."""
        running = self.known.apply(name, Failed(now=at, reported=at, began=at)).state.running
        assert running is not None
        event = replace(expiry(name), id=running.id)
        self.keeper.close(event, name)
        return event

    def renews(self, name: str | None, stamp: int = 5, *, everyone: bool = False) -> tuple[str, ...]:
        return self.keeper.renew(name, Renewal(stamp, at=20.0), everyone=everyone)

    @property
    def halted(self) -> list[str]:
        """The sessions whose work is halted."""
        return [name for name in "abc" if not self.gate.is_open_for(name)]


@pytest.mark.parametrize(
    ("scope", "name", "everyone", "ended", "halted"),
    [
        ("session", "a", False, ("a0",), ["b"]),
        ("session", "a", True, ("a0", "b0"), []),
        ("session", None, True, ("a0", "b0"), []),
        ("session", "c", False, (), ["a", "b"]),
        ("process", None, True, ("a0", "b0"), []),
        ("process", "a", False, ("a0",), ["a", "b", "c"]),  # as far as it ends expiries: that of b runs
    ],
)
def test_a_renewal_opens_it_as_far_as_it_ends_expiries(
    scope: Scope, name: str | None, everyone: bool, ended: tuple[str, ...], halted: list[str]
) -> None:
    kept = Kept(scope)
    for one in ("a", "b"):
        kept.fails(one)

    assert kept.renews(name, everyone=everyone) == ended
    assert kept.halted == halted
    assert kept.known.running(None, everyone=True) == tuple(one for one in ("a0", "b0") if one not in ended)


def test_a_renewal_of_a_session_without_a_name_opens_no_others() -> None:
    kept = Kept("session")
    for name in (None, "b"):
        kept.fails(name)

    assert kept.renews(None) == ("None0",)
    assert kept.halted == ["b"]


@pytest.mark.parametrize("scope", ["process", "session"])
def test_an_expiry_that_followed_the_renewal_goes_on(scope: Scope) -> None:
    kept = Kept(scope)
    kept.fails("a")
    kept.known.apply("b", Adopted("later", 5, 30.0))
    kept.keeper.close(replace(expiry("b"), id="later"), "b")

    assert kept.renews(None, everyone=True) == ("a0",)
    assert kept.halted == (["b"] if scope == "session" else ["a", "b", "c"])
    assert not kept.gate.is_closed_by("a0", "a")


@pytest.mark.parametrize(("scope", "halted"), [("session", ["b"]), ("process", [])])
def test_what_was_foreseen_for_the_old_credential_is_over(scope: Scope, halted: list[str]) -> None:
    kept = Kept(scope)
    for name in ("a", "b"):
        kept.gate.ends_at(time.time() - 1.0, expiry(name))

    kept.renews("a" if scope == "session" else None, everyone=scope == "process")
    assert kept.halted == halted


def test_a_renewal_that_is_heard_of_again_opens_nothing() -> None:
    kept = Kept("process")
    kept.renews(None, everyone=True)
    kept.gate.ends_at(time.time() - 1.0, expiry())

    assert kept.renews(None, everyone=True) == ()
    assert not kept.gate.is_open


@pytest.mark.parametrize("scope", ["process", "session"])
def test_a_later_expiry_of_a_session_takes_the_place_of_the_earlier(scope: Scope) -> None:
    kept = Kept(scope)
    first = kept.fails("a")
    kept.known.apply("a", Renewed(Renewal(5, at=20.0), everyone=False))  # and the gate is yet to open
    second = kept.fails("a", at=30.0)

    assert [kept.gate.is_closed_by(one.id, "a") for one in (first, second)] == [False, True]
    assert kept.known.running(None, everyone=True) == (second.id,)
    assert kept.renews("a", stamp=6) == (second.id,)
    assert kept.halted == []


@pytest.mark.parametrize("scope", ["process", "session"])
def test_a_sign_in_while_it_closes_leaves_it_open(scope: Scope) -> None:
    class Gate(SchedulerGate):
        def close(self, event: SessionExpired, *, instead_of: str | None = None) -> None:
            kept.known.apply("a", Renewed(Renewal(5, at=20.0), everyone=False))
            super().close(event, instead_of=instead_of)

    kept = Kept(scope, Gate(scope))
    kept.fails("a")
    assert kept.halted == []
    assert kept.known.running(None, everyone=True) == ()
