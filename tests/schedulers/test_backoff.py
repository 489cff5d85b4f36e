from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sentry_filters.schedulers.backoff import Backoff
from tests.support.expiries import expiry


@pytest.mark.parametrize(
    ("age", "shortest", "longest"),
    [
        pytest.param(0, 2, 2, id="just-expired"),
        pytest.param(-3600, 2, 2, id="a-clock-set-back"),
        pytest.param(40, 10, 20.1, id="grows-with-the-age"),
        pytest.param(86_400, 60, 120, id="up-to-the-longest"),
    ],
)
def test_the_time_between_two_looks(age: float, shortest: float, longest: float) -> None:
    event = replace(expiry(), at=datetime.now(UTC) - timedelta(seconds=age))

    seconds = [Backoff().seconds(event) for _ in range(200)]

    assert shortest <= min(seconds) <= max(seconds) <= longest


def test_jobs_do_not_ask_at_the_same_moment() -> None:
    event = replace(expiry(), at=datetime.now(UTC) - timedelta(hours=1))

    assert len({Backoff().seconds(event) for _ in range(100)}) > 90


@pytest.mark.parametrize(("first", "longest"), [(0, 1), (-1, 1), (2, 1), (float("nan"), 1)])
def test_an_impossible_backoff_is_refused(first: float, longest: float) -> None:
    with pytest.raises(ValueError, match=r"^invalid Backoff\(first=.*; expected 0 < first <= longest$"):
        Backoff(first=first, longest=longest)


@pytest.mark.parametrize("discoveries", [-1, 1.5, True])
def test_an_impossible_number_of_discoveries_is_refused(discoveries: int) -> None:
    with pytest.raises(ValueError, match=r"^invalid Backoff\(discoveries=.*; expected a whole number"):
        Backoff(discoveries=discoveries)
