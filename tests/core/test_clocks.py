"""What others state by the wall clock, on this process's steady one."""

from __future__ import annotations

import pytest

from sentry_filters import Failure, Response
from sentry_filters.core import clocks

NOW, WALL = 500.0, 1_700_000_000.0


class Clock:
    def monotonic(self) -> float:
        return NOW

    def time(self) -> float:
        return WALL


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "time", Clock())


@pytest.mark.parametrize(
    ("failure", "reported", "began"),
    [
        (Failure(), NOW, None),
        (Failure(at=WALL - 30.0), NOW - 30.0, None),
        (Failure(response=Response(status=401, started_at=WALL - 40.0), at=WALL), NOW, NOW - 40.0),
        (Failure(response=Response(status=401, started_at=WALL - 40.0, began=7.0)), NOW, 7.0),
    ],
)
def test_a_failures_moments_are_as_long_ago_as_the_wall_clock_says(
    failure: Failure, reported: float, began: float | None
) -> None:
    for can_show in (True, False):
        found = clocks.failed(failure, can_show=can_show)
        assert (found.now, found.reported, found.began) == (NOW, reported, began)
        assert found.can_show is can_show


@pytest.mark.parametrize(
    ("ago", "moment"), [(0.0, NOW), (30.0, NOW - 30.0), (0.25, NOW - 0.25), (-30.0, NOW)]
)
def test_a_renewal_is_never_later_than_now(ago: float, moment: float) -> None:
    assert clocks.moment_of(round((WALL - ago) * 1e6)) == moment


@pytest.mark.parametrize(
    ("failure", "begun"),
    [
        (Failure(), WALL),
        (Failure(at=WALL - 30.0), WALL - 30.0),
        (Failure(response=Response(status=401, started_at=WALL - 40.0), at=WALL), WALL - 40.0),
        (Failure(response=Response(status=401), at=WALL - 30.0), WALL - 30.0),
    ],
)
def test_other_processes_are_told_when_it_began(failure: Failure, begun: float) -> None:
    assert clocks.begun_at(failure) == begun


def test_a_stamp_is_in_microseconds() -> None:
    assert clocks.stamp_now() == 1_700_000_000_000_000
