"""Records and totals as rows of the ledger."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sentry_filters.core import LABELS, AuditRecord, DecisionRecord, ExpiryRecord, RenewalRecord

Values = tuple[str | int | None, ...]
CountKey = tuple[str, ...]

INSERTS: Mapping[str, str] = {
    "decisions": (
        "INSERT INTO decisions (at, minute, signal, verdict, reason, standing, expiry, domain, operation, "
        "provider, backend, host, third_party, status, session, trace_id, release, process) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ),
    # With shared sessions several processes write the same expiry; one of them knows that nobody heard.
    "expiries": (
        "INSERT INTO expiries (id, at, minute, source, provider, operation, status, session, "
        "confirmed, handled, trace_id, release, process) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET handled = min(handled, excluded.handled)"
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
        process: Names the process.
    """

    def __init__(self, process: str) -> None:
        self._process = process

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
            values = (minute, counter, signal, verdict, label, count, release or "", self._process)
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
                record.expiry,
                record.domain,
                record.operation,
                record.provider,
                record.backend,
                record.host,
                int(record.third_party),
                record.status,
                record.session,
                record.trace_id,
                release,
                self._process,
            ),
        )

    def _of_expiry(self, record: ExpiryRecord, release: str | None) -> Row:
        event = record.event
        at = milliseconds(event.at.timestamp())
        return Row(
            "expiries",
            (
                event.id,
                at,
                minute_of(at),
                event.source,
                event.provider,
                event.operation,
                event.status,
                event.session,
                int(event.confirmed),
                int(record.handled),
                event.trace_id,
                release,
                self._process,
            ),
        )

    def _of_renewal(self, record: RenewalRecord, release: str | None) -> Iterator[Row]:
        at = milliseconds(record.at)
        before, after = (at, minute_of(at), record.session), (release, self._process)
        for expiry in record.expiries or (None,):
            yield Row("renewals", (*before, expiry, *after))


def milliseconds(seconds: float) -> int:
    """Return a time in whole milliseconds."""
    return round(seconds * 1000)


def minute_of(at: int) -> str:
    """Return the minute, in UTC, of a time in milliseconds since the epoch."""
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at // 1000))
