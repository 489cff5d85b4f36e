"""How often what was decided: the numbers behind every dashboard, cheap enough for the healthy path."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from sentry_filters.forking import after_fork_in_child

_log = logging.getLogger("sentry_filters")

LABELS: Mapping[str, tuple[str, ...]] = {
    "seen": ("signal",),
    "exported": ("signal",),
    "dropped": ("signal",),
    "demoted": ("signal",),
    "decisions": ("signal", "verdict", "reason"),
    "redactions": ("signal", "kind"),
    "withheld": ("signal", "cause"),
    "session_expired": ("source", "confirmed", "handled"),
    "renewals": (),
    "refreshes": ("event",),
    "refused": (),
    "violations": ("invariant",),
    "audit_lost": ("cause",),
    "shared": ("event",),
    "faults": ("place",),
}
"""The counters and the names of their labels; label values come from small fixed sets."""

_DECIDING = ("event", "log", "metric", "report", "span", "transaction")
_SHOWING = ("event", "report")
_REDACTED = (
    "attachment", "check_in", "client_report", "event", "log", "metric", "other", "profile", "session",
    "span", "transaction",
)  # fmt: skip


class Counters:
    """Named counts with labels. Thread-safe; lives as long as its guard.

    For each signal `seen = exported + dropped + demoted + withheld`. What the application's own hooks or
    Sentry's sampling take away before the boundary was never seen.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, ...]] = Counter()
        # Re-entrant: a signal handler or finalizer may report while its own thread counts.
        self._lock = threading.RLock()
        self._settlers: tuple[Callable[[], None], ...] = ()
        self._paused: ContextVar[bool] = ContextVar("sentry_filters_paused", default=False)
        self.is_paused: Callable[[], bool] = self._paused.get
        """Says whether what this context does is not counted."""
        after_fork_in_child(self._reset)

    def settle_with(self, settle: Callable[[], None]) -> None:
        """Call `settle` before counts are read: an edge that counts on its own, for speed, adds them then."""
        self._settlers = (*self._settlers, settle)

    def add(self, name: str, *labels: str, by: int = 1) -> None:
        """Add to the counter `name` under `labels`, in the order of `LABELS[name]`."""
        if self._paused.get():
            return
        key = (name, *labels)
        with self._lock:
            self._counts[key] += by

    def declare(self, source: str) -> None:
        """Let the series that alerts watch exist at 0: a first count is seen as a change only then.

        Args:
            source: `Policy.source`, which the expiries carry.
        """
        for name, *labels in _watched(source):
            self.add(name, *labels, by=0)

    def saw(self, signal: str, outcome: str, *labels: str, by: int = 1) -> None:
        """Count what was seen and what became of it, in one step: no reader finds one without the other.

        Args:
            signal: What kind of thing it is.
            outcome: `exported`, `dropped`, `demoted` or `withheld`.
            labels: The outcome's further labels.
            by: How many.
        """
        if self._paused.get():
            return
        with self._lock:
            self._counts["seen", signal] += by
            self._counts[outcome, signal, *labels] += by

    def paused(self) -> AbstractContextManager[None]:
        """Count nothing that this context does in the block: a rehearsal is not traffic."""
        return self._counting(paused=True)

    def resumed(self) -> AbstractContextManager[None]:
        """Count again in the block, within one of `paused`."""
        return self._counting(paused=False)

    def get(self, name: str, *labels: str) -> int:
        """Return the sum of `name` over all labels that begin with `labels`."""
        prefix = (name, *labels)
        self._settle()
        with self._lock:
            return sum(count for key, count in self._counts.items() if key[: len(prefix)] == prefix)

    def counts(self) -> dict[tuple[str, ...], int]:
        """Return all counts, keyed by name and label values."""
        self._settle()
        with self._lock:
            return dict(self._counts)

    def snapshot(self) -> dict[str, int]:
        """Return all counts as JSON takes them: `dropped/event`, `decisions/event/drop/REASON`, and so on.

        A name is followed by the values of its labels, in the order of `LABELS`.
        """
        return {"/".join(key): count for key, count in sorted(self.counts().items())}

    def __repr__(self) -> str:
        totals: Counter[str] = Counter()
        for (name, *_), count in self.counts().items():
            totals[name] += count
        counted = "".join(f" {name}={totals[name]}" for name in LABELS if totals[name])
        return f"<Counters{counted or ': nothing counted'}>"

    @contextmanager
    def _counting(self, *, paused: bool) -> Iterator[None]:
        token = self._paused.set(paused)
        try:
            yield
        finally:
            self._paused.reset(token)

    def _settle(self) -> None:
        for settle in self._settlers:
            settle()

    def _reset(self) -> None:
        # A child counts its own work; the parent's numbers stay with the parent.
        self._lock = threading.RLock()
        self._counts = Counter(dict.fromkeys(self._counts, 0))


Fault = Callable[[str, BaseException], None]
"""Takes note of a fault: where it was, and what was raised. Never raises."""


class OneWarning:
    """Logs the first message at WARNING and no further one: a fault that repeats must not flood the log.

    An ERROR would re-enter Sentry's hooks. Messages never hold payloads.
    """

    def __init__(self) -> None:
        self._logged = False

    def __call__(self, message: str, *args: object) -> None:
        """Log `message % args`, unless something was logged here before."""
        if not self._logged:
            self._logged = True
            _log.warning(message, *args)


class Faults:
    """Counts the guard's own faults by place, and logs the first one by type, without its message.

    Args:
        counters: Where they are counted.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._warn = OneWarning()

    def __call__(self, place: str, error: BaseException) -> None:
        """Take note of `error`; see `Fault`."""
        self._counters.add("faults", place)
        self._warn("sentry-filters: %s raised %s; counted, not propagated", place, type(error).__name__)


def _watched(source: str) -> Iterator[tuple[str, ...]]:
    for invariant in (
        "drop_without_event", "expired_at_renewal", "old_credential_in_use", "renewed_in_vain",
        "third_party_dropped", "working_session_halted",
    ):  # fmt: skip
        yield "violations", invariant
    for confirmed in ("false", "true"):
        for handled in ("false", "true"):
            yield "session_expired", source, confirmed, handled
    for signal in _DECIDING:
        yield "decisions", signal, "drop", "backend_session_expired"
    for signal in _SHOWING:
        yield "decisions", signal, "keep", "unhandled"
        yield "decisions", signal, "keep", "old_credential"
        yield "decisions", signal, "drop", "refused_by_gate"
    for signal in _REDACTED:
        yield "withheld", signal, "fault"
    yield from (
        ("withheld", "log", "interrupted"),
        ("withheld", "metric", "series"),
        ("withheld", "other", "unknown_item_type"),
        ("withheld", "span", "interrupted"),
    )
    for cause in ("closed", "forked_while_writing", "no_thread", "queue_full", "refused"):
        yield "audit_lost", cause
    for outcome in ("refused", "renewed", "unavailable"):
        yield "refreshes", outcome
    yield ("renewals",)
    yield ("refused",)
