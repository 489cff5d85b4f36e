"""Asking a ledger: read-only, while any number of processes write to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from sentry_filters.audit.queries import Query, Value
from sentry_filters.audit.schema import APPLICATION_ID, MIGRATIONS

__all__ = ["Answer", "LedgerUnreadableError", "Reader", "read_only_uri", "reading", "window_views"]

_BUSY_SECONDS = 5.0
# `:since` and the names in capitals are put in by `window_views`.
_WINDOW: Mapping[str, str] = MappingProxyType(
    {
        "decisions": (
            "SELECT * FROM main.decisions WHERE at >= :since OR (reason = 'unhandled' AND expiry IN (INSIDE))"
        ),
        "expiries": "SELECT * FROM main.expiries WHERE id IN (EXPIRIES)",
        "renewals": "SELECT * FROM main.renewals WHERE at >= :since OR expiry IN (EXPIRIES)",
        "totals": (
            "SELECT * FROM main.totals WHERE minute >= strftime('%Y-%m-%d %H:%M', :since / 1000, 'unixepoch')"
        ),
    }
)
_EXPIRIES = "SELECT id FROM main.expiries WHERE at >= :since UNION INSIDE"
_INSIDE = "SELECT expiry FROM main.decisions WHERE at >= :since AND expiry IS NOT NULL"


class LedgerUnreadableError(Exception):
    """The file cannot be read as a ledger; the message is one sentence that says why."""


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


@contextmanager
def reading(path: Path, since: datetime | None = None) -> Iterator[Reader]:
    """Open a ledger for reading.

    Args:
        path: The file.
        since: An aware time; only what happened from its minute on counts, and what explains that. None: all.

    Raises:
        LedgerUnreadableError: It is missing, no ledger, of another version, damaged or locked.
    """
    connection = _connect(read_only_uri(path))
    try:
        if since is not None:
            minute = since.replace(second=0, microsecond=0)
            for name, select in window_views(f"{round(minute.timestamp() * 1000)}").items():
                connection.execute(f"CREATE TEMP VIEW {name} AS {select}")
        connection.execute("BEGIN")
        yield Reader(connection)
    except sqlite3.Error as error:
        raise LedgerUnreadableError(f"{path} cannot be read: {error}") from error
    finally:
        connection.close()


def window_views(since: str) -> dict[str, str]:
    """Return a SELECT for each table, to be put in its place, that leaves what a window of time holds.

    As where the ledger forgets, what explains a row stays with it: the expiry that a decision belongs to, its
    renewals, and the one decision that showed it where nobody listened, be they older or not.

    Args:
        since: An SQL expression: the first moment, in milliseconds since the epoch.
    """
    return {
        table: select.replace("EXPIRIES", _EXPIRIES).replace("INSIDE", _INSIDE).replace(":since", since)
        for table, select in _WINDOW.items()
    }


def read_only_uri(path: Path) -> str:
    """Return the URI by which SQLite opens a ledger without writing.

    Raises:
        LedgerUnreadableError: The file is missing, no ledger, of another version, or cannot be read.
    """
    if not path.is_file():
        raise LedgerUnreadableError(f"{path} cannot be read: there is no such file")
    real = path.resolve()
    uri = f"{real.as_uri()}?mode=ro"
    try:
        try:
            _check(path, uri)
        except sqlite3.OperationalError:
            # A write-ahead log takes a folder that can be written, also to read. Without one, nobody writes.
            if real.with_name(f"{real.name}-wal").exists():
                raise
            uri += "&immutable=1"
            _check(path, uri)
    except sqlite3.OperationalError as error:
        raise LedgerUnreadableError(f"{path} cannot be read: {error}") from error
    except sqlite3.DatabaseError as error:
        raise LedgerUnreadableError(f"{path} cannot be read: it is no SQLite database, or damaged") from error
    return uri


def _check(path: Path, uri: str) -> None:
    with closing(_connect(uri)) as connection:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise LedgerUnreadableError(f"{path} cannot be read: it is no ledger of sentry-filters")
    if version > len(MIGRATIONS):
        raise LedgerUnreadableError(
            f"{path} cannot be read: its schema is version {version}, newer than {len(MIGRATIONS)}, "
            "the newest known here; update sentry-filters"
        )
    if version < len(MIGRATIONS):
        raise LedgerUnreadableError(
            f"{path} cannot be read: its schema is version {version}, older than {len(MIGRATIONS)}; "
            "the first application that writes to it with this version of sentry-filters brings it up to date"
        )


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
