"""The one thread of a process that writes to the ledger."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sentry_filters.audit.retention import Retention
from sentry_filters.audit.rows import CountKey, Row, Rows
from sentry_filters.audit.store import RowsRefusedError, Store
from sentry_filters.core import AuditRecord

_log = logging.getLogger("sentry_filters")

_GATHER_SECONDS = 0.2
_TOTALS_SECONDS = 5.0
_RETENTION_SECONDS = 3_600.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.05, 30.0
_BATCH = 1_000


class Counts(Protocol):
    """The guard's counters, as far as the ledger needs them."""

    def add(self, name: str, *labels: str, by: int = 1) -> None:
        """Add to a counter."""

    def snapshot(self) -> dict[CountKey, int]:
        """Return all counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a ledger is about.

    Args:
        counts: The guard's counters.
        release: Returns the application's release.
    """

    counts: Counts
    release: Callable[[], str | None]


class Writer:
    """Writes one process's records and totals. Thread-safe; ends with its process.

    Args:
        path: The file.
        retention: What is forgotten.
        queue_size: Records that wait at most.
        source: What is written.
    """

    def __init__(self, path: Path, retention: Retention, queue_size: int, source: Source) -> None:
        self.source = source
        self._path = path
        self._retention = retention
        self._queue_size = queue_size
        self._store = Store(path)
        self._io = threading.Lock()  # held while the file is open for a write
        self._rows = Rows(f"{socket.gethostname()}/{os.getpid()}")
        self._queue: deque[AuditRecord] = deque()
        self._batch: list[Row] = []
        self._written_counts: Mapping[CountKey, int] = {}
        self._wake, self._hurry, self._closed = threading.Event(), threading.Event(), threading.Event()
        self._answered = threading.Condition()
        self._asked = self._answer = 0
        self._thread: threading.Thread | None = None
        self._give_up_at = self._prune_at = self._pause = 0.0
        self._warned = False

    @property
    def is_closed(self) -> bool:
        """Whether it takes no more records."""
        return self._closed.is_set()

    def start(self) -> None:
        """Start the thread; where none can be had, what comes is lost, and counted."""
        thread = threading.Thread(target=self._run, name="sentry-filters-ledger", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self.give_up("no_thread")
            return
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
        with self._answered:
            self._asked += 1
            mine = self._asked
            self._hurry.set()
            self._wake.set()
            self._answered.wait_for(lambda: self._answer >= mine or not self._is_running, timeout)
            return not self._queue and not self._batch

    def close(self, timeout: float) -> None:
        """Write what is queued, for at most `timeout` seconds, and end the thread."""
        self._give_up_at = time.monotonic() + timeout - 2 * _SHORTEST_PAUSE
        self._closed.set()
        self._hurry.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def give_up(self, cause: str) -> None:
        """Take no more records, and count that."""
        self._closed.set()
        self._lose(cause, 1)

    def rest(self, timeout: float) -> bool:
        """Let go of the file until `go_on`; return whether that was possible within `timeout` seconds."""
        if not self._io.acquire(timeout=timeout):
            return False
        self._store.close()
        return True

    def go_on(self) -> None:
        """Write again, after `rest` returned True."""
        self._io.release()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._wake.wait(self._pause or _TOTALS_SECONDS)
            self._hurry.wait(self._pause or _GATHER_SECONDS)
            self._wake.clear()
            self._hurry.clear()
            self._turn()
        while not self._turn() and time.monotonic() < self._give_up_at:
            time.sleep(_SHORTEST_PAUSE)
        self._lose("closed", len(self._queue) + len(self._batch))
        with self._io:
            self._store.close()

    def _turn(self) -> bool:
        """Write what there is, and prune; return whether that could be done."""
        asked = self._asked
        try:
            while self._write_batch():
                pass
            self._prune()
        except Exception as error:  # noqa: BLE001 - the disk's troubles are not the application's
            self._failed(error)
            written = False
        else:
            self._pause, self._warned, written = 0.0, False, True
        with self._answered:
            self._answer = asked
            self._answered.notify_all()
        return written

    def _write_batch(self) -> bool:
        """Write one batch and the totals; return whether there is another batch."""
        release = self.source.release()
        self._fill_batch(release)
        counts: Mapping[CountKey, int] = self.source.counts.snapshot()
        grown = {key: count - self._written_counts.get(key, 0) for key, count in counts.items()}
        changed = {key: count for key, count in grown.items() if count}
        if self._batch or changed:
            rows = [*self._batch, *self._rows.of_counts(changed, time.time(), release)]
            try:
                with self._io:
                    self._store.write(rows)
            except RowsRefusedError:
                # The totals go with the next batch; should they be the reason, they are the loss.
                refused = len(self._batch) or len(changed)
                counts = self._written_counts if self._batch else counts
                self._lose("refused", refused)
            self._batch.clear()
            self._written_counts = counts
        return bool(self._queue)

    def _fill_batch(self, release: str | None) -> None:
        while self._queue and len(self._batch) < _BATCH:
            record = self._queue.popleft()
            try:
                self._batch.extend(self._rows.of_record(record, release))
            except Exception:  # noqa: BLE001 - a record that makes no row must not stop the others
                self._lose("refused", 1)

    def _prune(self) -> None:
        with self._io:
            connection = self._store.opened()
            if time.monotonic() >= self._prune_at or self._retention.is_too_large(connection):
                more = self._retention.step(connection)
                self._prune_at = time.monotonic() + (0.0 if more else _RETENTION_SECONDS)

    def _failed(self, error: Exception) -> None:
        self._pause = min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, 2 * self._pause))
        self.source.counts.add("faults", "ledger")
        if not self._warned:
            self._warned = True
            _log.warning("the ledger %s cannot be written, and is tried again: %s", self._path, error)

    def _lose(self, cause: str, number: int) -> None:
        if number:
            self.source.counts.add("audit_lost", cause, by=number)

    @property
    def _is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()
