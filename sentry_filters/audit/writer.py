"""The one thread of a process that writes to the ledger."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from sentry_filters.audit.retention import Retention
from sentry_filters.audit.rows import CountKey, Origin, Row, rows_of, rows_of_counts
from sentry_filters.audit.store import RowsRefusedError, Store
from sentry_filters.core import AuditRecord, Counters

_log = logging.getLogger("sentry_filters")

_GATHER_SECONDS = 0.2
_TOTALS_SECONDS = 5.0
_RETENTION_SECONDS = 3_600.0
_SHORTEST_WAIT, _LONGEST_WAIT = 0.05, 30.0
_BATCH = 1_000


class Writer:
    """Writes the records and totals of one process. Thread-safe; ends with its process.

    Args:
        path: The file.
        retention: What is deleted.
        queue_size: How many records may wait.
        counters: The guard's, whose growth is written.
        release: Returns the application's release.
    """

    def __init__(
        self,
        path: Path,
        retention: Retention,
        queue_size: int,
        counters: Counters,
        release: Callable[[], str | None],
    ) -> None:
        self._path = path
        self._retention = retention
        self._queue_size = queue_size
        self._counters = counters
        self._release = release
        self._store = Store(path)
        self._io = threading.Lock()  # held while the file is open for a write
        self._process = f"{socket.gethostname()}/{os.getpid()}"
        self._queue: deque[AuditRecord] = deque()
        self._batch: list[Row] = []
        self._written_counts: Mapping[CountKey, int] = {}
        self._wake, self._hurry, self._closed = threading.Event(), threading.Event(), threading.Event()
        self._flushed = threading.Condition()
        self._flushes_asked = self._flushes_done = 0
        self._thread: threading.Thread | None = None
        self._give_up_at = self._prune_at = self._retry_after = 0.0

    @property
    def is_closed(self) -> bool:
        """Whether it takes no more records."""
        return self._closed.is_set()

    def for_child(self) -> Writer:
        """Return a writer of the same, with nothing queued, for a forked child."""
        return Writer(self._path, self._retention, self._queue_size, self._counters, self._release)

    def start(self) -> None:
        """Start the thread; where that fails, records are lost, and counted."""
        thread = threading.Thread(target=self._run, name="sentry-filters-ledger", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self.give_up("no_thread")
        else:
            self._thread = thread

    def put(self, record: AuditRecord) -> None:
        """Queue a record; never waits, never raises."""
        if len(self._queue) >= self._queue_size or self._closed.is_set():
            self._lose("closed" if self._closed.is_set() else "queue_full", 1)
            return
        self._queue.append(record)
        if not self._wake.is_set():
            self._wake.set()

    def flush(self, timeout: float) -> bool:
        """Wait, at most `timeout` seconds, until all that is queued is written; return whether it is."""
        with self._flushed:
            self._flushes_asked += 1
            mine = self._flushes_asked
            self._hurry.set()
            self._wake.set()
            self._flushed.wait_for(lambda: self._flushes_done >= mine or not self._is_alive(), timeout)
            return not self._queue and not self._batch

    def close(self, timeout: float) -> None:
        """Write what is queued, for at most `timeout` seconds, and end the thread."""
        self._give_up_at = time.monotonic() + timeout - 2 * _SHORTEST_WAIT
        self._closed.set()
        self._hurry.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def give_up(self, cause: str) -> None:
        """Take no more records, and count that."""
        self._closed.set()
        self._lose(cause, 1)

    def pause(self, timeout: float) -> bool:
        """Close the file until `resume`; return whether that was possible within `timeout` seconds."""
        if not self._io.acquire(timeout=timeout):
            return False
        self._store.close()
        return True

    def resume(self) -> None:
        """Write again, after `pause` returned True."""
        self._io.release()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._wake.wait(self._retry_after or _TOTALS_SECONDS)
            self._hurry.wait(self._retry_after or _GATHER_SECONDS)
            self._wake.clear()
            self._hurry.clear()
            self._turn()
        while not self._turn() and time.monotonic() < self._give_up_at:
            time.sleep(_SHORTEST_WAIT)
        self._lose("closed", len(self._queue) + len(self._batch))
        with self._io:
            self._store.close()

    def _turn(self) -> bool:
        """Write what is queued, and prune; return whether that succeeded."""
        asked = self._flushes_asked
        try:
            while self._write_batch():
                pass
            self._prune()
        except Exception as error:  # noqa: BLE001 - the disk's faults are not the application's
            self._failed(error)
            written = False
        else:
            self._retry_after, written = 0.0, True
        with self._flushed:
            self._flushes_done = asked
            self._flushed.notify_all()
        return written

    def _write_batch(self) -> bool:
        """Write one batch and the totals; return whether there is another batch."""
        origin = (self._release(), self._process)
        self._fill_batch(origin)
        counts: Mapping[CountKey, int] = self._counters.counts()
        grown = {key: count - self._written_counts.get(key, 0) for key, count in counts.items()}
        changed = {key: count for key, count in grown.items() if count}
        if self._batch or changed:
            rows = [*self._batch, *rows_of_counts(changed, time.time(), origin)]
            try:
                with self._io:
                    self._store.write(rows)
            except RowsRefusedError:
                # The totals are written with the next batch; where they were refused, they are lost.
                refused = len(self._batch) or len(changed)
                counts = self._written_counts if self._batch else counts
                self._lose("refused", refused)
            self._batch.clear()
            self._written_counts = counts
        return bool(self._queue)

    def _fill_batch(self, origin: Origin) -> None:
        while self._queue and len(self._batch) < _BATCH:
            record = self._queue.popleft()
            try:
                self._batch.extend(rows_of(record, origin))
            except Exception:  # noqa: BLE001 - a record that makes no row must not stop the others
                self._lose("refused", 1)

    def _prune(self) -> None:
        with self._io:
            connection = self._store.opened()
            if time.monotonic() >= self._prune_at or self._retention.is_too_large(connection):
                more = self._retention.step(connection)
                self._prune_at = time.monotonic() + (0.0 if more else _RETENTION_SECONDS)

    def _failed(self, error: Exception) -> None:
        self._counters.add("faults", "ledger")
        if not self._retry_after:  # the first failure of an outage
            _log.warning(
                "sentry-filters: the ledger %s cannot be written; trying again: %s", self._path, error
            )
        self._retry_after = min(_LONGEST_WAIT, max(_SHORTEST_WAIT, 2 * self._retry_after))

    def _lose(self, cause: str, number: int) -> None:
        if number:
            self._counters.add("audit_lost", cause, by=number)

    def _is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()
