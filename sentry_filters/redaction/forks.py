"""Forks, as this room needs them: it stands alone, so it does not lean on the core's."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable

__all__ = ["in_forked_children"]


def in_forked_children(start_afresh: Callable[[], None]) -> None:
    """Call a bound method in every forked child for as long as its owner lives."""
    if not hasattr(os, "register_at_fork"):
        return  # Windows has no fork
    weak = weakref.WeakMethod(start_afresh)

    def call() -> None:
        method = weak()
        if method is not None:
            method()

    os.register_at_fork(after_in_child=call)
