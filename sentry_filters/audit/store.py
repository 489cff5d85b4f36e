"""The ledger's file: opened, written and pruned by one thread in each process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sentry_filters.audit.rows import INSERTS, Row
from sentry_filters.audit.schema import prepare

if TYPE_CHECKING:
    from sqlite3 import Connection

# Short, since a fork waits for the writer; the writer itself tries again.
_BUSY_SECONDS = 0.25


class RowsRefusedError(Exception):
    """The rows themselves are at fault, and can never be written; the message says why."""


class Store:
    """One process's connection to the file. Not thread-safe: its owner holds a lock.

    It is opened when it is needed, and must not be open while the process forks: SQLite keeps its locks
    by process (sqlite.org/howtocorrupt.html, section 2.6).

    Args:
        path: The file; it and its folder are made where they are missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: Connection | None = None

    def write(self, rows: Iterable[Row]) -> None:
        """Write rows in one transaction: all of them, or none.

        Raises:
            RowsRefusedError: The rows are at fault.
            OSError, sqlite3.Error, SchemaError: The file cannot be written.
        """
        by_table: dict[str, list[Sequence[str | int | None]]] = {}
        for table, values in rows:
            by_table.setdefault(table, []).append(values)
        connection = self.opened()
        refused = (connection.IntegrityError, connection.InterfaceError, connection.ProgrammingError)
        connection.execute("BEGIN IMMEDIATE")
        try:
            with connection:
                for table, several in by_table.items():
                    connection.executemany(INSERTS[table], several)
        except (*refused, ArithmeticError, TypeError, ValueError) as error:
            raise RowsRefusedError(type(error).__name__) from error

    def opened(self) -> Connection:
        """Return the connection, in autocommit mode; opens it where it is closed."""
        if self._connection is None:
            import sqlite3  # noqa: PLC0415 - an application without a ledger does not pay for it

            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                prepare(connection)
                # The last transactions may be lost with the machine's power, never with the process.
                connection.execute("PRAGMA synchronous = NORMAL")
            except BaseException:  # raised again: nothing is left open
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def close(self) -> None:
        """Close the connection; the next write opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
