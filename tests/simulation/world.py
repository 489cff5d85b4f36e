"""What the simulated worlds have in common: a scheduler, a server, processes, accounts at a backend."""

from __future__ import annotations

import hashlib
import logging
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, Literal, TypeVar

from sentry_filters.core import expiries
from sentry_filters.core.session import SessionExpired
from tests.simulation.judge import Judge
from tests.simulation.primitives import Place, places, simulated
from tests.simulation.process import Process
from tests.simulation.scheduler import Scheduler
from tests.simulation.server import Server

Home = TypeVar("Home", bound=Process)


@dataclass(slots=True)
class Account:
    """A user, or the application itself, at the backend.

    Args:
        name: Of the user.
        credential: The one that is valid, None while nobody is signed in.
        flaky_until: Until then the backend may answer 401 although the session lives.
    """

    name: str
    credential: str | None = None
    flaky_until: float = 0.0
    given: int = 0
    all_given: list[str] = field(default_factory=list)

    def sign_in(self) -> str:
        """Return a new credential, which is valid from now on, as the only one."""
        self.given += 1
        text = f"{self.name} {self.given}"
        self.credential = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
        self.all_given.append(self.credential)
        return self.credential


class World(ABC, Generic[Home]):
    """One simulation.

    Args:
        seed: Decides everything.
        log: Where what happens is written, None for nowhere.
    """

    scope: Literal["process", "session"]
    listening: bool
    accounts: list[Account]
    server: Server
    judge: Judge

    def __init__(self, seed: int, log: list[str] | None = None) -> None:
        self.seed = seed
        self.scheduler = Scheduler(seed)
        self.processes: list[Home] = []
        self.stored: dict[str, str] = {}  # what is kept where all processes read it, by account
        self.is_calm = True  # whether nothing went wrong with processes, network and server
        self.is_over = False
        self._log = log

    def run(self, where: list[Place]) -> None:
        """Let it happen; raises what does not hold."""
        with simulated(where, self.scheduler), at_its_time(self.scheduler):
            self.scheduler.spawn(self._script, name="script")
            self.scheduler.run(lambda: self.is_over)

    def note(self, text: str) -> None:
        """Write down what happens."""
        if self._log is not None:
            self._log.append(f"{self.scheduler.now - 1_000_000:10.3f} {text}")

    @property
    def alive(self) -> list[Home]:
        """The processes that have not crashed."""
        return [one for one in self.processes if not one.is_dead]

    @abstractmethod
    def sign_in_soon(self, process: Process, event: SessionExpired) -> None:
        """A handler was told."""

    @abstractmethod
    def _script(self) -> None:
        """What happens; at the end, the world is over."""


def places_of_the_package() -> list[Place]:
    """Return where the package's modules meet threads and clocks."""
    import sentry_filters.core.renewals  # noqa: PLC0415 - so that they are there
    import sentry_filters.redis.sessions  # noqa: F401, PLC0415

    rooms = ("sentry_filters.core.", "sentry_filters.redis.", "redis.backoff")
    return places(module for name, module in sorted(sys.modules.items()) if name.startswith(rooms))


@contextmanager
def at_its_time(scheduler: Scheduler) -> Iterator[None]:
    """Let events have the simulated time, and no log be written, in the block."""

    class Moment:
        @staticmethod
        def now(zone: Any) -> datetime:
            home = scheduler.current.home
            return datetime.fromtimestamp(scheduler.now + (0.0 if home is None else home.clock_is_ahead), UTC)

    real, expiries.datetime = expiries.datetime, Moment  # type: ignore[attr-defined, assignment]
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        expiries.datetime = real  # type: ignore[attr-defined]
