"""Time and turns of a simulation: one task runs at a time, and the seed says which."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from typing import Any

from greenlet import getcurrent, greenlet

_MOST_STEPS = 2_000_000  # more turns than this without an end is a loop that makes no progress

_INTERRUPTED = 0.05  # how likely, at each place where it may be


class Dead(BaseException):
    """Raised in the tasks of a process that has crashed, wherever they are."""


class Stuck(AssertionError):
    """Nothing can ever happen again, and somebody still waits; or nothing ever ends."""


class Task:
    """What runs in turns: a thread of a simulated process, or a part of the world.

    Args:
        scheduler: Gives it its turns.
        act: What it does.
        home: The process that it belongs to, None for the world.
        name: For people.
    """

    def __init__(self, scheduler: Scheduler, act: Callable[[], object], home: Any, name: str) -> None:
        self.home = home
        self.name = name
        self.is_over = False
        self.number = next(scheduler.numbers)
        self._act = act
        self._scheduler = scheduler
        self.waits = 0  # grows with every wait: a timer of an earlier one wakes nobody
        self.is_ready = False
        self.joined: list[Task] = []
        self.thread: object = self  # what `threading.current_thread` returns
        self.greenlet = greenlet(self._run, scheduler.hub)

    def _run(self) -> None:
        try:
            self._act()
        except Dead:
            pass
        finally:
            self.is_over = True
            for one in self.joined:
                self._scheduler.wake(one)


class Scheduler:
    """Runs tasks in an order that the seed decides, in a time that passes when all of them wait.

    Args:
        seed: Everything that is random comes from it.
        switching: How likely a task gives up its turn where it may.
    """

    def __init__(self, seed: int, switching: float = 0.15) -> None:
        self.random = random.Random(seed)
        self.numbers = itertools.count()
        self.now = 1_000_000.0
        self.hub = getcurrent()
        self.steps = 0
        self._switching = switching
        self._ready: list[Task] = []
        self._timers: list[tuple[float, int, Task, int]] = []
        self._current: Task | None = None

    @property
    def is_over(self) -> bool:
        """Whether it is nobody's turn: what the collector ends then waits for nobody."""
        return self._current is None

    @property
    def current(self) -> Task:
        """The task whose turn it is."""
        assert self._current is not None
        return self._current

    def spawn(self, act: Callable[[], object], home: Any = None, name: str = "") -> Task:
        """Add a task."""
        task = Task(self, act, home, name)
        if home is not None:
            home.tasks.append(task)
        self._get_ready(task)
        return task

    def pause(self) -> None:
        """Perhaps let others run first: everything that another thread could do may happen here."""
        if self._current is not None:
            self._is_alive()
            self._interrupted()
            if self.random.random() < self._switching:
                self._get_ready(self._current)
                self._leave()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.park(seconds)

    def park(self, seconds: float | None = None) -> bool:
        """Wait until `wake`, for so many seconds at most; say whether somebody woke it."""
        self._is_alive()
        task = self.current
        task.waits += 1
        if seconds is not None:
            heapq.heappush(self._timers, (self.now + max(0.0, seconds), task.number, task, task.waits))
        waited = task.waits
        self._leave()
        return task.waits == waited + 1

    def wake(self, task: Task) -> None:
        """End a task's wait."""
        if not task.is_over and not task.is_ready:
            task.waits += 1
            self._get_ready(task)

    def kill(self, home: Any) -> None:
        """End all tasks of a process where they are, also the one whose turn it is."""
        for task in [one for one in home.tasks if not one.is_over]:
            if task is not self._current:
                self._end(task)
        if self._current is not None and self._current.home is home:
            raise Dead

    def run(self, until: Callable[[], bool]) -> None:
        """Give turns until `until` says so.

        Raises:
            Stuck: Nothing can happen any more, or nothing ends.
        """
        while not until():
            self.steps += 1
            if self.steps > _MOST_STEPS:
                raise Stuck(f"no end after {self.steps} turns")
            if not self._ready and not self._next_moment():
                raise Stuck("everybody waits for ever")
            task = self._ready.pop(self.random.randrange(len(self._ready)))
            task.is_ready = False
            if not task.is_over:
                self._switch(task)

    def _switch(self, task: Task) -> None:
        self._current, before = task, self._current
        try:
            task.greenlet.switch()
        finally:
            self._current = before

    def _leave(self) -> None:
        self.hub.switch()
        self._is_alive()

    def _interrupted(self) -> None:
        """Run the handler of a signal, or a finalizer, in the middle of what the task does."""
        home = self.current.home
        if home is not None and home.interrupts and self.random.random() < _INTERRUPTED:
            home.interrupts.pop()()

    def _is_alive(self) -> None:
        home = self.current.home
        if home is not None and home.is_dead:
            raise Dead

    def _get_ready(self, task: Task) -> None:
        task.is_ready = True
        self._ready.append(task)

    def _next_moment(self) -> bool:
        while self._timers:
            moment, _, task, waits = heapq.heappop(self._timers)
            if task.waits == waits and not task.is_over and not task.is_ready:
                self.now = moment
                self._get_ready(task)
                return True
        return False

    def _end(self, task: Task) -> None:
        if task.greenlet:
            self._current, before = task, self._current
            task.greenlet.parent = getcurrent()  # where it goes on when the task is over
            try:
                task.greenlet.throw(Dead)
            finally:
                self._current = before
        task.is_over = True
