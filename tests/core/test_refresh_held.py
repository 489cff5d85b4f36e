"""A credential's own moments, and how often another is asked for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sentry_filters.core import refresh_held
from sentry_filters.core.refresh_held import LEASE_SECONDS, LEEWAY_SECONDS, HeldAs, Tries, session_of
from sentry_filters.evidence import expires_at
from tests.support.tokens import jwt

NOW = 1_800_000_000.0


class Clock:
    """Both clocks of the module, and the middle of every random range."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = NOW
        self.between: list[tuple[float, float]] = []
        monkeypatch.setattr(
            refresh_held, "time", SimpleNamespace(time=lambda: self.now, monotonic=lambda: self.now)
        )
        monkeypatch.setattr(refresh_held, "random", SimpleNamespace(uniform=self._uniform))

    def _uniform(self, least: float, most: float) -> float:
        self.between.append((least, most))
        return (least + most) / 2


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def held_as(*, refuse_expired: bool = False, renew_before: float = 0.0) -> HeldAs:
    return HeldAs(lambda credential: f"of {credential[:3]}", "process", refuse_expired, renew_before)


def test_a_credential_that_says_nothing_of_its_end_is_never_due(clock: Clock) -> None:
    held = held_as(refuse_expired=True, renew_before=60.0).held("abcdef", fresh=True)

    assert (held.credential, held.session, held.fresh) == ("abcdef", "of abc", True)
    assert (held.due, held.ends, held.over) == (None, None, None)
    assert (held.is_due(), held.is_valid(), held.is_over()) == (False, True, False)
    assert (session_of(held), session_of(None)) == ("of abc", None)


@pytest.mark.parametrize("refuse", [True, False])
@pytest.mark.parametrize("fresh", [True, False])
def test_one_with_an_end_is_due_some_time_before_it(clock: Clock, *, refuse: bool, fresh: bool) -> None:
    credential = jwt(100.0)
    ends = expires_at(credential)
    assert ends is not None
    clock.now = ends - 100.0
    held = held_as(refuse_expired=refuse, renew_before=60.0).held(credential, fresh=fresh)

    assert clock.between == [(0.5, 1.0)]
    assert (held.ends, held.due, held.over) == (ends, ends - 45.0, ends + LEEWAY_SECONDS if refuse else None)
    seen = []
    for clock.now in (ends - 45.1, ends - 45.0, ends - 0.1, ends, ends + 4.9, ends + 5.0):
        seen.append((held.is_due(), held.is_valid(), held.is_over()))
    assert seen == [
        (False, True, False),
        (True, True, False),
        (True, True, False),
        (True, False, False),
        (True, False, False),
        (True, False, refuse),
    ]


@pytest.mark.parametrize(
    ("seconds_left", "fresh", "due_in"),
    [
        pytest.param(45.1, True, 0.1, id="just not yet"),
        pytest.param(45.0, True, 45.0, id="due when it was made: at its end"),
        pytest.param(0.1, True, 0.1, id="nearly over when it was made"),
        pytest.param(0.0, True, None, id="over when it was made: never"),
        pytest.param(45.0, False, 0.0, id="loaded and due"),
        pytest.param(-9.0, False, -54.0, id="loaded and over"),
    ],
)
def test_what_was_made_just_now_is_not_renewed_for_ever(
    clock: Clock, seconds_left: float, due_in: float | None, *, fresh: bool
) -> None:
    credential = jwt(100.0)
    ends = expires_at(credential)
    assert ends is not None
    clock.now = ends - seconds_left
    held = held_as(renew_before=60.0).held(credential, fresh=fresh)

    assert held.due == (None if due_in is None else pytest.approx(clock.now + due_in, abs=1e-3))


def may_ask_from(tries: Tries, clock: Clock) -> float:
    """Return in how many seconds it may be asked, to a tenth; the clock is then there."""
    began = clock.now
    while not tries.may_ask():
        clock.now = round(clock.now + 0.1, 1)
    return round(clock.now - began, 1)


def test_two_attempts_in_a_lease_and_then_none_until_it_is_over(clock: Clock) -> None:
    tries = Tries()

    assert may_ask_from(tries, clock) == 0.0
    tries.begin()
    assert may_ask_from(tries, clock) == 1.5
    assert clock.between == [(1.0, 2.0)]
    tries.begin()
    assert may_ask_from(tries, clock) == LEASE_SECONDS - 1.5
    tries.begin()  # the first is forgotten by now, the second is not
    assert may_ask_from(tries, clock) == 1.5
    tries.begin()
    assert may_ask_from(tries, clock) == LEASE_SECONDS - 1.5


def test_a_short_pause_shortens_no_long_one(clock: Clock) -> None:
    tries = Tries()
    tries.pause(20.0)
    tries.failed()

    assert may_ask_from(tries, clock) == 20.0


def test_what_worked_forgets_the_attempts_and_the_pause(clock: Clock) -> None:
    tries = Tries()
    for _ in range(2):
        tries.begin()
        tries.pause(60.0)
        tries.forget()
        assert may_ask_from(tries, clock) == 0.0
    tries.begin()
    assert may_ask_from(tries, clock) == 1.5, "it is the first one again"
