"""What failed below a span: bounded, expiring memory by trace and span id, shared by one guard's processors.

A child ends before its parent. So what is added under the parent's id when a child ends is known when the
parent ends, and is handed on to the parent's own parent, up to the root.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import reduce
from itertools import islice

from sentry_filters import Failure, SessionGuard
from sentry_filters.evidence import Response
from sentry_filters.forking import after_fork_in_child
from sentry_filters.guard import parts_of

_MOST_TEXTS = 8
_MOST_SPANS = 10_000
_MOST_LOOKED_AT = 256
_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildFailure:
    """What failed below one span.

    Args:
        failure: The expired session's failure, None where only other things failed.
        texts: Error texts of the spans that are that failure.
        other_texts: Error texts of other calls that failed.
        ambiguous_status: Whether another call failed whose status is not known to be a different one: a bare
            "401" may be that call's.
        other_failed: Whether anything else failed at all.
        healed: Whether a client renewed the session by itself: what `instrument` recorded is over.
        reason: Under which the failure was decided.
    """

    failure: Failure | None = None
    texts: frozenset[str] = frozenset()
    other_texts: frozenset[str] = frozenset()
    ambiguous_status: bool = False
    other_failed: bool = False
    healed: bool = False
    reason: str = ""

    def merged_with(self, later: ChildFailure) -> ChildFailure:
        """Return both together; the first failure stays."""
        if self is NOTHING_FAILED or later is NOTHING_FAILED:
            return later if self is NOTHING_FAILED else self
        return ChildFailure(
            failure=self.failure or later.failure,
            texts=_shortest(self.texts | later.texts),
            other_texts=_shortest(self.other_texts | later.other_texts),
            ambiguous_status=self.ambiguous_status or later.ambiguous_status,
            other_failed=self.other_failed or later.other_failed,
            healed=self.healed or later.healed,
            reason=self.reason or later.reason,
        )

    def or_recorded(self, response: Response | None, trace_id: str) -> ChildFailure:
        """Return this with the failed response that `instrument` recorded as its failure, if there is one."""
        if response is None or self.healed:
            return self
        return replace(self, failure=Failure(response=response, trace_id=trace_id))


NOTHING_FAILED = ChildFailure()

Settled = Callable[[int, Collection[int]], None]
"""Takes the id of a trace, and of spans of it about whose calls nothing is undecided any more."""


@dataclass(slots=True)
class _Trace:
    since: float
    below: OrderedDict[int, ChildFailure]


class Lineage:
    """Remembers what failed below the spans that are still open. Thread-safe and fork-safe.

    It is asked by trace and span, so that a healthy span pays one look at it, whatever failed elsewhere.
    """

    def __init__(self) -> None:
        self._listeners: tuple[Settled, ...] = ()
        self._start_afresh()
        after_fork_in_child(self._start_afresh)

    def child_failure(self, trace_id: int, span_id: int) -> ChildFailure:
        """Return what failed below this span, `NOTHING_FAILED` itself where nothing is known."""
        trace = self._traces.get(trace_id)
        return NOTHING_FAILED if trace is None else trace.below.get(span_id, NOTHING_FAILED)

    def elsewhere(self, trace_id: int, began: float, ended: float) -> ChildFailure:
        """Return what failed between two moments in this trace, below whatever span.

        Spans that are never the current one, and those whose own spans below never end, have nothing below
        them. Where another call failed with the same text, nothing can tell the two apart.
        """
        trace = self._traces.get(trace_id)
        if trace is None:
            return NOTHING_FAILED
        with self._lock:
            known = list(islice(reversed(trace.below.values()), _MOST_LOOKED_AT))
        ours = [one for one in known if one.failure is not None and _began_between(one.failure, began, ended)]
        merged = reduce(ChildFailure.merged_with, (*ours, *known), NOTHING_FAILED) if ours else NOTHING_FAILED
        return NOTHING_FAILED if merged.healed or merged.texts & merged.other_texts else merged

    def add(self, trace_id: int, span_id: int | None, child_failure: ChildFailure) -> None:
        """Add what failed below this span; None stands for the parent of a root, or one elsewhere."""
        if span_id is None or child_failure == NOTHING_FAILED:
            return
        now = time.monotonic()
        with self._lock:
            trace = self._traces.setdefault(trace_id, _Trace(now, OrderedDict()))
            trace.since = now
            self._traces.move_to_end(trace_id)
            self._count += span_id not in trace.below
            trace.below[span_id] = trace.below.get(span_id, NOTHING_FAILED).merged_with(child_failure)
            self._forget(now - _SECONDS)

    # Calls about which something is still undecided, since their spans wait

    def on_settled(self, listener: Settled) -> None:
        """Call `listener` whenever something is settled."""
        self._listeners = (*self._listeners, listener)

    def is_undecided(self, trace_id: int, span_id: int) -> bool:
        """Say whether a span waits for the end of this one."""
        return (trace_id, span_id) in self._undecided

    def awaits(self, trace_id: int, span_id: int) -> None:
        """Note that a span waits for the end of this one."""
        self._undecided.add((trace_id, span_id))

    def settled(self, trace_id: int, span_ids: Collection[int]) -> None:
        """Note that what waited for the ends of these spans does so no longer."""
        self._undecided.difference_update([(trace_id, span_id) for span_id in span_ids])
        for listener in self._listeners:
            listener(trace_id, span_ids)

    def _forget(self, oldest: float) -> None:
        while self._traces:
            trace_id, trace = next(iter(self._traces.items()))
            if self._count <= _MOST_SPANS and trace.since >= oldest:
                return
            self._count -= len(trace.below)
            del self._traces[trace_id]

    def _start_afresh(self) -> None:
        # The traces of a parent process are its own, and its lock may be held for ever. Re-entrant: a
        # finalizer may end a span at any moment.
        self._lock = threading.RLock()
        self._traces: OrderedDict[int, _Trace] = OrderedDict()
        self._count = 0
        self._undecided: set[tuple[int, int]] = set()


def _began_between(failure: Failure, began: float, ended: float) -> bool:
    at = None if failure.response is None else failure.response.started_at
    return at is not None and began <= at <= ended


def lineage_of(guard: SessionGuard) -> Lineage:
    """Return the lineage that all of a guard's processors share."""
    lineage: Lineage = parts_of(guard).extensions.setdefault("otel.lineage", Lineage())
    return lineage


def _shortest(texts: frozenset[str]) -> frozenset[str]:
    return texts if len(texts) <= _MOST_TEXTS else frozenset(sorted(texts, key=len)[:_MOST_TEXTS])
