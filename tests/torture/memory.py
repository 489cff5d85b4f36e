"""How much memory a process keeps: measured when nothing is under way, and judged over its life."""

from __future__ import annotations

import ctypes
import ctypes.util
import gc
import os
import resource
import statistics
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

FEWEST_SAMPLES = 16
MOST_GROWTH = 1.15
"""What the last quarter of a life may keep, for each byte that the second quarter kept.

The first quarter is not looked at: caches fill. Measured with nothing under way, a process keeps the same to
within a few per cent; a leak of 1 KB for each of the thousands of acts of a quarter is more than this.
"""


MEASURED = ("lasting", "control")
"""The kinds of processes that run throughout, with the guard and without it."""

OWN_PAGES = {"MALLOC_MMAP_THRESHOLD_": "65536"}
"""For the environment of a process that is measured: texts of megabytes get pages of their own.

By itself, glibc puts them among the small objects once one of them was freed, and each leaves a hole there
that is given back or not, by chance: 100 MB more or less, which are not what the process keeps.
"""


def resident_bytes() -> int:
    """Return how much memory this process has resident; 0 if that is not known."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def kept_bytes() -> int:
    """Return what stays resident once garbage and the allocator's own reserves are given back."""
    gc.collect()
    with suppress(OSError, AttributeError, TypeError):  # another C library has no such call
        ctypes.CDLL(ctypes.util.find_library("c")).malloc_trim(0)
    return resident_bytes()


def peak_bytes() -> int:
    """Return the most that was ever resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def growth(samples: Sequence[int]) -> float | None:
    """Return the last quarter's median divided by the second's, None if there are too few values."""
    if len(samples) < FEWEST_SAMPLES or not all(samples):
        return None
    quarter = len(samples) // 4
    return statistics.median(samples[-quarter:]) / statistics.median(samples[quarter : 2 * quarter])
