"""When a postponed job tries again, and how often it may find the session expired by itself."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime

from sentry_filters.core import SessionExpired


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """The time between two attempts of a postponed job, which grows with the age of the expiry.

    It needs no count of attempts, so no broker has to keep one.

    Args:
        first: The shortest time, in seconds; more than 0.
        longest: The longest time, in seconds. A job that nothing wakes starts within it after a renewal.
        discoveries: How often one job is postponed because its own call found the session expired. After
            that, its error fails the job as usual, since a renewal does not help; with 0, the first one does.

    Raises:
        ValueError: `first` is not more than 0, `longest` is less than `first`, or `discoveries` is not a
            whole number, 0 or more.
    """

    first: float = 2.0
    longest: float = 120.0
    discoveries: int = 3

    def __post_init__(self) -> None:
        if not 0 < self.first <= self.longest:
            given = f"first={self.first!r}, longest={self.longest!r}"
            raise ValueError(f"invalid Backoff({given}); expected 0 < first <= longest")
        if type(self.discoveries) is not int or self.discoveries < 0:
            given = f"discoveries={self.discoveries!r}"
            raise ValueError(f"invalid Backoff({given}); expected a whole number, 0 or more")

    def seconds(self, event: SessionExpired) -> float:
        """Return how long to wait, with jitter that keeps many jobs from asking at the same moment.

        Args:
            event: The expiry that closed the gate; a clock set back counts as no time.
        """
        age = (datetime.now(UTC) - event.at).total_seconds()
        ceiling = min(max(self.first, age / 2), self.longest)
        return max(self.first, random.uniform(ceiling / 2, ceiling))  # noqa: S311 - spreads load, guards nothing
