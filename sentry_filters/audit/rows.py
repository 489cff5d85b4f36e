"""Records and totals as rows of the ledger; the labels in them without secrets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sentry_filters.counters import LABELS
from sentry_filters.records import AuditRecord, DecisionRecord, ExpiryRecord, RenewalRecord

Values = tuple[str | int | None, ...]
CountKey = tuple[str, ...]

_LONGEST_LABEL = 200
_DISTINCT_LABELS = 4_096
_HEX = frozenset("0123456789abcdef")
_WITHHELD = "[WITHHELD]"

INSERTS: Mapping[str, str] = {
    "decisions": (
        "INSERT INTO decisions (at, minute, signal, verdict, reason, standing, expiry, domain, operation, "
        "provider, backend, host, third_party, status, session, trace_id, release, process) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ),
    # With shared sessions another process may have written the same expiry.
    "expiries": (
        "INSERT OR IGNORE INTO expiries (id, at, minute, source, provider, operation, status, session, "
        "confirmed, handled, trace_id, release, process) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ),
    "renewals": (
        "INSERT INTO renewals (at, minute, session, expiry, release, process) VALUES (?, ?, ?, ?, ?, ?)"
    ),
    "totals": (
        "INSERT INTO totals (minute, counter, signal, verdict, label, count, release, process) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (minute, process, release, counter, signal, verdict, label) "
        "DO UPDATE SET count = count + excluded.count"
    ),
}
"""The statement that writes a row, by table."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row for one of the tables, as `INSERTS` takes it."""

    table: str
    values: Values


class Rows:
    """Makes rows for one process. Used by the writer's thread only.

    Args:
        redact: Returns a text without secrets; what it cannot redact is withheld.
        process: Names the process.
    """

    def __init__(self, redact: Callable[[str], str], process: str) -> None:
        self._redact = redact
        self._process = process
        # Labels come from small sets; a hostile one is redacted once, and forgotten in time.
        self._label = lru_cache(_DISTINCT_LABELS)(self._redacted)

    def of_record(self, record: AuditRecord, release: str | None) -> Iterator[Row]:
        """Return the rows of one record."""
        if isinstance(record, DecisionRecord):
            yield self._of_decision(record, release)
        elif isinstance(record, ExpiryRecord):
            yield self._of_expiry(record, release)
        else:
            yield from self._of_renewal(record, release)

    def of_counts(self, counts: Mapping[CountKey, int], at: float, release: str | None) -> Iterator[Row]:
        """Return the rows of what the counters grew by until `at`, in seconds since the epoch."""
        minute = minute_of(milliseconds(at))
        for (counter, *texts), count in counts.items():
            labels = dict(zip(LABELS[counter], texts, strict=True))
            signal, verdict = labels.pop("signal", ""), labels.pop("verdict", "")
            label = next(iter(labels.values()), "")
            known = self._text(release) or ""
            values = (minute, counter, signal, verdict, self._text(label), count, known, self._process)
            yield Row("totals", values)

    def _of_decision(self, record: DecisionRecord, release: str | None) -> Row:
        at = milliseconds(record.at)
        return Row(
            "decisions",
            (
                at,
                minute_of(at),
                record.signal,
                record.verdict,
                record.reason,
                record.standing,
                self._id(record.expiry),
                self._text(record.domain),
                self._text(record.operation),
                self._text(record.provider),
                self._text(record.backend),
                self._text(record.host),
                int(record.third_party),
                record.status,
                self._id(record.session),
                self._id(record.trace_id),
                self._text(release),
                self._process,
            ),
        )

    def _of_expiry(self, record: ExpiryRecord, release: str | None) -> Row:
        event = record.event
        at = milliseconds(event.at.timestamp())
        return Row(
            "expiries",
            (
                self._id(event.id),
                at,
                minute_of(at),
                self._text(event.source),
                self._text(event.provider),
                self._text(event.operation),
                event.status,
                self._id(event.session),
                int(event.confirmed),
                int(record.handled),
                self._id(event.trace_id),
                self._text(release),
                self._process,
            ),
        )

    def _of_renewal(self, record: RenewalRecord, release: str | None) -> Iterator[Row]:
        at = milliseconds(record.at)
        before, after = (at, minute_of(at), self._id(record.session)), (self._text(release), self._process)
        for expiry in record.expiries or (None,):
            yield Row("renewals", (*before, self._id(expiry), *after))

    def _id(self, value: str | None) -> str | None:
        # Every failure may have a trace of its own: hex digits need neither redaction nor a place in memory.
        if value is None or (len(value) <= 32 and _HEX.issuperset(value)):
            return value
        return self._label(value)

    def _text(self, value: str | None) -> str | None:
        return None if value is None else self._label(value)

    def _redacted(self, value: str) -> str:
        try:
            redacted = self._redact(value)
        except Exception:  # noqa: BLE001 - fail closed: the label is withheld, the row is written
            return _WITHHELD
        return redacted[:_LONGEST_LABEL].encode("utf-8", "replace").decode()


def milliseconds(seconds: float) -> int:
    """Return a time in whole milliseconds."""
    return round(seconds * 1000)


def minute_of(at: int) -> str:
    """Return the minute, in UTC, of a time in milliseconds since the epoch."""
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at // 1000))
