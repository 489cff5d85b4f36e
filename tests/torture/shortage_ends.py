"""Endings caused by CPython and the C library themselves, in a process that has no memory left."""

from __future__ import annotations

import linecache
import re
import signal

_LAST_WORDS = (
    "cannot allocate memory for thread-local data",  # the C library, in a new thread
    "Cannot recover from MemoryErrors while normalizing exceptions",  # CPython
)
_CRASHED_AT = re.compile(
    r'Fatal Python error: Segmentation fault\n\n.*\(most recent call first\):\n {2}File "(.+)", line (\d+) in'
)


def is_of_the_interpreter(status: int, printed: str) -> bool:
    """Return whether such a process ended through no fault of the code that it ran.

    Args:
        status: How it ended, negative for a signal.
        printed: What it printed, with faulthandler's account of a crash.
    """
    if any(words in printed for words in _LAST_WORDS):
        return True
    return status == -signal.SIGSEGV and _sets_a_context_variable(printed)


def _sets_a_context_variable(printed: str) -> bool:
    # CPython's PyContextVar_Set lets go of a token that it had no memory to make: of the null pointer.
    crash = _CRASHED_AT.search(printed)
    return crash is not None and ".set(" in linecache.getline(crash[1], int(crash[2]))
