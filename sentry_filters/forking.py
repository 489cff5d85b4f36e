"""What forks and the interpreter's exit would break: locks, threads, native code outside Python's lock.

The only module that keeps state of its own: a process forks and ends for all its objects together.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Collection, Hashable
from typing import Any, Protocol, TypeVar

__all__ = [
    "Native",
    "after_fork_in_child",
    "around_fork",
    "look_after",
    "one_at_a_time",
    "shared",
    "while_alive",
]

_LAST_CALLS_SECONDS = 2.0
_POLL_SECONDS = 0.002
_CAN_FORK = hasattr(os, "register_at_fork")  # Windows cannot
_T = TypeVar("_T")


class Native(Protocol):
    """An object that calls native code, which releases Python's lock and has locks of its own."""

    def renew(self) -> None:
        """Begin anew in a forked child, where the native code's locks may be held for ever."""

    def end(self) -> None:
        """Let no thread but the calling one enter the native code from now on."""


_NATIVE: weakref.WeakSet[Native] = weakref.WeakSet()
_NATIVE_FILES: set[str] = set()
_SHARED: weakref.WeakValueDictionary[Hashable, Any] = weakref.WeakValueDictionary()
_TURN = threading.RLock()  # what the collector ends in the meantime may take a turn within one


def after_fork_in_child(reset: Callable[[], None]) -> None:
    """Call the bound method `reset` in every forked child for as long as its owner lives.

    Only a weak reference is kept: registrations cannot be undone, and must not keep their owner alive.
    """
    if _CAN_FORK:
        os.register_at_fork(after_in_child=while_alive(reset))


def around_fork(
    before: Callable[[], None], in_parent: Callable[[], None], in_child: Callable[[], None]
) -> None:
    """Call three bound methods of one owner around every fork, for as long as it lives.

    Args:
        before: In the process that forks, before it does; must return soon.
        in_parent: In the same process, afterwards.
        in_child: In the child.
    """
    if _CAN_FORK:
        os.register_at_fork(
            before=while_alive(before),
            after_in_parent=while_alive(in_parent),
            after_in_child=while_alive(in_child),
        )


def look_after(native: Native, files: Collection[str]) -> None:
    """Renew `native` in every forked child, and end it when the interpreter exits, for as long as it lives.

    A child that was forked while another thread was in native code finds that code's locks held for ever. And
    where a daemon thread returns from it while the interpreter is finalizing, Python before 3.14 ends that
    thread in the middle of C++, which aborts the process: so at exit no other thread may enter it, and those
    that are in it have a moment to return.

    Args:
        native: Any number of threads may be using it.
        files: The source files whose frames show that a thread is in the native code.
    """
    _NATIVE.add(native)
    _NATIVE_FILES.update(files)


def shared(key: Hashable, make: Callable[[], _T]) -> _T:
    """Return the one object that the process has for `key`, for as long as somebody holds it.

    Args:
        key: All that the object depends on.
        make: Makes it where there is none, soon; what it raises is raised.
    """

    def found_or_made() -> _T:
        found: _T | None = _SHARED.get(key)
        return _SHARED.setdefault(key, make()) if found is None else found

    return one_at_a_time(found_or_made)


def one_at_a_time(act: Callable[[], _T]) -> _T:
    """Return what `act` returns, while no other thread is in here: for what takes milliseconds at most.

    One lock for the whole process, which a forked child has anew.
    """
    with _TURN:
        return act()


def while_alive(method: Callable[[], None]) -> Callable[[], None]:
    """Return what calls the bound method `method` for as long as its owner lives, and does not hold it."""
    weak = weakref.WeakMethod(method)

    def call() -> None:
        alive = weak()
        if alive is not None:
            alive()

    return call


def _renew_all() -> None:
    global _TURN  # noqa: PLW0603 - another thread may have had it while the process forked
    _TURN = threading.RLock()
    for native in list(_NATIVE):
        native.renew()


def _end_all() -> None:
    for native in list(_NATIVE):
        native.end()
    latest = time.monotonic() + _LAST_CALLS_SECONDS
    while _are_others_in_native_code() and time.monotonic() < latest:
        time.sleep(_POLL_SECONDS)


def _are_others_in_native_code() -> bool:
    own = threading.get_ident()
    return any(
        frame.f_code.co_filename in _NATIVE_FILES
        for thread, frame in sys._current_frames().items()
        if thread != own
    )


if _CAN_FORK:
    os.register_at_fork(after_in_child=_renew_all)
# Registered as early as this, it runs after the exit functions of whatever uses native code.
atexit.register(_end_all)
