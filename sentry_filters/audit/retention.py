"""What the ledger forgets: by age, and by size, the oldest first."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentry_filters.audit.rows import milliseconds, minute_of

if TYPE_CHECKING:
    from sqlite3 import Connection

# Rows that one step deletes: other processes wait for their turn to write.
_STEP = 5_000
_PART = 10  # of the time that the ledger spans; what goes at once where it is too large
_WHAT_EXPLAINS_NOTHING = (
    """
    DELETE FROM expiries WHERE at < ?
    AND id NOT IN (SELECT expiry FROM decisions WHERE expiry IS NOT NULL AND reason <> 'unhandled')
    """,
    """
    DELETE FROM decisions WHERE at < ?
    AND reason = 'unhandled' AND (expiry IS NULL OR expiry NOT IN (SELECT id FROM expiries))
    """,
    """
    DELETE FROM renewals WHERE at < ? AND (expiry IS NULL OR expiry NOT IN (SELECT id FROM expiries))
    """,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How much is kept.

    Args:
        keep_seconds: How old a row may get.
        most_bytes: How large the file may get.
    """

    keep_seconds: float
    most_bytes: int

    def is_too_large(self, connection: Connection) -> bool:
        """Say whether the file is larger than allowed, apart from what is free in it."""
        return self._used(connection) > self.most_bytes

    def step(self, connection: Connection) -> bool:
        """Forget some of what is too old or too much; return whether there is more to do.

        Raises:
            sqlite3.Error: The file cannot be written.
        """
        before = milliseconds(time.time() - self.keep_seconds)
        if self.is_too_large(connection):
            before = max(before, self._oldest_part(connection))
        more = _forget(connection, before)
        # As a script: `execute` takes the first step of a statement without columns only, one page.
        connection.executescript("PRAGMA incremental_vacuum")
        return more or self.is_too_large(connection)

    @staticmethod
    def _used(connection: Connection) -> int:
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    @staticmethod
    def _oldest_part(connection: Connection) -> int:
        """Return the time before which the oldest part lies, in milliseconds."""
        (oldest,) = connection.execute(
            "SELECT min(at) FROM (SELECT min(at) AS at FROM decisions UNION ALL "
            "SELECT 1000 * CAST(strftime('%s', min(minute)) AS INTEGER) FROM totals)"
        ).fetchone()
        now = milliseconds(time.time())
        # A minute at least, since totals are by the minute.
        return now if oldest is None else min(now, oldest + max(60_000, (now - oldest) // _PART))


def _forget(connection: Connection, before: int) -> bool:
    """Delete a step's worth of what is older than `before`; return whether there is more.

    What explains a row stays as long as that row: an expiry as long as its decisions, and with it its renewal
    and the one decision that showed it where nobody listened.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        deleted = connection.execute(
            "DELETE FROM decisions WHERE id IN "
            "(SELECT id FROM decisions WHERE at < ? AND reason <> 'unhandled' ORDER BY at LIMIT ?)",
            (before, _STEP),
        ).rowcount
        # A minute's totals stay or go together: they have to add up.
        connection.execute("DELETE FROM totals WHERE minute < ?", (minute_of(before),))
        if deleted < _STEP:
            for statement in _WHAT_EXPLAINS_NOTHING:
                connection.execute(statement, (before,))
        connection.execute("COMMIT")
    except BaseException:  # raised again: nothing is half done
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return deleted == _STEP
