"""A process so short of memory that allocations really fail."""

from __future__ import annotations

import os
import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.torture.reports import Report

_LEAST, _MOST = 8_000_000, 120_000_000


@contextmanager
def short_of_memory(chance: random.Random, report: Report) -> Iterator[None]:
    """Limit the process to little more address space than it has now, for the duration of the block."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    now = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    report.faults["little memory"] += 1
    resource.setrlimit(resource.RLIMIT_AS, (now + chance.randrange(_LEAST, _MOST), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
