"""What the ledger forgets, and what it keeps because a row that stays needs it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sentry_filters.audit.retention import Retention
from sentry_filters.audit.rows import INSERTS, milliseconds, minute_of
from sentry_filters.audit.schema import prepare

DAY = 86_400
LARGE = 10**12


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as opened:
        prepare(opened)
        yield opened


def ago(days: float) -> int:
    return milliseconds(time.time() - days * DAY)


def decide(connection: sqlite3.Connection, at: int, expiry: str | None, reason: str = "x") -> None:
    values = (
        at, minute_of(at), "event", "drop", reason, "first", expiry, None, "chat", "P", "P", None, 0, 401,
        None, None, "fact", 1, None, "p",
    )  # fmt: skip
    connection.execute(INSERTS["decisions"], values)


def expire(connection: sqlite3.Connection, at: int, expiry: str) -> None:
    values = (expiry, at, minute_of(at), "s", "P", "chat", 401, None, 1, 0, None, None, "p")
    connection.execute(INSERTS["expiries"], values)


def renew(connection: sqlite3.Connection, at: int, expiry: str | None) -> None:
    connection.execute(INSERTS["renewals"], (at, minute_of(at), None, expiry, "renewed", None, "p"))


def total(connection: sqlite3.Connection, at: int) -> None:
    for counter in ("seen", "exported"):
        connection.execute(INSERTS["totals"], (minute_of(at), counter, "event", "", "", 1, "", "p"))


def prune(connection: sqlite3.Connection, *, keep_days: float = 30, most_bytes: int = LARGE) -> None:
    retention = Retention(keep_seconds=keep_days * DAY, most_bytes=most_bytes)
    for _ in range(1_000):
        if not retention.step(connection):
            return
    raise AssertionError("it never ends")


def count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_rows_that_are_too_old_go(connection: sqlite3.Connection) -> None:
    for days in (31, 29):
        decide(connection, ago(days), None)
        total(connection, ago(days))
        renew(connection, ago(days), None)
        expire(connection, ago(days), str(days))

    prune(connection)

    assert {name: count(connection, name) for name in ("decisions", "expiries", "renewals", "totals")} == {
        "decisions": 1, "expiries": 1, "renewals": 1, "totals": 2,
    }  # fmt: skip


def test_an_old_expiry_stays_as_long_as_its_drops_with_its_renewal_and_what_showed_it(
    connection: sqlite3.Connection,
) -> None:
    expire(connection, ago(40), "long")
    decide(connection, ago(40), "long", reason="unhandled")
    decide(connection, ago(1), "long")
    renew(connection, ago(39), "long")

    prune(connection)

    assert [count(connection, name) for name in ("decisions", "expiries", "renewals")] == [2, 1, 1]
    prune(connection, keep_days=0.5)
    assert [count(connection, name) for name in ("decisions", "expiries", "renewals")] == [0, 0, 0]


def test_more_than_one_step_can_delete_goes_in_steps(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")
    for _ in range(12_000):
        decide(connection, ago(31), None)
    connection.execute("COMMIT")

    prune(connection)

    assert count(connection, "decisions") == 0


@pytest.mark.promise("ledger-bounded")
def test_a_file_that_is_too_large_loses_its_oldest_rows_and_shrinks(
    connection: sqlite3.Connection, path: Path
) -> None:
    connection.execute("BEGIN")
    for number in range(20_000):
        decide(connection, ago(10 - number / 2_000), None)
        if not number % 100:
            total(connection, ago(10 - number / 2_000))
    connection.execute("COMMIT")
    before = path.stat().st_size + path.with_name(path.name + "-wal").stat().st_size

    prune(connection, most_bytes=1_000_000)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    assert before > 1_500_000
    assert path.stat().st_size < 1_100_000
    assert count(connection, "decisions") > 2_000
    (oldest,) = connection.execute("SELECT min(at) FROM decisions").fetchone()
    assert oldest > ago(6)
    assert connection.execute("SELECT min(minute) >= ? FROM totals", (minute_of(oldest),)).fetchone() == (1,)


def test_what_adds_up_still_adds_up(connection: sqlite3.Connection) -> None:
    for number in range(400):
        total(connection, ago(number / 5))

    prune(connection)

    seen, exported = (
        connection.execute("SELECT sum(count) FROM totals WHERE counter = ?", (name,)).fetchone()[0]
        for name in ("seen", "exported")
    )
    assert 100 < seen == exported < 400
