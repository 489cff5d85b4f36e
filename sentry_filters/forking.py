"""Locks and threads do not survive `os.fork`; what owns them starts afresh in the child."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable


def after_fork_in_child(reset: Callable[[], None]) -> None:
    """Call the bound method `reset` in every forked child for as long as its owner lives.

    Only a weak reference is kept: registrations cannot be taken back, and must not keep their owner alive.
    """
    if not hasattr(os, "register_at_fork"):
        return  # Windows has no fork
    weak = weakref.WeakMethod(reset)

    def call() -> None:
        method = weak()
        if method is not None:
            method()

    os.register_at_fork(after_in_child=call)
