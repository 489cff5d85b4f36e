"""What the package has open: its threads, its ledger's files, its connections to Redis."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from tests.torture.task import Task

_DESCRIPTORS = Path("/proc/self/fd")


def own_threads() -> list[str]:
    """Return the names of the package's threads that are alive."""
    return [thread.name for thread in threading.enumerate() if "sentry-filters" in thread.name]


def own_threads_and_places() -> list[str]:
    """Return the same, each with the functions that it is in."""
    frames = sys._current_frames()
    return [
        f"{thread.name} in {' < '.join(_functions(frames.get(thread.ident or 0)))}"
        for thread in threading.enumerate()
        if "sentry-filters" in thread.name
    ]


def open_things(task: Task) -> set[str]:
    """Return the package's open files and connections, named with their descriptors."""
    if not _DESCRIPTORS.is_dir():
        return set()
    port = urlsplit(task.redis).port if task.redis else None
    found = set()
    for entry in list(_DESCRIPTORS.iterdir()):
        with suppress(OSError):
            target = str(entry.readlink())
            if target.startswith(task.ledger):
                found.add(f"{entry.name}: {Path(target).name}")
            elif target.startswith("socket:") and port is not None and _peer_port(int(entry.name)) == port:
                found.add(f"{entry.name}: Redis")
    return found


def _functions(frame: FrameType | None) -> Iterator[str]:
    while frame is not None:
        yield f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}:{frame.f_lineno}"
        frame = frame.f_back


def _peer_port(descriptor: int) -> int | None:
    with socket.socket(fileno=os.dup(descriptor)) as one:
        if one.family != socket.AF_INET:
            return None
        return int(one.getpeername()[1])
