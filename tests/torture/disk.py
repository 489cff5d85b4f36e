"""A ledger whose file cannot be written any more, or is suddenly a different one."""

from __future__ import annotations

import random
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.support.permissions import read_only
from tests.torture.reports import Report


@contextmanager
def broken_disk(ledger: Path, chance: random.Random, report: Report) -> Iterator[None]:
    """Break the ledger's file in one of several ways during the block."""
    name, breaking = chance.choice(_WAYS)
    report.faults[f"ledger {name}"] += 1
    with breaking(ledger):
        yield


@contextmanager
def _full(ledger: Path) -> Iterator[None]:
    """Let no file grow beyond what the ledger is now, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ledger.stat().st_size if ledger.exists() else 0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def _replaced(ledger: Path) -> Iterator[None]:
    """Replace it with files that are not databases."""
    for path in (ledger, ledger.with_name(f"{ledger.name}-wal")):
        path.unlink(missing_ok=True)
        path.write_bytes(b"somebody else's")
    yield


@contextmanager
def _removed(ledger: Path) -> Iterator[None]:
    """Remove it and its log."""
    for path in list(ledger.parent.glob(f"{ledger.name}*")):
        path.unlink()
    yield


_WAYS: tuple[tuple[str, Callable[[Path], AbstractContextManager[None]]], ...] = (
    ("on a full disk", _full),
    ("replaced", _replaced),
    ("removed", _removed),
    ("read-only", lambda ledger: read_only(ledger.parent)),
)
