"""An attribute of one object, replaced for the time of a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["swapped"]


@contextmanager
def swapped(holder: object, name: str, value: object) -> Iterator[None]:
    """Let `holder.name` be `value` in the block; afterwards it is as before, whatever the block raises.

    Raises:
        TypeError: The object has no attributes of its own.
    """
    own = vars(holder)
    had, old = name in own, own.get(name)
    setattr(holder, name, value)
    try:
        yield
    finally:
        if had:
            setattr(holder, name, old)
        else:
            delattr(holder, name)
