"""Results remembered by the identity of what they were made from: for resources and scopes, which are few."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class Remembered(Generic[_Value]):
    """Remembers what `make` returned for an object, by identity. Thread-safe without a lock.

    Args:
        make: Makes the result; what it raises is raised, and not remembered.
        generation: Everything is forgotten when this changes (`Redactor.generation`): a credential that
            became known has to be found in what was clean before.
        size: How many results are remembered at most.
    """

    def __init__(
        self, make: Callable[[_Value], _Value], generation: Callable[[], int], size: int = 256
    ) -> None:
        self._make = make
        self._generation = generation
        self._size = size
        self._known_at = -1
        # The object is kept beside its result, so that its id is nobody else's.
        self._results: dict[int, tuple[_Value, _Value]] = {}

    def __call__(self, value: _Value) -> _Value:
        """Return the result for `value`."""
        generation = self._generation()
        if generation != self._known_at or len(self._results) >= self._size:
            self._results = {}  # a new one: another thread may be reading the old
            self._known_at = generation
        results = self._results
        known = results.get(id(value))
        if known is None:
            known = results[id(value)] = (value, self._make(value))
        return known[1]
