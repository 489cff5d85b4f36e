"""A process that cannot start any more threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_new_threads() -> Iterator[None]:
    """During the block, make every new thread ask for a stack that no machine has."""
    threading.stack_size(1 << 46)
    try:
        yield
    finally:
        threading.stack_size(0)
