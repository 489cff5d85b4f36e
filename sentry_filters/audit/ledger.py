"""`Ledger`: what a guard decided, in an embedded database that needs no attention."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from pathlib import Path

from sentry_filters.audit.retention import Retention
from sentry_filters.audit.writer import Writer
from sentry_filters.core import AuditRecord, Counters
from sentry_filters.forking import around_fork

# A fork waits this long for a write to end.
_FORK_SECONDS = 0.5


class Ledger:
    """An embedded SQLite database of what a guard decided: for `SessionGuard(policy, audit=Ledger(path))`.

    Any number of processes may write to one file, each in one thread of its own. `observe` only queues, so
    the application never waits for the disk, and never notices that it is full, read-only, locked or gone.
    What cannot be written waits in the queue; what does not fit into the queue, or is still there at the end,
    is counted as `audit_lost`. One WARNING is logged per outage. A process that is killed loses the
    records of the last 0.2 s and the totals of the last 5 s. A forked child has a thread of its own.

    It holds labels, ids and times only: see `sentry_filters.audit.schema`.

    Args:
        path: The file. SQLite's write-ahead log needs a local file system.
        release: The application's release; by default the one that Sentry was set up with.
        keep_days: The greatest age of a row, in days.
        most_megabytes: The greatest size of the file, in 10^6 bytes; the oldest rows are deleted first.
        queue_size: The greatest number of records that wait for the writer.

    Raises:
        ValueError: An argument is invalid; the message names it, its value and what is expected.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        release: str | None = None,
        keep_days: float = 30.0,
        most_megabytes: float = 512.0,
        queue_size: int = 50_000,
    ) -> None:
        self._path = Path(path)
        if self._path.is_dir():
            raise ValueError(f"Ledger: invalid path = {str(path)!r}, a folder; expected a file, new or not")
        limits = {"keep_days": keep_days, "most_megabytes": most_megabytes, "queue_size": queue_size}
        for name, value in limits.items():
            if not value > 0:
                raise ValueError(f"Ledger: invalid {name} = {value!r}; expected more than 0")
        self._release = release
        self._queue_size = queue_size
        self._retention = Retention(keep_seconds=keep_days * 86_400, most_bytes=int(most_megabytes * 1e6))
        self._writer: Writer | None = None
        self._forking = threading.local()

    def __repr__(self) -> str:
        return f"<Ledger {str(self._path)!r}>"

    def attach(self, counters: Counters, release: Callable[[], str | None]) -> None:
        """Start writing for one guard; called by `SessionGuard`.

        Args:
            counters: The guard's counters, whose growth is written by the minute.
            release: Returns the release if none was given.

        Raises:
            ValueError: It already serves a guard.
        """
        if self._writer is not None:
            raise ValueError(f"{self!r} serves another guard already; expected one Ledger for each guard")
        self._writer = Writer(
            self._path, self._retention, self._queue_size, counters, lambda: self._release or release()
        )
        around_fork(self._before_fork, self._after_fork_in_parent, self._after_fork_in_child)
        atexit.register(self.close)
        self._writer.start()

    def observe(self, record: AuditRecord) -> None:
        """Queue a record; returns at once and never raises."""
        if self._writer is not None:
            self._writer.put(record)

    def flush(self, timeout: float = 2.0) -> bool:
        """Wait at most `timeout` seconds until everything queued is written; return whether it is."""
        return self._writer is None or self._writer.flush(timeout)

    def close(self, timeout: float = 2.0) -> None:
        """Write what is queued, for at most `timeout` seconds, and end; later records count as lost."""
        atexit.unregister(self.close)
        if self._writer is not None:
            self._writer.close(timeout)

    def _before_fork(self) -> None:
        writer = self._writer
        self._forking.is_safe = writer is None or writer.pause(_FORK_SECONDS)

    def _after_fork_in_parent(self) -> None:
        if self._writer is not None and self._forking.is_safe:
            self._writer.resume()

    def _after_fork_in_child(self) -> None:
        parents = self._writer
        if parents is None:
            return
        # What the parent had queued, the parent writes.
        self._writer = parents.for_child()
        if parents.is_closed:
            self._writer.close(0.0)
        elif self._forking.is_safe:
            self._writer.start()
        else:
            # The parent's connection is open here too: this process must neither touch the file (see `Store`)
            # nor close that connection, as it would by dropping the last reference to it.
            self._parents = parents
            self._writer.give_up("forked_while_writing")
