"""What the Sentry edge costs on recorded events: beside the SDK's own work, and beside its scrubber."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from sentry_sdk.scrubber import EventScrubber

from sentry_filters import SessionGuard
from tests.bench.edge import (
    HINT,
    OURS,
    THIRD_PARTYS,
    Boundary,
    Queue,
    client,
    listening_guard,
    with_failed_call,
)
from tests.bench.recordings import Events, recorded
from tests.bench.table import Row, added, compared, plain
from tests.bench.timing import Act, Effort, side_by_side
from tests.bench.words import Words

TITLE = "The Sentry edge: recorded events of 60 KB (FastAPI) and of 10 to 20 KB (Django, Flask, workers)"

_LARGE = 40_000  # bytes
_SEEN = 300  # events whose check is counted
_OTHER_WORK = 16 << 20  # bytes that it reads and writes before each call
_P99 = 0.99


def rows(effort: Effort) -> Iterator[Row]:
    """Measure capture and hooks beside the bare SDK, and the boundary beside EventScrubber and gzip."""
    guard, words = listening_guard(), Words()
    sizes = {
        "event of 60 KB": Events(words, least=_LARGE),
        "event of 10 to 20 KB": Events(words, most=_LARGE),
    }
    for name, events in sizes.items():
        yield from _captured(name, guard, events, effort.longer(2))
        yield from _boundary(name, guard, events, effort)
        yield _misjudged(name, guard, events, min(_SEEN, effort.items))
    yield from _secrets(
        guard, Events(words, least=_LARGE), Events(words, least=_LARGE, secrets=20), effort.longer(2)
    )
    yield from _hooks(guard, sizes["event of 60 KB"], effort)
    yield from _transactions(guard, Events(words, kind="transactions"), effort)
    yield from _logs(guard, words, effort)
    guard.close()


def _captured(name: str, guard: SessionGuard, events: Events, effort: Effort) -> Iterator[Row]:
    others = bytearray(_OTHER_WORK)
    clients = {
        "bare": client(),
        "guarded": client(guard),
        "bare, queued": client(transport=Queue),
        "guarded, queued": client(guard, transport=Queue),
    }

    def cold() -> dict[str, Any]:
        event = events()
        others.translate(None)
        return event

    acts = {side: Act(_capturing(one), events) for side, one in clients.items()}
    acts |= {f"{side}, cold": Act(_capturing(clients[side]), cold) for side in ("bare", "guarded")}
    taken = side_by_side(acts, effort)
    for one in clients.values():
        one.close(timeout=0)
    bare, guarded = taken["bare"], taken["guarded"]
    yield plain(f"{name}: capture_event, sentry-sdk alone", bare)
    yield added(f"{name}: added to capture_event, median", guarded, bare)
    yield added(f"{name}: added to capture_event, p99", guarded, bare, None, _P99)
    yield added(
        f"{name}: added where other work has just filled the processor's caches, median",
        taken["guarded, cold"],
        taken["bare, cold"],
    )
    yield added(
        f"{name}: added on the capturing thread, which serialises in place of the transport's worker, median",
        taken["guarded, queued"],
        taken["bare, queued"],
    )


def _capturing(one: Any) -> Callable[[Any], object]:
    return lambda event: one.capture_event(event, HINT)


def _boundary(name: str, guard: SessionGuard, events: Events, effort: Effort) -> Iterator[Row]:
    scrubber, boundary = EventScrubber(recursive=True), Boundary(guard, "event", events)
    taken = side_by_side(
        {"sent": boundary.bare(), "check": boundary.check(), "scrubber": Act(scrubber.scrub_event, events)},
        effort,
    )
    yield plain(f"{name}: serialise + gzip, as the SDK's transport", taken["sent"])
    yield compared(f"{name}: transport's check / serialise + gzip", taken["check"], taken["sent"])
    yield compared(
        f"{name}: transport's check / EventScrubber(recursive=True)", taken["check"], taken["scrubber"], 1.5
    )


def _misjudged(name: str, guard: SessionGuard, events: Events, number: int) -> Row:
    """Count clean events that the quick check takes for dirty: each is gone through once more."""
    doubted = sum(not guard.redactor.is_clean(json.dumps(events())) for _ in range(number))
    return Row(
        f"{name}: clean ones that the quick check doubts",
        doubted,
        doubted,
        doubted / number,
        0.05,
        unit=f"of {number}",
    )


def _secrets(guard: SessionGuard, clean: Events, dirty: Events, effort: Effort) -> Iterator[Row]:
    clean_at, dirty_at = Boundary(guard, "event", clean), Boundary(guard, "event", dirty)
    taken = side_by_side({"sent": clean_at.bare(), "dirty": dirty_at.check()}, effort)
    yield compared(
        "event of 60 KB: transport's check, 20 secrets never seen before / serialise + gzip",
        taken["dirty"],
        taken["sent"],
    )


def _hooks(guard: SessionGuard, events: Events, effort: Effort) -> Iterator[Row]:
    options = guard.sentry_options()
    hook, alone = options["before_send"], guard.before_send
    bare = client()

    def tagged(tags: dict[str, str]) -> Callable[[], dict[str, Any]]:
        return lambda: {**events(), "tags": tags}

    taken = side_by_side(
        {
            "capture": Act(_capturing(bare), events),
            "healthy": Act(lambda event: hook(event, HINT), events),
            "kept": Act(lambda event: hook(event, HINT), tagged(THIRD_PARTYS)),
            "dropped": Act(lambda event: hook(event, HINT), tagged(OURS)),
            "alone": Act(lambda event: alone(event, HINT), events),
        },
        effort,
    )
    bare.close(timeout=0)
    capture = taken["capture"]
    yield compared("before_send, healthy event / capture_event", taken["healthy"], capture, 0.25)
    yield compared("before_send, a third party's 401, kept / capture_event", taken["kept"], capture)
    yield compared("before_send, our expired session, dropped / capture_event", taken["dropped"], capture)
    yield compared("before_send alone, which redacts / capture_event", taken["alone"], capture)


def _transactions(guard: SessionGuard, events: Events, effort: Effort) -> Iterator[Row]:
    bare = client(traces_sample_rate=1.0)
    hook = guard.sentry_options()["before_send_transaction"]
    boundary = Boundary(guard, "transaction", events)
    taken = side_by_side(
        {
            "capture": Act(lambda event: bare.capture_event(event), events),
            "hook": Act(lambda event: hook(event, {}), events),
            "failed": Act(lambda event: hook(event, {}), lambda: with_failed_call(events())),
            "sent": boundary.bare(),
            "check": boundary.check(),
        },
        effort,
    )
    bare.close(timeout=0)
    capture = taken["capture"]
    yield plain("transaction: capture_event, sentry-sdk alone", capture)
    yield compared("before_send_transaction, healthy / capture_event", taken["hook"], capture)
    yield compared(
        "before_send_transaction, a failed call's two spans dropped / capture_event", taken["failed"], capture
    )
    yield compared("transaction: transport's check / serialise + gzip", taken["check"], taken["sent"])


def _logs(guard: SessionGuard, words: Words, effort: Effort) -> Iterator[Row]:
    text = json.dumps({"items": (recorded()["sentry logs"] * 100)[:100]})

    def envelope() -> dict[str, Any]:
        # Each log its own text, as the marks of a hundred logs are the same.
        items = [words.filler().value(one) for one in json.loads(text)["items"]]
        return {"items": items}

    boundary = Boundary(guard, "log", envelope)
    taken = side_by_side({"sent": boundary.bare(), "check": boundary.check()}, effort)
    yield plain("100 logs: serialise + gzip", taken["sent"])
    yield compared("100 logs: transport's check / serialise + gzip", taken["check"], taken["sent"])
