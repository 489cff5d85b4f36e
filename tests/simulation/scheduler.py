"""Time and turns of a simulation: one task runs at a time, and the seed says which."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from typing import Any

from greenlet import getcurrent, greenlet

_MOST_STEPS = 100_000  # more turns than this without an end is a loop that makes no progress
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

    __slots__ = (
        *("_act", "_scheduler", "greenlet", "home", "is_over", "is_ready", "joined", "name", "number"),
        *("thread", "waits"),
    )

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
        self._draw = self.random.random
        self._tasks: list[Task] = []
        self._ready: list[Task] = []
        self._timers: list[tuple[float, int, Task, int]] = []
        self.whose: Task | None = None  # turn it is; nobody's: what the collector ends then waits for nobody
        self._stuck: Stuck | None = None

    @property
    def current(self) -> Task:
        """The task whose turn it is."""
        assert self.whose is not None
        return self.whose

    def spawn(self, act: Callable[[], object], home: Any = None, name: str = "") -> Task:
        """Add a task."""
        task = Task(self, act, home, name)
        if home is not None:
            home.tasks.append(task)
        task.is_ready = True
        self._ready.append(task)
        self._tasks.append(task)
        return task

    def pause(self) -> None:
        """Perhaps let others run first: everything that another thread could do may happen here."""
        task = self.whose
        if task is None:
            return
        home = task.home
        if home is not None:
            if home.is_dead:
                raise Dead
            # A signal's handler, or a finalizer, in the middle of what the task does.
            if home.interrupts and self._draw() < _INTERRUPTED:
                home.interrupts.pop()()
        if self._draw() < self._switching:
            task.is_ready = True
            self._ready.append(task)
            self._leave(task)

    def park(self, seconds: float | None = None) -> bool:
        """Wait until `wake`, for so many seconds at most; say whether somebody woke it."""
        task = self.current
        home = task.home
        if home is not None and home.is_dead:
            raise Dead
        task.waits = waited = task.waits + 1
        if seconds is not None:
            moment = self.now + seconds if seconds > 0.0 else self.now
            is_next = not self._ready and (not self._timers or moment < self._timers[0][0])
            if is_next and self.steps < _MOST_STEPS:  # nobody else can do anything before
                self.steps += 1
                self.now = moment
                return False
            heapq.heappush(self._timers, (moment, task.number, task, waited))
        self._leave(task)
        return task.waits != waited

    sleep = park

    def wake(self, task: Task) -> None:
        """End a task's wait."""
        if not task.is_over and not task.is_ready:
            task.waits += 1
            task.is_ready = True
            self._ready.append(task)

    def kill(self, home: Any) -> None:
        """End all tasks of a process where they are, also the one whose turn it is."""
        for task in [one for one in home.tasks if not one.is_over]:
            if task is not self.whose:
                self._end(task)
        if self.whose is not None and self.whose.home is home:
            raise Dead

    def run(self, until: Callable[[], bool]) -> None:
        """Give turns until `until` says so; it is asked whenever a task has ended.

        Raises:
            Stuck: Nothing can happen any more, or nothing ends.
        """
        try:
            while not until():
                self.whose = self._next()
                self.whose.greenlet.switch()
                if self._stuck is not None:
                    raise self._stuck
        finally:
            self._end_all()
            self.whose = None

    def _leave(self, task: Task) -> None:
        """Give the turn to the next one, from greenlet to greenlet; returns when it is this one's again."""
        try:
            following = self._next()
        except Stuck as stuck:  # not through what the task does, which may catch it
            self._stuck = stuck
            self.hub.switch()
            raise Dead from stuck
        if following is not task:
            self.whose = following
            following.greenlet.switch()
        home = task.home
        if home is not None and home.is_dead:
            raise Dead

    def _next(self) -> Task:
        ready, timers = self._ready, self._timers
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise Stuck(f"no progress: no end after {_MOST_STEPS:,} turns")
        while True:
            if ready:
                task = ready.pop() if len(ready) == 1 else self._any_of(ready)
                task.is_ready = False
                if not task.is_over:
                    return task
            elif timers:
                moment, _, task, waits = heapq.heappop(timers)
                if task.waits == waits and not task.is_over:
                    self.now = moment
                    return task
            else:
                raise Stuck("everybody waits for ever")

    def _any_of(self, ready: list[Task]) -> Task:
        chosen = int(self._draw() * len(ready))
        ready[chosen], ready[-1] = ready[-1], ready[chosen]
        return ready.pop()

    def _end_all(self) -> None:
        """End what still waits: the collector does not reach greenlets that are suspended."""
        for task in self._tasks:
            if not task.is_over:
                if task.home is not None:
                    task.home.is_dead = True  # nothing waits any more
                self._end(task)
        # `weakref.finalize` keeps some locks, and through them this: nothing else may be kept.
        self._tasks.clear()
        self._ready.clear()
        self._timers.clear()

    def _end(self, task: Task) -> None:
        if task.greenlet:
            self.whose, before = task, self.whose
            task.greenlet.parent = getcurrent()  # where it goes on when the task is over
            try:
                task.greenlet.throw(Dead)
            finally:
                self.whose = before
        task.is_over = True
