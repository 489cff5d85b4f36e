"""What the jobs of stored schedules do: they are found again by their names."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from sentry_filters import SchedulerGate
from tests.support.expiries import expiry


@dataclass
class Record:
    """What ran, and what a job is to do when it runs."""

    ran: list[str] = field(default_factory=list)
    instead: Callable[[str], None] | None = None
    changed: threading.Condition = field(default_factory=threading.Condition)


RECORDS: dict[str, Record] = {}
"""By test: a stored job can hold the name of its record only."""


def job(record: str, name: str, user: str | None = None) -> None:
    """Write down that the job ran."""
    _run(record, name)


async def coroutine_job(record: str, name: str, user: str | None = None) -> None:
    """As `job`, on the event loop."""
    _run(record, name)


def _run(record: str, name: str) -> None:
    noted = RECORDS[record]
    with noted.changed:
        noted.ran.append(name)
    if noted.instead is not None:
        noted.instead(name)


def session_of(record: str, name: str, user: str | None = None) -> str | None:
    """Return the session of a job: its user's name."""
    return user


def expire_in_mid_flight(gate: SchedulerGate) -> Callable[[str], None]:
    """Return what a job does whose session ends while it runs."""

    def act(_: str) -> None:
        gate.close(expiry())
        gate.check()

    return act
