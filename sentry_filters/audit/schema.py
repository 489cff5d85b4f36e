"""The ledger's tables, and how a file of an older version becomes one of this version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite3 import Connection

APPLICATION_ID = 0x5F17E25
"""Marks a SQLite file as a ledger (`PRAGMA application_id`)."""

MIGRATIONS: Sequence[Sequence[str]] = (
    (
        """
        CREATE TABLE decisions (
            id INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,          -- milliseconds since the epoch
            minute TEXT NOT NULL,         -- YYYY-MM-DD HH:MM, UTC
            signal TEXT NOT NULL,
            verdict TEXT NOT NULL,        -- drop, keep, demote
            reason TEXT NOT NULL,
            standing TEXT,                -- first, repeat, stale; NULL: not recognised
            expiry TEXT,                  -- expiries.id
            domain TEXT,
            operation TEXT,
            provider TEXT,
            backend TEXT NOT NULL,        -- whose sessions are watched
            host TEXT,
            third_party INTEGER NOT NULL, -- 1: the evidence names another than the backend
            status INTEGER,
            session TEXT,                 -- a keyed fingerprint
            trace_id TEXT,
            release TEXT,
            process TEXT NOT NULL
        )
        """,
        "CREATE INDEX decisions_at ON decisions (at)",
        """
        CREATE TABLE expiries (
            id TEXT PRIMARY KEY,
            at INTEGER NOT NULL,
            minute TEXT NOT NULL,
            source TEXT NOT NULL,
            provider TEXT NOT NULL,
            operation TEXT NOT NULL,
            status INTEGER NOT NULL,
            session TEXT,
            confirmed INTEGER NOT NULL,   -- 1: a response of the backend's own host said so
            handled INTEGER NOT NULL,     -- 1: somebody had subscribed
            trace_id TEXT,
            release TEXT,
            process TEXT NOT NULL
        )
        """,
        """
        CREATE TABLE renewals (           -- one row for each expiry that a renewal ended, or one with NULL
            at INTEGER NOT NULL,
            minute TEXT NOT NULL,
            session TEXT,
            expiry TEXT,
            release TEXT,
            process TEXT NOT NULL
        )
        """,
        """
        CREATE TABLE totals (             -- what counters grew by in a minute; '': no such label
            -- In the key's order: SQLite 3.40 reports NULLs that are none in tables of another order.
            minute TEXT NOT NULL,
            process TEXT NOT NULL,
            release TEXT NOT NULL,
            counter TEXT NOT NULL,
            signal TEXT NOT NULL,
            verdict TEXT NOT NULL,
            label TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (minute, process, release, counter, signal, verdict, label)
        ) WITHOUT ROWID
        """,
    ),
    (
        # How good the evidence was: fact, statement, words. NULL: not recognised, or by an earlier decision
        # about the same failure, or a refusal of the gate, or written before this column was.
        "ALTER TABLE decisions ADD COLUMN grade TEXT",
        # 1: a response of the backend's own host said so; NULL as above.
        "ALTER TABLE decisions ADD COLUMN confirmed INTEGER",
        # renewed; recovered: a success of the same credential showed that the session had not ended.
        "ALTER TABLE renewals ADD COLUMN reason TEXT NOT NULL DEFAULT 'renewed'",
    ),
)
"""The statements that lead from version n to n + 1, from the empty file on. Shipped steps never change."""


class SchemaError(Exception):
    """The file is not a ledger, or it is one of a newer version; the message says which."""


def prepare(connection: Connection, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> None:
    """Bring the file to this version's schema, in one transaction; a current one is only read.

    Args:
        connection: In autocommit mode. Several processes may do this at the same time.
        migrations: The steps.

    Raises:
        SchemaError: The file belongs to another program, or to a newer version; it is left as it is.
        sqlite3.Error: It cannot be read or written.
    """
    with connection:
        connection.execute("BEGIN")  # one look, while others may be making the same file
        version = _version(connection, len(migrations))
    if version == len(migrations):
        return
    # Has to come before the first table, and makes room that retention frees go back to the disk.
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for step in migrations[_version(connection, len(migrations)) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(migrations)}")


def stamps_of(connection: Connection) -> tuple[int, int]:
    """Return what a file says it is: its application id and its schema's version."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return application, version


def _version(connection: Connection, newest: int) -> int:
    application, version = stamps_of(connection)
    if application != APPLICATION_ID:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables or application:
            raise SchemaError("the file belongs to another program")
        return 0
    if version > newest:
        raise SchemaError(f"its schema is version {version}, newer than {newest}, the newest known here")
    return version
