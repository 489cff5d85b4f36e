"""Whose turn it is to renew, in memory: the lease's scripts and a future, as the package meets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sentry_filters.redis import lease
from tests.simulation.scheduler import Scheduler, Task

if TYPE_CHECKING:
    from tests.simulation.server import Server


class Future:
    """`concurrent.futures.Future`, as far as a flight uses it."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._is_done = False
        self._waiting: list[Task] = []

    def set_running_or_notify_cancel(self) -> bool:
        return True

    def set_result(self, _result: None) -> None:
        self._scheduler.pause()
        self._is_done = True
        for task in self._waiting:
            self._scheduler.wake(task)

    def done(self) -> bool:
        return self._is_done

    def result(self, timeout: float) -> None:
        self._scheduler.pause()
        if not self._is_done:
            task = self._scheduler.current
            self._waiting.append(task)
            self._scheduler.park(timeout)
            self._waiting.remove(task)
            if not self._is_done:
                raise TimeoutError


class Turns:
    """What the scripts of `sentry_filters/redis/lease.py` keep.

    Args:
        now: The moment, in seconds, on the clock of the server.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._kept: dict[str, tuple[str, float]] = {}

    def get(self, key: str) -> str | None:
        """Return what is kept, None where its time is over."""
        value, until = self._kept.get(key, ("", 0.0))
        if until <= self._now():
            self._kept.pop(key, None)
            return None
        return value

    def expire(self, key: str) -> None:
        """Let the time of a key be over."""
        self._kept.pop(key, None)

    def forget(self) -> None:
        """Lose everything."""
        self._kept.clear()

    def eval(self, script: str, keys: list[str], args: list[Any]) -> Any:
        """Do what a script does."""
        return self._claim(keys, args) if script == lease._CLAIM else self._settle(keys, args)

    def _claim(self, keys: list[str], args: list[Any]) -> Any:
        name, milliseconds, most, fence_seconds = args
        held = self.get(keys[0])
        if held == "refused":
            return [held, 0]
        if held is not None:
            return ["paused" if held == "paused" else "held", self._left(keys[0])]
        if int(self.get(keys[1]) or 0) >= int(most):
            return ["paused", self._left(keys[1])]
        fence = int(self.get(keys[2]) or 0) + 1
        self._set(keys[2], str(fence), fence_seconds)
        claim = f"{fence}:{name}"
        self._set(keys[0], claim, milliseconds / 1e3)
        turns = int(self.get(keys[1]) or 0) + 1
        self._kept[keys[1]] = (str(turns), self._kept[keys[1]][1] if turns > 1 else 0.0)
        if turns == 1:
            self._set(keys[1], "1", milliseconds / 1e3)
        return ["won", 0, claim]

    def _settle(self, keys: list[str], args: list[Any]) -> int:
        claim, outcome, pause, milliseconds = args
        if self.get(keys[0]) != claim:
            return 0
        if outcome == "renewed":
            self._kept.pop(keys[0], None)
            self._kept.pop(keys[1], None)
        elif outcome == "refused":
            self._set(keys[0], "refused", milliseconds / 1e3)
        else:
            self._set(keys[0], "paused", pause / 1e3)
        return 1

    def _set(self, key: str, value: str, seconds: float) -> None:
        self._kept[key] = (value, self._now() + seconds)

    def _left(self, key: str) -> int:
        return round((self._kept[key][1] - self._now()) * 1e3)


class TurnsOverTheNetwork:
    """The client that a lease has: `register_script` and `get`, over the simulated network."""

    def __init__(self, server: Server, home: object) -> None:
        self._server = server
        self._home = home

    def register_script(self, script: str) -> Callable[..., Any]:
        """Return a script that can be called."""

        def call(*, keys: list[str], args: list[Any]) -> Any:
            return self._told(lambda: self._server.turns.eval(script, keys, args))

        return call

    def get(self, key: str) -> Any:
        """Return what is kept."""
        return self._told(lambda: self._server.turns.get(key))

    def close(self) -> None:
        """End."""

    def _told(self, act: Callable[[], Any]) -> Any:
        self._server.reach(self._home)
        answer = act()
        self._server.answer(self._home)
        return answer
