"""`threading`, `time`, `queue` and `random` as the package's modules see them in a simulation."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType, TracebackType
from typing import Any, Self

from tests.simulation.scheduler import Scheduler, Task


class Lock:
    """`threading.Lock` and, where `again`, `threading.RLock`."""

    def __init__(self, scheduler: Scheduler, *, again: bool) -> None:
        self._scheduler = scheduler
        self._again = again
        self.owner: Task | None = None
        self.depth = 0
        self._waiting: deque[Task] = deque()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        scheduler = self._scheduler
        if scheduler.is_over:
            return True
        scheduler.pause()
        task = scheduler.current
        if self.owner is task and self._again:
            self.depth += 1
            return True
        until = scheduler.now + timeout
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
        if self._scheduler.is_over:
            return
        self.depth -= 1
        if not self.depth:
            self.owner = None
            if self._waiting:
                self._scheduler.wake(self._waiting.popleft())

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


class Condition:
    """`threading.Condition`."""

    def __init__(self, scheduler: Scheduler, lock: Lock | None = None) -> None:
        self._scheduler = scheduler
        self._lock = Lock(scheduler, again=True) if lock is None else lock
        self._waiting: list[Task] = []

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
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

    def __init__(self, scheduler: Scheduler) -> None:
        self._changed = Condition(scheduler)
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        with self._changed:
            self._is_set = True
            self._changed.notify_all()

    def clear(self) -> None:
        self._is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        with self._changed:
            return bool(self._changed.wait_for(self.is_set, timeout))


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

    def __init__(self, scheduler: Scheduler) -> None:
        self._changed = Condition(scheduler)
        self._items: deque[Any] = deque()

    def put(self, item: Any) -> None:
        with self._changed:
            self._items.append(item)
            self._changed.notify()

    def get(self, timeout: float | None = None) -> Any:
        with self._changed:
            if not self._changed.wait_for(lambda: self._items, timeout):
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


@contextmanager
def simulated(modules: list[ModuleType], scheduler: Scheduler) -> Iterator[None]:
    """Let these modules meet simulated threads and clocks, in the block."""
    instead: dict[str, Any] = {
        "threading": Threading(scheduler),
        "time": Clock(scheduler),
        "queue": Queues(scheduler),
        "random": scheduler.random,
        "after_fork_in_child": lambda reset: scheduler.current.home.resets.append(reset),
    }
    before = [
        (module, name, getattr(module, name))
        for module in modules
        for name in instead
        if hasattr(module, name)
    ]
    for module, name, _ in before:
        setattr(module, name, instead[name])
    try:
        yield
    finally:
        for module, name, real in before:
            setattr(module, name, real)
