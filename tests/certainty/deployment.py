"""The processes of an application together: one, or eight that share their sessions through Redis."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from tests.certainty.application import Application
from tests.certainty.setting import Report, Setting
from tests.certainty.worker import Worker, ask
from tests.support.backend import LLMBackend
from tests.support.receiver import SentryReceiver
from tests.support.redis import running_redis
from tests.support.tokens import TokenEndpoint
from tests.support.waiting import eventually

PROCESSES = 8
_LONGEST_WAIT = 30.0


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen of a row from outside.

    Args:
        reports: Of the processes; those of their forked children behind them.
        events: The values of the tag `session_expired` of the error events that Sentry received, None where
            one has no such tag.
        informed: How many informational items of expiries Sentry received.
    """

    reports: Sequence[Report]
    events: Sequence[str | None]
    informed: int


class Deployment:
    """An application's processes, and the backends that they call.

    Args:
        setting: What each process is told.
        servers: The hosted backend, another provider's, Sentry, and the token endpoint.
        workers: The processes; none for an application in this one.
    """

    def __init__(
        self,
        setting: Setting,
        servers: tuple[LLMBackend, LLMBackend, SentryReceiver, TokenEndpoint],
        workers: Sequence[Worker] = (),
    ) -> None:
        self.backend, self.other, self._receiver, self.tokens = servers
        self._workers = workers
        self._application = None if workers else Application(setting)
        self._children: list[Report] = []
        if workers:
            self.each("becomes", setting)

    @property
    def size(self) -> int:
        """How many processes there are."""
        return len(self._workers) or 1

    def each(self, what: str, *arguments: object) -> list[Any]:
        """Let every process do something, at the same time; return what came of it."""
        if self._application is not None:
            return [getattr(self._application, what)(*arguments)]
        return ask(self._workers, what, *arguments)

    def first(self, what: str, *arguments: object) -> Any:
        """Let the first process do something; return what came of it."""
        if self._application is not None:
            return getattr(self._application, what)(*arguments)
        return ask(self._workers[:1], what, *arguments)[0]

    def fail(self, token: str, times: int = 1) -> None:
        """Let calls fail in every process: nobody is told "dropped" while the gate is open."""
        told = self.each("calls", token, times)
        assert told == [[False] * times] * self.size, "the gate is closed before a failure is dropped"

    def renew(self, credential: str | None = None, replaces: str | None = None) -> None:
        """Sign in, in one process, and wait until all know of it."""
        assert self.first("renews", credential, replaces), "the gate opens before the sign-in returns"
        self.until_known(replaces or credential)

    def until_known(self, token: str | None) -> None:
        """Wait until all processes know of the first one's renewal of this session."""
        known = self.first("knows", token)
        assert eventually(lambda: self.each("knows", token) == [known] * self.size)

    def until_published(self, expected: int) -> None:
        """Wait until so many expiries were published in all."""
        assert eventually(lambda: sum(self.each("published")) >= expected), self.each("published")

    def until_open(self, *, is_open: bool, token: str | None = None) -> None:
        """Wait until the gate is open, or closed, in all processes."""
        assert eventually(lambda: self.each("is_open", token) == [is_open] * self.size)

    @contextmanager
    def in_flight(self, token: str) -> Iterator[None]:
        """Begin a call in every process, which the backend answers at the end of the block."""
        held = _Held(token, self.size)
        self.backend.state.delay = held
        self.each("begins", token)
        assert held.arrived.acquire(timeout=_LONGEST_WAIT)
        try:
            yield
        finally:
            held.released.set()
        self.landed = self.each("lands")

    def fork(self, *tokens: str) -> None:
        """Let a child of every process call with these credentials, and end."""
        self._children += self.each("forks", *tokens)

    def end(self) -> Seen:
        """End all processes, and return what was seen."""
        reports = self.each("ends")
        items = self._receiver.items
        events = [item.json for item in items if item.type == "event"]
        logs = [one for item in items if item.type == "log" for one in item.json["items"]]
        return Seen(
            reports=[*reports, *self._children],
            events=[(event.get("tags") or {}).get("session_expired") for event in events],
            informed=sum(log["body"].endswith(" session has expired") for log in logs),
        )


class _Held:
    """Holds back the first so many calls with a credential."""

    def __init__(self, token: str, number: int) -> None:
        self._token = token
        self._missing = number
        self._lock = threading.Lock()
        self.arrived = threading.Semaphore(0)
        self.released = threading.Event()

    def __call__(self, token: str) -> None:
        with self._lock:
            if token != self._token or not self._missing:
                return
            self._missing -= 1
            if not self._missing:
                self.arrived.release()
        self.released.wait(_LONGEST_WAIT)


class Workers:
    """Eight processes and a Redis, for as many rows as wanted: each row has a namespace of its own.

    Args:
        folder: Where Redis writes its log.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows = 0

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._url = self._stack.enter_context(running_redis(self._folder))
        self.processes = [Worker() for _ in range(PROCESSES)]
        for end in (Worker.join, Worker.close):
            for worker in self.processes:
                self._stack.callback(end, worker)
        return self

    def __exit__(self, *_raised: object) -> None:
        self._stack.close()

    def of_a_row(self, setting: Setting) -> Setting:
        """Return a setting whose processes share a namespace that was not used before."""
        self._rows += 1
        return replace(setting, redis=self._url, namespace=f"row-{self._rows}")
