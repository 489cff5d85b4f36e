"""`python -m tests.torture.worker JSON`: one process of the soak."""

from __future__ import annotations

import asyncio
import atexit
import faulthandler
import json
import logging
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

from tests.torture.application import LEAVES_EARLY, Application
from tests.torture.chaos import Chaos, jumping_clock
from tests.torture.disk import broken_disk
from tests.torture.memory import kept_bytes
from tests.torture.shortage import short_of_memory
from tests.torture.task import Task

_ROUNDS = 60
_SHORTEST_ROUND = 0.5
_CHILD_SECONDS = 0.7
_AT_ONCE = 4


def act_until(application: Application, until: float, seed: int) -> None:
    """Act in this thread until the monotonic time `until`."""
    chance = random.Random(seed)
    while time.monotonic() < until:
        application.traffic.act(chance)


def threads(application: Application, until: float) -> None:
    """Several threads."""
    with acting(application, until):
        pass


@contextmanager
def acting(application: Application, until: float) -> Iterator[None]:
    """Act in several threads, from the beginning of the block, and wait for them at its end."""
    workers = [
        threading.Thread(target=act_until, args=(application, until, application.chance.random()))
        for _ in range(_AT_ONCE)
    ]
    for worker in workers:
        worker.start()
    yield
    for worker in workers:
        worker.join()


def rounds(application: Application, until: float) -> None:
    """Several threads, again and again; in between nothing is running, and memory is measured."""
    length = max(_SHORTEST_ROUND, (until - time.monotonic()) / _ROUNDS)
    while (now := time.monotonic()) < until:
        threads(application, min(until, now + length))
        application.flush(5.0)
        application.report.memory.append(kept_bytes())


def tasks(application: Application, until: float) -> None:
    """Asyncio tasks, with blocking actions in them and in their threads."""

    async def act(seed: int) -> None:
        chance = random.Random(seed)
        while time.monotonic() < until:
            if chance.random() < 0.5:
                application.traffic.act(chance)
            else:
                await asyncio.to_thread(application.traffic.act, chance)
            await application.guard.gate.wait_async(0.001)

    async def main() -> None:
        await asyncio.gather(*(act(application.task.seed + number) for number in range(_AT_ONCE)))

    asyncio.run(main())


def forks(application: Application, until: float) -> None:
    """A thread that acts while the main thread forks; each child acts, too, and ends properly."""
    stop = time.monotonic() + 0.8 * (until - time.monotonic())
    worker = threading.Thread(target=act_until, args=(application, stop, application.task.seed))
    worker.start()
    fork = multiprocessing.get_context("fork")
    children: list[Callable[[], object]] = []
    while time.monotonic() < stop:
        if application.chance.random() < 0.5:
            child = fork.Process(target=_be_a_child, args=(application,))
            child.start()
            children.append(child.join)
        else:
            pid = os.fork()
            if not pid:
                try:
                    _be_a_child(application)
                finally:
                    os._exit(0)
            children.append(lambda pid=pid: os.waitpid(pid, 0))  # type: ignore[misc]
        time.sleep(0.5)
    worker.join()
    for wait in children:
        wait()


def _be_a_child(application: Application) -> None:
    application.begin_anew("forked")
    act_until(application, time.monotonic() + _CHILD_SECONDS, os.getpid())
    application.close()


def ends(application: Application, until: float) -> None:
    """Acts to the last moment, and ends abruptly."""
    act_until(application, until, application.task.seed)


def starved(application: Application, until: float) -> None:
    """Acts with so little memory that allocations fail, in the guard and everywhere."""
    application.traffic.starved = True
    with acting(application, until), short_of_memory(application.chance, application.report):
        time.sleep(max(0.0, until - time.monotonic()))


def disk(application: Application, until: float) -> None:
    """Acts while its ledger's file cannot be written, or is removed."""
    middle = (time.monotonic() + until) / 2
    threads(application, middle)
    with broken_disk(Path(application.task.ledger), application.chance, application.report):
        threads(application, until)


KINDS: dict[str, Callable[[Application, float], None]] = {
    "threads": threads, "lasting": rounds, "control": rounds, "tasks": tasks, "forks": forks, "ends": ends,
    "starved": starved, "disk": disk, "terminated": threads, "killed": threads, "gevent": threads,
}  # fmt: skip
"""What a process does, by its kind."""


def main(task: Task) -> None:
    """Carry out `task`."""
    faulthandler.enable(all_threads=False)  # a crash says where
    faulthandler.register(signal.SIGUSR1)
    faulthandler.register(signal.SIGUSR2, all_threads=False)  # of a hundred threads the main one is not shown
    logging.getLogger().addHandler(logging.NullHandler())
    logging.getLogger("sentry_filters").addHandler(logging.StreamHandler())
    with ExitStack() as stack:
        early: list[Application] = []
        if task.kind in LEAVES_EARLY:
            atexit.register(lambda: early[0].write())  # after all that is registered later
        application = Application(task, stack)
        early.append(application)
        if task.kind == "terminated":
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        jumps = task.guarded and task.kind != "lasting" and task.seed % 4 == 0
        chaos = Chaos(application.guard, application.report, random.Random(task.seed))
        with chaos.going_on() if task.guarded else nullcontext():
            until = time.monotonic() + task.seconds
            if jumps:
                with jumping_clock(application.chance, application.report):
                    act_until(application, time.monotonic() + 1.0, task.seed)
            KINDS[task.kind](application, until)
        if task.kind not in LEAVES_EARLY:
            application.close()


if __name__ == "__main__":
    given = Task(**json.loads(sys.argv[1]))
    if given.kind == "gevent":
        raise SystemExit("gevent patches first: start tests.torture.patched")
    main(given)
