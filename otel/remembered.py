"""Results remembered by the identity of what they were made from: for resources and scopes, which are few."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class Remembered(Generic[_Value]):
    """Remembers what `make` returned for an object, by identity. Thread-safe without a lock.

    Everything is forgotten after a second: a credential that became known in the meantime has to be found in
    what was clean before.

    Args:
        make: Makes the result; what it raises is raised, and not remembered.
        size: How many results are remembered at most.
        seconds: For how long.
    """

    def __init__(self, make: Callable[[_Value], _Value], size: int = 256, seconds: float = 1.0) -> None:
        self._make = make
        self._size = size
        self._seconds = seconds
        self._until = 0.0
        # The object is kept beside its result, so that its id is nobody else's.
        self._results: dict[int, tuple[_Value, _Value]] = {}

    def __call__(self, value: _Value) -> _Value:
        """Return the result for `value`."""
        now = time.monotonic()
        if now >= self._until or len(self._results) >= self._size:
            self._results = {}  # a new one: another thread may be reading the old
            self._until = now + self._seconds
        results = self._results
        known = results.get(id(value))
        if known is None:
            known = results[id(value)] = (value, self._make(value))
        return known[1]
