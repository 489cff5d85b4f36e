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


def around_fork(
    before: Callable[[], None], in_parent: Callable[[], None], in_child: Callable[[], None]
) -> None:
    """Call three bound methods of one owner around every fork, for as long as it lives.

    Args:
        before: In the process that forks, before it does; must return soon.
        in_parent: In the same process, afterwards.
        in_child: In the child.
    """
    if not hasattr(os, "register_at_fork"):
        return
    weak = [weakref.WeakMethod(method) for method in (before, in_parent, in_child)]

    def caller(method: weakref.WeakMethod[Callable[[], None]]) -> Callable[[], None]:
        def call() -> None:
            alive = method()
            if alive is not None:
                alive()

        return call

    os.register_at_fork(
        before=caller(weak[0]), after_in_parent=caller(weak[1]), after_in_child=caller(weak[2])
    )
