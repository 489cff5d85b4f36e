"""What an OpenTelemetry log record costs, kind by kind: on the application's thread, and in the process."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.edge import listening_guard
from tests.bench.exporting import logging_to
from tests.bench.recordings import log_kinds, log_lives
from tests.bench.table import PROCESS, TAIL, THREAD, Row, added, plain
from tests.bench.timing import Effort, Side, in_turns
from tests.bench.words import Words

TITLE = "Log records, batches exported by OTLP: the guard's share / the bare life"


def rows(effort: Effort) -> Iterator[Row]:
    """Measure each kind by itself, bare and guarded in turns."""
    guard, words = listening_guard(), Words()
    with logging_to() as bare, logging_to(guard) as guarded:
        for name, kept in log_kinds().items():
            taken = in_turns(
                {
                    side: Side(log_lives(provider, kept, words), provider.force_flush)
                    for side, provider in (("bare", bare), ("guarded", guarded))
                },
                effort,
            )
            without, with_guard = taken["bare"], taken["guarded"]
            yield plain(f"{name}: bare life", without.thread)
            most = 8.0 if "secret" in name else 0.4
            yield added(f"{name}: {THREAD}", with_guard.thread, without.thread, most)
            yield added(f"{name}: {TAIL}", with_guard.thread, without.thread, None, 0.99)
            yield added(f"{name}: {PROCESS}", with_guard.process, without.process)
    guard.close()
