"""`threading`, `time`, `queue` and `random` as the package's modules see them in a simulation."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any

from tests.simulation.scheduler import Scheduler, Task
from tests.simulation.turns import Future


class Lock:
    """`threading.Lock` and, where `again`, `threading.RLock`."""

    __slots__ = ("_again", "_scheduler", "_waiting", "depth", "owner")

    def __init__(self, scheduler: Scheduler, *, again: bool) -> None:
        self._scheduler = scheduler
        self._again = again
        self.owner: Task | None = None
        self.depth = 0
        self._waiting: deque[Task] | None = None

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        scheduler = self._scheduler
        scheduler.pause()
        task = scheduler.whose
        if task is None:
            return True
        if self.owner is None:
            self.owner, self.depth = task, 1
            return True
        if self.owner is task and self._again:
            self.depth += 1
            return True
        return self._wait(task, blocking=blocking, timeout=timeout)

    def _wait(self, task: Task, *, blocking: bool, timeout: float) -> bool:
        scheduler = self._scheduler
        until = scheduler.now + timeout
        if self._waiting is None:
            self._waiting = deque()
        while self.owner is not None:
            if not blocking or (timeout >= 0 and scheduler.now >= until):
                return False
            self._waiting.append(task)
            scheduler.park(None if timeout < 0 else until - scheduler.now)
            if task in self._waiting:
                self._waiting.remove(task)
        self.owner, self.depth = task, 1
        return True

    def release(self) -> None:
        self.depth -= 1
        if not self.depth:
            self.owner = None
            if self._waiting and self._scheduler.whose is not None:
                self._scheduler.wake(self._waiting.popleft())

    __enter__ = acquire

    def __exit__(self, *failed: object) -> None:
        self.release()


class Condition:
    """`threading.Condition`."""

    def __init__(self, scheduler: Scheduler, lock: Lock | None = None) -> None:
        self._scheduler = scheduler
        self._lock = Lock(scheduler, again=True) if lock is None else lock
        self._waiting: list[Task] = []

    def __enter__(self) -> bool:
        return self._lock.acquire()

    def __exit__(self, *failed: object) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        task, lock = self._scheduler.current, self._lock
        depth, lock.depth = lock.depth, 1
        lock.release()
        self._waiting.append(task)
        woken = self._scheduler.park(timeout)
        if task in self._waiting:
            self._waiting.remove(task)
        lock.acquire()
        lock.depth = depth
        return woken

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        until = None if timeout is None else self._scheduler.now + timeout
        while not (result := predicate()):
            left = None if until is None else until - self._scheduler.now
            if left is not None and left <= 0:
                break
            self.wait(left)
        return result

    def notify(self, n: int = 1) -> None:
        woken, self._waiting = self._waiting[:n], self._waiting[n:]
        for task in woken:
            self._scheduler.wake(task)

    def notify_all(self) -> None:
        self.notify(len(self._waiting))


class Event:
    """`threading.Event`."""

    __slots__ = ("_is_set", "_scheduler", "_waiting")

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._waiting: list[Task] = []
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._scheduler.pause()
        self._is_set = True
        for task in self._waiting:
            self._scheduler.wake(task)

    def clear(self) -> None:
        self._is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        scheduler = self._scheduler
        scheduler.pause()
        if not self._is_set:
            task = scheduler.current
            self._waiting.append(task)
            scheduler.park(timeout)
            self._waiting.remove(task)
        return self._is_set


class Thread:
    """`threading.Thread`, of the process that makes it."""

    def __init__(
        self, scheduler: Scheduler, target: Callable[..., object], args: tuple[Any, ...] = (), **about: Any
    ) -> None:
        self._scheduler = scheduler
        self._act = lambda: target(*args)
        self.name = str(about.get("name", ""))
        self.task: Task | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Thread:
        """Return what a forked child has of it: a thread that does not run."""
        return Thread(self._scheduler, self._act, name=self.name)

    def start(self) -> None:
        home = self._scheduler.current.home
        if home.cannot_start_threads:
            raise RuntimeError("can't start new thread")
        self.task = self._scheduler.spawn(self._act, home, self.name)
        self.task.thread = self

    def is_alive(self) -> bool:
        return self.task is not None and not self.task.is_over

    def join(self, timeout: float | None = None) -> None:
        if self.task is not None and not self.task.is_over:
            self.task.joined.append(self._scheduler.current)
            self._scheduler.park(timeout)


class Queue:
    """`queue.SimpleQueue`."""

    __slots__ = ("_items", "_scheduler", "_waiting")

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._waiting: Task | None = None  # one thread takes what is put
        self._items: deque[Any] = deque()

    def put(self, item: Any) -> None:
        self._scheduler.pause()
        self._items.append(item)
        if self._waiting is not None:
            self._scheduler.wake(self._waiting)

    def get(self, timeout: float | None = None) -> Any:
        scheduler = self._scheduler
        scheduler.pause()
        if not self._items:
            self._waiting = scheduler.current
            scheduler.park(timeout)
            self._waiting = None
            if not self._items:
                raise queue.Empty
        return self._items.popleft()

    def empty(self) -> bool:
        return not self._items


class Threading:
    """What the modules use of `threading`."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def Lock(self) -> Any:
        return Lock(self._scheduler, again=False)

    def RLock(self) -> Any:
        return Lock(self._scheduler, again=True)

    def Condition(self, lock: Any = None) -> Condition:
        return Condition(self._scheduler, lock)

    def Event(self) -> Event:
        return Event(self._scheduler)

    def Thread(self, target: Callable[..., object], **about: Any) -> Thread:
        return Thread(self._scheduler, target, **about)

    def current_thread(self) -> object:
        return self._scheduler.current.thread

    def get_ident(self) -> int:
        return self._scheduler.current.number


class Queues:
    """What the modules use of `queue`."""

    Empty = queue.Empty

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def SimpleQueue(self) -> Queue:
        return Queue(self._scheduler)


class Clock:
    """What the modules use of `time`: a wall clock that may be set, and a steady one, for each process."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def time(self) -> float:
        home = self._scheduler.current.home
        return self._scheduler.now + (0.0 if home is None else home.clock_is_ahead)

    def monotonic(self) -> float:
        return self._scheduler.now

    perf_counter = monotonic

    def sleep(self, seconds: float) -> None:
        self._scheduler.sleep(seconds)


Place = tuple[ModuleType, str, Any]
"""A module, one of its names, and what that is in truth."""

_NAMES = ("threading", "time", "queue", "random", "after_fork_in_child", "Future")


def places(modules: Iterable[ModuleType]) -> list[Place]:
    """Return where these modules meet threads and clocks."""
    return [
        (module, name, getattr(module, name))
        for module in modules
        for name in _NAMES
        if hasattr(module, name)
    ]


@contextmanager
def simulated(where: list[Place], scheduler: Scheduler) -> Iterator[None]:
    """Let modules meet simulated threads and clocks at these places, in the block."""
    instead: dict[str, Any] = {
        "threading": Threading(scheduler),
        "time": Clock(scheduler),
        "queue": Queues(scheduler),
        "random": scheduler.random,
        "Future": partial(Future, scheduler),
        "after_fork_in_child": lambda reset: scheduler.current.home.resets.append(reset),
    }
    for module, name, _ in where:
        setattr(module, name, instead[name])
    try:
        yield
    finally:
        for module, name, real in where:
            setattr(module, name, real)
