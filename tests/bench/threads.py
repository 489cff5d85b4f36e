"""Throughput with threads, guarded beside bare: a ratio that grows with them would show a lock of ours."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator

from tests.bench import spans
from tests.bench.edge import HINT, client, in_turn, listening_guard
from tests.bench.events import clean_event
from tests.bench.table import Row
from tests.bench.timing import Effort

TITLE = "Threads: time for one, while so many work, with the guard / without"

_THREADS = (1, 2, 4, 8, 16)
_ROUNDS = 5


def rows(effort: Effort) -> Iterator[Row]:
    """Let threads share the capture of events, and the life of spans."""
    guard = listening_guard()
    without, with_guard = client(), client(guard)
    events = [clean_event(seed=seed) for seed in range(16)]
    bare_event, guarded_event = in_turn(events), in_turn(events)
    yield from _compared(
        "event through capture_event",
        lambda: without.capture_event(dict(bare_event()), HINT),  # type: ignore[arg-type]
        lambda: with_guard.capture_event(dict(guarded_event()), HINT),  # type: ignore[arg-type]
        max(16, effort.items // 1_000),
    )
    bare, guarded = spans.bare(), spans.guarded(guard)
    for what, unique in (("a span's life", False), ("a span's life, an id never seen before in each", True)):
        yield from _compared(
            what,
            spans.healthy(bare, unique=unique),
            spans.healthy(guarded, unique=unique),
            max(16, effort.items // 20),
        )
    for one in (without, with_guard):
        one.close(timeout=0)
    guard.close()


def _compared(
    what: str, bare: Callable[[], object], guarded: Callable[[], object], calls: int
) -> Iterator[Row]:
    for number in _THREADS:
        pairs = [
            (_microseconds(bare, number, calls), _microseconds(guarded, number, calls))
            for _ in range(_ROUNDS)
        ]
        taken = [ours for _, ours in pairs]
        ratio = statistics.median(ours / theirs for theirs, ours in pairs)
        threads = f"{number} thread{'s' if number > 1 else ''}"
        yield Row(f"{what}, {threads}", statistics.median(taken), max(taken), ratio)


def _microseconds(act: Callable[[], object], threads: int, calls: int) -> float:
    """Return the time for one call, from the start of the first thread's to the end of the last."""
    each = calls // threads
    ready = threading.Barrier(threads + 1)

    def work() -> None:
        ready.wait()
        for _ in range(each):
            act()

    running = [threading.Thread(target=work) for _ in range(threads)]
    for one in running:
        one.start()
    ready.wait()
    started = time.perf_counter_ns()
    for one in running:
        one.join()
    return (time.perf_counter_ns() - started) / (each * threads) / 1_000
