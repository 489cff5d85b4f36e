"""The three promises, at the 99th percentile: calls with the guard over the same without.

What is added is the ratio of the two 99th percentiles less one, in processor time of the calling thread:
none of these calls waits for anything, and another program's turn on the processor is not their cost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

import sentry_sdk

from tests.bench import spans
from tests.bench.edge import HINT, Boundary, Queue, client, in_turn, listening_guard
from tests.bench.events import clean_event
from tests.bench.table import Row, added, plain
from tests.bench.timing import Act, Effort, Samples, side_by_side

TITLE = "What is promised, at the 99th percentile"

EVENT = "healthy event: added to capture_event, hook and transport's check"
SPAN = "healthy span: added to its life cycle"
REDACTION = "clean redaction: added to serialise + gzip"

_P99 = 0.99
_OTHER_WORK = 16 << 20  # bytes that it reads and writes before each call


def rows(effort: Effort) -> Iterator[Row]:
    """Measure each promise; the same at the median stands beside it."""
    yield from _event(effort.longer(16))
    yield from _event_when_cold(effort)
    yield from _span(effort.longer(12))
    yield from _redaction(effort.longer(8))


def _event(effort: Effort) -> Iterator[Row]:
    guard = listening_guard()
    taken = _captured(
        {
            "bare": client(),
            "guarded": client(guard),
            "bare, queued": client(transport=Queue),
            "guarded, queued": client(guard, transport=Queue),
        },
        effort,
    )
    guard.close()
    bare, guarded = taken["bare"], taken["guarded"]
    yield plain("capture_event, 40 KB, sentry-sdk alone", bare)
    yield added(f"{EVENT}, p99", guarded, bare, 0.10, _P99)
    yield added(f"{EVENT}, median", guarded, bare)
    yield added(
        "the same on the capturing thread: it serialises, in the place of the transport's worker, median",
        taken["guarded, queued"],
        taken["bare, queued"],
    )


def _event_when_cold(effort: Effort) -> Iterator[Row]:
    guard = listening_guard()
    others = bytearray(_OTHER_WORK)
    clients = {"bare": client(), "guarded": client(guard)}
    taken = _captured(clients, effort, prepare=lambda: others.translate(None))
    guard.close()
    yield added(
        "the same where other work has just filled the processor's caches, median",
        taken["guarded"],
        taken["bare"],
    )


def _captured(
    clients: Mapping[str, sentry_sdk.Client], effort: Effort, prepare: Callable[[], object] | None = None
) -> dict[str, Samples]:
    """Let each client capture the same events, and close it."""
    events = [clean_event(seed=seed) for seed in range(16)]
    following = {name: in_turn(events) for name in clients}
    taken = side_by_side(
        {
            name: Act(
                lambda *_, one=one, event=following[name]: one.capture_event(dict(event()), HINT),
                prepare,
            )
            for name, one in clients.items()
        },
        effort,
        time.thread_time_ns,
    )
    for one in clients.values():
        one.close(timeout=0)
    return taken


def _span(effort: Effort) -> Iterator[Row]:
    guard = listening_guard()
    taken = side_by_side(
        {"bare": spans.healthy(spans.bare()), "guarded": spans.healthy(spans.guarded(guard))},
        effort,
        time.thread_time_ns,
    )
    guard.close()
    bare, guarded = taken["bare"], taken["guarded"]
    yield plain("a span's life, opentelemetry-sdk alone", bare)
    yield added(f"{SPAN}, p99", guarded, bare, 0.35, _P99)
    yield added(f"{SPAN}, median", guarded, bare)


def _redaction(effort: Effort) -> Iterator[Row]:
    guard = listening_guard()
    boundary = Boundary(guard, "event", [clean_event(seed=seed) for seed in range(16)])
    taken = side_by_side(
        {"bare": boundary.bare(), "guarded": boundary.guarded()}, effort, time.thread_time_ns
    )
    guard.close()
    bare, guarded = taken["bare"], taken["guarded"]
    yield plain("serialise + gzip, event of 40 KB", bare)
    yield added(f"{REDACTION}, p99", guarded, bare, 0.15, _P99)
    yield added(f"{REDACTION}, median", guarded, bare)
