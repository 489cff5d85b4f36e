"""Asking a ledger: read-only, while any number of processes write to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from sentry_filters.audit.queries import Query, Value, window_views
from sentry_filters.audit.schema import APPLICATION_ID, MIGRATIONS, stamps_of
from sentry_filters.core import DecisionRecord

__all__ = ["Answer", "LedgerUnreadableError", "Reader", "read_only_uri", "reading", "views_since"]

_BUSY_SECONDS = 5.0
_COLUMNS = tuple(field.name for field in fields(DecisionRecord))  # the table names them as the record does
_DECISIONS = f"SELECT {', '.join(_COLUMNS)} FROM decisions ORDER BY id"  # noqa: S608 - the names above


class LedgerUnreadableError(Exception):
    """The file cannot be read as a ledger; the message says why in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a ledger answered.

    Args:
        query: What was asked.
        columns: Their names.
        rows: In the query's order.
    """

    query: Query
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    @property
    def holds(self) -> bool | None:
        """Whether the query's invariant holds; None where it states none."""
        return self.query.holds_in(self.columns, self.rows)


class Reader:
    """A ledger at one moment: all answers are about the same rows.

    Args:
        connection: In a read transaction, with the window's views.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def ask(self, query: Query) -> Answer:
        """Return the answer to one query.

        Raises:
            LedgerUnreadableError: The file is damaged, or the query is not for this schema.
        """
        try:
            cursor = self._connection.execute(query.sql)
            rows = tuple(tuple(row) for row in cursor)
        except sqlite3.Error as error:
            raise LedgerUnreadableError(f"{query.name} cannot be answered: {error}") from error
        return Answer(query=query, columns=tuple(column[0] for column in cursor.description), rows=rows)

    def count_decisions(self) -> int:
        """Return how many decisions `decisions` iterates over.

        Raises:
            sqlite3.Error: As for `decisions`.
        """
        return int(self._connection.execute("SELECT COUNT(*) FROM decisions").fetchone()[0])

    def decisions(self) -> Iterator[DecisionRecord]:
        """Iterate over every decision as it was recorded, in the order of writing, without holding them all.

        Raises:
            sqlite3.Error: The file is damaged; `reading` turns it into LedgerUnreadableError.
        """
        return map(_decision, self._connection.execute(_DECISIONS))


def _decision(row: Sequence[Any]) -> DecisionRecord:
    known = dict(zip(_COLUMNS, row, strict=True))
    known["at"] /= 1000
    known["third_party"] = bool(known["third_party"])
    known["confirmed"] = None if known["confirmed"] is None else bool(known["confirmed"])
    return DecisionRecord(**known)


@contextmanager
def reading(path: Path, since: datetime | None = None) -> Iterator[Reader]:
    """Open a ledger for reading.

    Args:
        path: The file.
        since: An aware time: rows from its minute on count, and those that explain them. None: all rows.

    Raises:
        LedgerUnreadableError: The file is missing, not a ledger, of another version, damaged or locked.
    """
    connection = _connect(read_only_uri(path))
    try:
        if since is not None:
            minute = since.replace(second=0, microsecond=0)
            for name, select in views_since(f"{round(minute.timestamp() * 1000)}").items():
                connection.execute(f"CREATE TEMP VIEW {name} AS {select}")
        connection.execute("BEGIN")
        yield Reader(connection)
    except sqlite3.Error as error:
        raise _unreadable(path, str(error)) from error
    finally:
        connection.close()


def views_since(since: str) -> dict[str, str]:
    """Return a SELECT for each table of a ledger: what happened since, and what explains that.

    Args:
        since: An SQL expression: the first moment, in milliseconds since the epoch.
    """
    minutes = f"minute >= strftime('%Y-%m-%d %H:%M', {since} / 1000, 'unixepoch')"
    return window_views("main", inside=f"at >= {since}", minutes=minutes)


def read_only_uri(path: Path) -> str:
    """Return the URI by which SQLite opens a ledger without writing.

    Raises:
        LedgerUnreadableError: The file is missing, not a ledger, of another version, or cannot be read.
    """
    if not path.is_file():
        raise _unreadable(path, "there is no such file")
    real = path.resolve()
    uri = f"{real.as_uri()}?mode=ro"
    try:
        try:
            _check(path, uri)
        except sqlite3.OperationalError:
            # Even to read a write-ahead log, its folder must be writable. Without one, nobody writes.
            if real.with_name(f"{real.name}-wal").exists():
                raise
            uri += "&immutable=1"
            _check(path, uri)
    except sqlite3.OperationalError as error:
        raise _unreadable(path, str(error)) from error
    except sqlite3.DatabaseError as error:
        raise _unreadable(path, "it is damaged, or not an SQLite database") from error
    return uri


def _check(path: Path, uri: str) -> None:
    with closing(_connect(uri)) as connection:
        application, version = stamps_of(connection)
    if application != APPLICATION_ID:
        raise _unreadable(path, "it is not a ledger of sentry-filters")
    known, found = len(MIGRATIONS), f"its schema is version {version}"
    if version > known:
        raise _unreadable(path, f"{found}, newer than {known}, the newest known here; update sentry-filters")
    if version < known:
        update = "the first application that writes to it with this version of sentry-filters updates it"
        raise _unreadable(path, f"{found}, older than {known}; {update}")


def _unreadable(path: Path, why: str) -> LedgerUnreadableError:
    return LedgerUnreadableError(f"{path} cannot be read: {why}")


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
