"""Rows written by hand, and the two engines with them."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sentry_filters.audit.schema import prepare
from tests.audit.clickhouse import ClickHouse

DAY = "2026-11-22"
_MIDNIGHT = 1_795_305_600_000  # of that day, UTC, in milliseconds


@dataclass(frozen=True)
class HandWritten:
    """One row for one table."""

    table: str
    values: Mapping[str, object]


def decision(
    time: str = "10:00", verdict: str = "drop", standing: str | None = "repeat", **others: object
) -> HandWritten:
    """Return a decision about a failure of ours, `e1`'s as a rule."""
    values = {
        "signal": "event",
        "verdict": verdict,
        "reason": "backend_session_expired",
        "standing": standing,
        "expiry": "e1",
        "domain": "llm_provider",
        "operation": "chat",
        "provider": "OpenHuman",
        "backend": "OpenHuman",
        "host": "api.example.ai",
        "third_party": 0,
        "status": 401,
        "session": "s1",
        "trace_id": None,
        "grade": "fact",
        "confirmed": 1,
        "release": "app@1",
        "process": "p1",
    }
    return HandWritten("decisions", {**_at(time), **values, **others})


def kept(reason: str, time: str = "10:00", standing: str | None = None, **others: object) -> HandWritten:
    """Return a decision that kept a failure, one that is not ours as a rule."""
    unknown = dict.fromkeys(("expiry", "grade", "confirmed"))
    values: dict[str, Any] = {"reason": reason, **unknown, **others}
    return decision(time, "keep", standing, **values)


def refused(time: str = "10:00", **others: object) -> HandWritten:
    """Return a dropped report of a refusal, by the gate that `e1` closed as a rule."""
    unknown = dict.fromkeys(("domain", "operation", "host", "status", "grade", "confirmed"))
    values: dict[str, Any] = {"reason": "refused_by_gate", "standing": None, **unknown, **others}
    return decision(time, **values)


def expiry(id: str = "e1", time: str = "10:00", **others: object) -> HandWritten:  # noqa: A002 - the column's name
    """Return an expiry that somebody had subscribed to."""
    values = {
        "id": id,
        "source": "llm_provider.openhuman_backend",
        "provider": "OpenHuman",
        "operation": "chat",
        "status": 401,
        "session": "s1",
        "confirmed": 1,
        "handled": 1,
        "trace_id": None,
        "release": "app@1",
        "process": "p1",
    }
    return HandWritten("expiries", {**_at(time), **values, **others})


def renewal(expiry: str | None = "e1", time: str = "10:00", **others: object) -> HandWritten:
    """Return a renewal that ended this expiry."""
    values = {"session": "s2", "expiry": expiry, "reason": "renewed", "release": "app@1", "process": "p1"}
    return HandWritten("renewals", {**_at(time), **values, **others})


def total(counter: str, count: int, signal: str = "", label: str = "", **others: object) -> HandWritten:
    """Return what a counter grew by in a minute."""
    values = {
        "minute": f"{DAY} 10:00",
        "counter": counter,
        "signal": signal,
        "verdict": "",
        "label": label,
        "count": count,
        "release": "app@1",
        "process": "p1",
    }
    return HandWritten("totals", {**values, **others})


def sqlite_with(rows: Iterable[HandWritten]) -> sqlite3.Connection:
    """Return a ledger in memory that holds these rows."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    prepare(connection)
    for row in rows:
        names, marks = ", ".join(row.values), ", ".join("?" * len(row.values))
        connection.execute(f"INSERT INTO {row.table} ({names}) VALUES ({marks})", [*row.values.values()])
    return connection


def fill_clickhouse(engine: ClickHouse, database: str, rows: Iterable[HandWritten]) -> None:
    """Let `database` hold these rows, in tables with the columns and types of the views."""
    by_table = defaultdict(list)
    for row in rows:
        by_table[row.table].append(row.values)
    engine.run(f"DROP DATABASE IF EXISTS {database}", f"CREATE DATABASE {database}")
    for table in ("decisions", "expiries", "renewals", "totals"):
        engine.run(
            f"CREATE TABLE {database}.{table} ENGINE = Memory AS SELECT * FROM sentry_filters.{table} LIMIT 0"
        )
        engine.insert(f"{database}.{table}", by_table[table])


def _at(time: str) -> dict[str, object]:
    hours, minutes, seconds = [*map(int, time.split(":")), 0][:3]
    at = _MIDNIGHT + 1000 * (3600 * hours + 60 * minutes + seconds)
    return {"at": at, "minute": f"{DAY} {hours:02d}:{minutes:02d}"}
