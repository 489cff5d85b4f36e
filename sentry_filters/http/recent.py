"""What is found out once for many calls: most of a process's are to one host, with one credential."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Asked = TypeVar("Asked", bound=Hashable)
Value = TypeVar("Value")

_MOST = 256
_SECONDS = 1.0


class Recent(Generic[Asked, Value]):
    """What was found out a moment ago. What was asked is kept as a hash only: it may be a secret.

    Args:
        find: Finds it out.
    """

    def __init__(self, find: Callable[..., Value]) -> None:
        self._find = find
        self._found: dict[int, tuple[float, Value]] = {}

    def of(self, asked: Asked, now: float, *beside: object) -> Value:
        """Return what is found for `asked`.

        Args:
            asked: What `find` takes.
            now: By `time.monotonic`.
            beside: What `find` takes, too, but is not told apart by.

        Raises:
            Exception: What finding it out raises.
        """
        key = hash(asked)
        known = self._found.get(key)
        if known is not None and now - known[0] < _SECONDS:
            return known[1]
        value = self._find(asked, *beside)
        if len(self._found) >= _MOST:
            self._found.clear()
        self._found[key] = (now, value)
        return value
