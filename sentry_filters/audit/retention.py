"""What the ledger deletes: by age and by size, the oldest first."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentry_filters.audit.rows import milliseconds, minute_of

if TYPE_CHECKING:
    from sqlite3 import Connection

# The rows that one step deletes: other processes wait for their turn to write.
_STEP = 5_000
_PART = 10  # where the file is too large, one step deletes this part of the time that it spans
_DELETE_WHAT_EXPLAINS_NOTHING = (
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
        """Return whether the file is larger than allowed, not counting its free pages."""
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return bool((pages - free) * size > self.most_bytes)

    def step(self, connection: Connection) -> bool:
        """Delete some of what is too old or too much; return whether there is more to do.

        Raises:
            sqlite3.Error: The file cannot be written.
        """
        before = milliseconds(time.time() - self.keep_seconds)
        if self.is_too_large(connection):
            before = max(before, self._oldest_part(connection))
        more = _delete_step(connection, before)
        # As a script: `execute` does only the first step of a statement without columns, one page.
        connection.executescript("PRAGMA incremental_vacuum")
        return more or self.is_too_large(connection)

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


def _delete_step(connection: Connection, before: int) -> bool:
    """Delete a step's worth of what is older than `before`; return whether there is more.

    What explains a row stays as long as that row: an expiry as long as its decisions, and with it its renewal
    and the one decision that showed it where nobody listened.
    """
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        deleted = connection.execute(
            "DELETE FROM decisions WHERE id IN "
            "(SELECT id FROM decisions WHERE at < ? AND reason <> 'unhandled' ORDER BY at LIMIT ?)",
            (before, _STEP),
        ).rowcount
        # A minute's totals stay or go together: they have to add up.
        connection.execute("DELETE FROM totals WHERE minute < ?", (minute_of(before),))
        if deleted < _STEP:
            for statement in _DELETE_WHAT_EXPLAINS_NOTHING:
                connection.execute(statement, (before,))
    return deleted == _STEP
