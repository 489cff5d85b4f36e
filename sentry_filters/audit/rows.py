"""Records and totals as rows of the ledger."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from operator import attrgetter

from sentry_filters.core import LABELS, AuditRecord, DecisionRecord, ExpiryRecord

Row = tuple[str, tuple[str | int | None, ...]]
"""A table's name, and values in the order of its statement in `INSERTS`."""

Origin = tuple[str | None, str]
"""The application's release, and what names the process."""

CountKey = tuple[str, ...]

# The columns that a record fills by itself, under the names that it gives them.
_DECISION = (
    "signal", "verdict", "reason", "standing", "expiry", "domain", "operation", "provider", "backend", "host",
)  # fmt: skip
_EXPIRY = ("source", "provider", "operation", "status", "session")
_FAILURE = ("third_party", "status", "session", "trace_id", "grade", "confirmed")
_ORIGIN = ("release", "process")
_of_decision, _of_expiry = attrgetter(*_DECISION), attrgetter(*_EXPIRY)


def _insert(table: str, *columns: str) -> str:
    places = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - the names above


INSERTS: Mapping[str, str] = {
    "decisions": _insert("decisions", "at", "minute", *_DECISION, *_FAILURE, *_ORIGIN),
    # With shared sessions several processes write the same expiry; one of them knows that nobody heard.
    "expiries": (
        _insert("expiries", "id", "at", "minute", *_EXPIRY, "confirmed", "handled", "trace_id", *_ORIGIN)
        + " ON CONFLICT (id) DO UPDATE SET handled = min(handled, excluded.handled)"
    ),
    "renewals": _insert("renewals", "at", "minute", "session", "expiry", "reason", *_ORIGIN),
    "totals": (
        _insert("totals", "minute", "counter", "signal", "verdict", "label", "count", *_ORIGIN)
        + " ON CONFLICT (minute, process, release, counter, signal, verdict, label)"
        " DO UPDATE SET count = count + excluded.count"
    ),
}
"""The statement that writes a row, by table."""


def rows_of(record: AuditRecord, origin: Origin) -> Iterator[Row]:
    """Return the rows of one record."""
    if isinstance(record, DecisionRecord):
        failed = (int(record.third_party), record.status, record.session, record.trace_id)
        evidence = (record.grade, None if record.confirmed is None else int(record.confirmed))
        yield "decisions", (*_moment(record.at), *_of_decision(record), *failed, *evidence, *origin)
    elif isinstance(record, ExpiryRecord):
        event = record.event
        known = (int(event.confirmed), int(record.handled), event.trace_id)
        yield "expiries", (event.id, *_moment(event.at.timestamp()), *_of_expiry(event), *known, *origin)
    else:
        for expiry in record.expiries or (None,):
            yield "renewals", (*_moment(record.at), record.session, expiry, record.reason, *origin)


def rows_of_counts(counts: Mapping[CountKey, int], at: float, origin: Origin) -> Iterator[Row]:
    """Return the rows of what the counters grew by until `at`, in seconds since the epoch."""
    release, process = origin
    minute = minute_of(milliseconds(at))
    for (counter, *texts), count in counts.items():
        labels = dict(zip(LABELS[counter], texts, strict=True))
        signal, verdict = labels.pop("signal", ""), labels.pop("verdict", "")
        label = next(iter(labels.values()), "")
        yield "totals", (minute, counter, signal, verdict, label, count, release or "", process)


def _moment(seconds: float) -> tuple[int, str]:
    """Return the columns `at` and `minute`."""
    at = milliseconds(seconds)
    return at, minute_of(at)


def milliseconds(seconds: float) -> int:
    """Return a time in whole milliseconds."""
    return round(seconds * 1000)


def minute_of(at: int) -> str:
    """Return the minute, in UTC, of a time in milliseconds since the epoch."""
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at // 1000))
