"""Forked children, and what other threads of their parent hold in the moment of the fork."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

_CHILD_SECONDS = 20.0


def forked(act: Callable[[], bool]) -> bool | None:
    """Return whether `act` was true in a forked child, None where it did not end."""
    pid = os.fork()
    if not pid:
        status = 1
        try:
            status = 0 if act() else 1
        finally:
            os._exit(status)
    latest = time.monotonic() + _CHILD_SECONDS
    while time.monotonic() < latest:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status == 0
        threading.Event().wait(0.002)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return None


@contextmanager
def held_elsewhere(lock: AbstractContextManager[object]) -> Iterator[None]:
    """Let another thread hold a lock during the block: a child that is forked then inherits it held."""
    held, goes_on = threading.Event(), threading.Event()

    def holds() -> None:
        with lock:
            held.set()
            goes_on.wait(_CHILD_SECONDS)

    holder = threading.Thread(target=holds, daemon=True)
    holder.start()
    held.wait(_CHILD_SECONDS)
    try:
        yield
    finally:
        goes_on.set()
        holder.join(_CHILD_SECONDS)
