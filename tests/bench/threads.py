"""Throughput with threads, guarded beside bare: a ratio that grows with them would show a lock of ours."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from tests.bench.edge import HINT, client, listening_guard
from tests.bench.exporting import tracing
from tests.bench.recordings import Events, kinds, lives
from tests.bench.table import Row, rated
from tests.bench.timing import Effort, Ratio, Samples
from tests.bench.words import Words

TITLE = "Threads: for one call, while so many work, with the guard / without"

Ready = Callable[[int], Sequence[Callable[[], object]]]

_THREADS = (1, 4, 16)
_LARGE = 40_000  # bytes
_SPANS = 16  # times as many as in a turn of one thread
_EVENTS = 4  # parts of as many


def rows(effort: Effort) -> Iterator[Row]:
    """Let threads share the life of spans, each with ids never seen before, and the capture of events."""
    words, guard = Words(), listening_guard()
    with tracing() as bare, tracing(guard) as guarded:
        genai = kinds()["GenAI"]
        yield from _compared(
            "a GenAI span with ids never seen before",
            (lives(bare, genai, words), bare.force_flush),
            (lives(guarded, genai, words), guarded.force_flush),
            effort.calls * _SPANS,
            effort,
            1.4,
        )
    without, with_guard = client(), client(guard)
    events = Events(words, least=_LARGE)

    def capturing(one: object) -> Ready:
        return lambda number: [partial(one.capture_event, events(), HINT) for _ in range(number)]  # type: ignore[attr-defined]

    yield from _compared(
        "an event of 60 KB through capture_event",
        (capturing(without), _nothing),
        (capturing(with_guard), _nothing),
        max(_THREADS[-1], effort.calls // _EVENTS),
        effort,
    )
    for one in (without, with_guard):
        one.close(timeout=0)
    guard.close()


def _compared(
    what: str,
    bare: tuple[Ready, Callable[[], object]],
    guarded: tuple[Ready, Callable[[], object]],
    calls: int,
    effort: Effort,
    most: float | None = None,
) -> Iterator[Row]:
    for number in _THREADS:
        wall: list[tuple[float, float]] = []
        processor: list[tuple[float, float]] = []
        for turn in range(max(2, effort.turns // 2)):
            sides = [
                _together(*side, number, calls) for side in ((bare, guarded) if turn % 2 else (guarded, bare))
            ]
            (bare_wall, bare_cpu), (our_wall, our_cpu) = sides if turn % 2 else sides[::-1]
            wall.append((bare_wall, our_wall))
            processor.append((bare_cpu, our_cpu))
        threads = f"{number} thread{'s' if number > 1 else ''}"
        for name, pairs, limit in (
            ("", wall, most if number > 1 else None),
            (", processor time", processor, None),
        ):
            ours = Samples([[one for _, one in pairs]])
            ratio = Ratio.of(one / other for other, one in pairs)
            yield rated(f"{what}, {threads}{name}", ours.median, ours.p99, ratio, limit)


def _together(ready: Ready, rest: Callable[[], object], threads: int, calls: int) -> tuple[float, float]:
    """Return microseconds for one call: until all is exported, and of processor time."""
    shares = [ready(calls // threads) for _ in range(threads)]
    barrier = threading.Barrier(threads + 1)

    def work(share: Sequence[Callable[[], object]]) -> None:
        barrier.wait()
        for call in share:
            call()

    running = [threading.Thread(target=work, args=(share,)) for share in shares]
    for one in running:
        one.start()
    processor = time.process_time_ns()
    barrier.wait()
    started = time.perf_counter_ns()
    for one in running:
        one.join()
    rest()
    each = sum(map(len, shares)) * 1_000
    return (time.perf_counter_ns() - started) / each, (time.process_time_ns() - processor) / each


def _nothing() -> None:
    pass
