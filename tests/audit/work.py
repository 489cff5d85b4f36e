"""What the processes of the tests do: `python -m tests.audit.work TASK PATH …`."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Callable

from sentry_filters import Failure, Ledger, Policy, Response, SessionGuard
from sentry_filters.evidence.hosts import Endpoint
from sentry_filters.guard import parts_of

POLICY = Policy(provider="OpenHuman", hosts={"api.example.ai"})


def numbered(number: int) -> Failure:
    """Return a failure of ours whose trace id is `number`."""
    response = Response(
        body_known=True, status=401, endpoint=Endpoint("api.example.ai", 443), path="/v1/chat/completions"
    )
    return Failure(provider="OpenHuman", response=response, trace_id=f"{number:032x}")


def many(path: str, count: str) -> None:
    """Decide as fast as it goes, and end properly."""
    guard = SessionGuard(POLICY, lambda event: None, audit=Ledger(path))
    for number in range(int(count)):
        parts_of(guard).decider.decide("event", (numbered(number),))
    guard.close(timeout=30.0)
    sys.stdout.write(str(guard.counters.get("audit_lost")))


def until_killed(path: str) -> None:
    """Decide until the end, which comes from outside; tell each decision's number before the next one."""
    ledger = Ledger(path)
    guard = SessionGuard(POLICY, lambda event: None, audit=ledger)
    ledger.flush(10.0)
    number = 0
    while True:
        parts_of(guard).decider.decide("event", (numbered(number),))
        if not number % 50:
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
            time.sleep(0.001)
        number += 1


def on_a_full_disk(path: str) -> None:
    """Decide while no file may grow beyond 200 kB, as where the disk is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    ledger = Ledger(path, queue_size=1_000)
    guard = SessionGuard(POLICY, lambda event: None, audit=ledger)
    for number in range(10_000):
        parts_of(guard).decider.decide("event", (numbered(number),))
        if not number % 1_000:
            ledger.flush(0.5)
    guard.close(timeout=0.5)
    sys.stdout.write(str(guard.counters.get("audit_lost")))


def while_reading_only(path: str) -> None:
    """Decide without the right to write."""
    if os.geteuid() == 0:  # who may do everything has to give that up
        os.setgid(65534)
        os.setuid(65534)
    guard = SessionGuard(POLICY, lambda event: None, audit=Ledger(path))
    for number in range(100):
        parts_of(guard).decider.decide("event", (numbered(number),))
    guard.close(timeout=1.0)
    sys.stdout.write(str(guard.counters.get("audit_lost")))


def watched(path: str) -> None:
    """Decide while the thread that decides is watched; print what it calls that could wait for a disk."""
    ledger = Ledger(path)
    guard = SessionGuard(POLICY, lambda event: None, audit=ledger)
    ledger.flush(10.0)
    called: set[str] = set()

    def watch(frame: object, event: str, function: object) -> None:
        if event == "c_call":
            called.add(f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', function)}")

    sys.setprofile(watch)
    for number in range(2_000):
        parts_of(guard).decider.decide("event", (numbered(number),))
    sys.setprofile(None)
    guard.close(timeout=5.0)
    sys.stdout.write("\n".join(sorted(called)))


def forked(path: str) -> None:
    """Decide in a parent and, while its writer is busy, in children of it."""
    guard = SessionGuard(POLICY, lambda event: None, audit=Ledger(path))
    children = []
    for child in range(8):
        for number in range(500):
            parts_of(guard).decider.decide("event", (numbered(number),))
        pid = os.fork()
        if not pid:
            for number in range(500):
                parts_of(guard).decider.decide("event", (numbered(1_000_000 * (child + 1) + number),))
            guard.close(timeout=10.0)
            os._exit(min(255, guard.counters.get("audit_lost")))
        children.append(pid)
    lost = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    guard.close(timeout=10.0)
    sys.stdout.write(str(guard.counters.get("audit_lost") + sum(lost)))


def ends(path: str) -> None:
    """Decide, and let the interpreter end without a word."""
    guard = SessionGuard(POLICY, lambda event: None, audit=Ledger(path))
    for number in range(100):
        parts_of(guard).decider.decide("event", (numbered(number),))


TASKS: tuple[Callable[..., None], ...] = (
    many, until_killed, on_a_full_disk, while_reading_only, watched, forked, ends,
)  # fmt: skip

if __name__ == "__main__":
    {task.__name__: task for task in TASKS}[sys.argv[1]](*sys.argv[2:])
