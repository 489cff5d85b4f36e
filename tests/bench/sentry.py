"""What the Sentry edge costs compared with the SDK's own work: hooks, and the check of envelopes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sentry_sdk
from sentry_sdk.scrubber import EventScrubber

from sentry_filters import SessionGuard
from tests.bench.edge import DSN, HINT, OURS, THIRD_PARTYS, Boundary, Sink, client, in_turn, listening_guard
from tests.bench.events import clean_event, dirty_event
from tests.bench.table import Row, compared, plain
from tests.bench.telemetry import expired_log, logs, secret_text, transaction, write
from tests.bench.timing import Effort, side_by_side
from tests.support.sentry import initialised

TITLE = "The Sentry edge: events of 40 KB, transactions of 20 spans, envelopes of 100 logs"


def rows(effort: Effort) -> Iterator[Row]:
    """Measure hooks beside the SDK's capture, and the boundary beside serialising and compressing."""
    guard = listening_guard()
    yield from _events(guard, effort)
    yield from _transactions(guard, effort)
    yield from _logs(guard, effort)
    guard.close()


def _events(guard: SessionGuard, effort: Effort) -> Iterator[Row]:
    events = [clean_event(seed=seed) for seed in range(16)]
    dirty = [dirty_event(seed=seed) for seed in range(16)]
    hook, bare = guard.sentry_options()["before_send"], client()
    scrubber = EventScrubber(recursive=True)
    clean, healthy = in_turn(events), in_turn(events)
    taken = side_by_side(
        {
            "capture": lambda: bare.capture_event(dict(clean()), HINT),  # type: ignore[arg-type]
            "scrubber": _each(lambda event: scrubber.scrub_event(event), events),
            "healthy": lambda: hook(healthy(), HINT),
            "kept": _each(lambda event: hook(event, HINT), _tagged(events, THIRD_PARTYS)),
            "dropped": _each(lambda event: hook(event, HINT), _tagged(events, OURS)),
            "alone": _each(lambda event: guard.before_send(event, HINT), events),
            "alone dirty": _each(lambda event: guard.before_send(event, HINT), dirty),
        },
        effort,
    )
    bare.close(timeout=0)
    capture = taken["capture"]
    yield plain("capture_event, sentry-sdk alone", capture)
    yield compared("before_send, healthy event / capture_event", taken["healthy"], capture, 0.25)
    yield compared("before_send, a third party's 401, kept / capture_event", taken["kept"], capture)
    yield compared("before_send, our expired session, dropped / capture_event", taken["dropped"], capture)
    yield compared("before_send alone, which redacts, clean / capture_event", taken["alone"], capture)
    yield compared("before_send alone, 20 secrets / capture_event", taken["alone dirty"], capture)
    clean_at, dirty_at = Boundary(guard, "event", events), Boundary(guard, "event", dirty)
    # Regular expressions learn: what is met for the first time costs most. Each of these is met once.
    unseen = (dirty_event(first=20 * number, seed=number % 16) for number in itertools.count(1))
    unseen_at = Boundary(guard, "event", unseen)
    checked = side_by_side(
        {
            "sent": clean_at.bare(),
            "clean": clean_at.check(),
            "dirty": dirty_at.check(),
            "unseen": unseen_at.check(),
            "scrubber": _each(lambda event: scrubber.scrub_event(event), events),
        },
        effort,
    )
    yield plain("event: serialise + gzip, as the SDK's transport", checked["sent"])
    yield compared("transport's check, clean event / serialise + gzip", checked["clean"], checked["sent"])
    yield compared("transport's check, 20 secrets / serialise + gzip", checked["dirty"], checked["sent"])
    yield compared(
        "transport's check, 20 secrets never seen before / serialise + gzip",
        checked["unseen"],
        checked["sent"],
    )
    yield compared(
        "transport's check, clean event / EventScrubber(recursive=True)",
        checked["clean"],
        checked["scrubber"],
        1.0,
    )


def _transactions(guard: SessionGuard, effort: Effort) -> Iterator[Row]:
    healthy, bare = transaction(), client(traces_sample_rate=1.0)
    hook = guard.sentry_options()["before_send_transaction"]
    failed, dirty = transaction(failed=True), transaction(secret=secret_text())
    clean_at, dirty_at = (Boundary(guard, "transaction", [event]) for event in (healthy, dirty))
    taken = side_by_side(
        {
            "capture": lambda: bare.capture_event({**healthy}),  # type: ignore[typeddict-item]
            "hook": lambda: hook(healthy, {}),
            "failed": lambda: hook(failed, {}),
            "sent": clean_at.bare(),
            "clean": clean_at.check(),
            "dirty": dirty_at.check(),
        },
        effort,
    )
    bare.close(timeout=0)
    capture, sent = taken["capture"], taken["sent"]
    yield plain("transaction: capture_event, sentry-sdk alone", capture)
    yield compared("before_send_transaction, healthy / capture_event", taken["hook"], capture)
    yield compared(
        "before_send_transaction, a failed call's two spans dropped / capture_event", taken["failed"], capture
    )
    yield compared("transport's check, clean transaction / serialise + gzip", taken["clean"], sent)
    yield compared("transport's check, transaction with 4 secrets / serialise + gzip", taken["dirty"], sent)


def _logs(guard: SessionGuard, effort: Effort) -> Iterator[Row]:
    clean, dirty = logs(), logs(secret=secret_text())
    hook = guard.sentry_options()["before_send_log"]
    clean_at, dirty_at = (Boundary(guard, "log", [one.envelope]) for one in (clean, dirty))
    with initialised(dsn=DSN, transport=Sink, enable_logs=True, auto_enabling_integrations=False):
        taken = side_by_side(
            {
                "write": lambda: write(7),
                "healthy": _each(lambda log: hook(log, {}), clean.hooks),
                "dropped": _each(lambda log: hook(log, {}), [expired_log(one) for one in clean.hooks]),
                "sent": clean_at.bare(),
                "clean": clean_at.check(),
                "dirty": dirty_at.check(),
            },
            effort,
        )
        sentry_sdk.get_client().flush(0)
    wrote, sent = taken["write"], taken["sent"]
    yield plain("sentry_sdk.logger.info, sentry-sdk alone", wrote)
    yield compared("before_send_log, healthy / logger.info", taken["healthy"], wrote)
    yield compared("before_send_log, our expired session, dropped / logger.info", taken["dropped"], wrote)
    yield plain("100 logs: serialise + gzip", sent)
    yield compared("transport's check, 100 clean logs / serialise + gzip", taken["clean"], sent)
    yield compared("transport's check, 100 logs, 10 with a secret / serialise + gzip", taken["dirty"], sent)


def _each(work: Callable[[Any], object], items: Sequence[Any]) -> Callable[[], object]:
    following = in_turn(items)
    return lambda: work(following())


def _tagged(events: Sequence[dict[str, Any]], tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{**event, "tags": tags} for event in events]
