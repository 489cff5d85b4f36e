"""The quick look: attributes and texts that hold no secret for certain, by what was found clean lately."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from opentelemetry.util.types import AnyValue

from sentry_filters import Redactor

_Value = TypeVar("_Value")

_NUMBERS = frozenset({bool, float, int, type(None)})
_MOST_KEYS = 4096
# Texts joined so are judged by the redactor as each alone.
_BETWEEN = "\0\0"
# Texts that occur again and again, names of models and hosts, are short.
_MOST_TEXTS = 4096
_LONGEST_TEXT = 64


class KnownClean:
    """Says what is certainly clean. Thread-safe without a lock: the worst is that something is judged again.

    Args:
        redactor: Judges what is not known. Everything is forgotten when its `generation` changes: a
            credential that became known may be in what was clean before.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._known_at = -1
        self._keys: set[str] = set()
        self._texts: set[str] = set()

    def are_clean(self, attributes: dict[str, AnyValue], texts: list[str]) -> bool:
        """Say whether neither of the two needs redaction; what is new is judged, and remembered."""
        if not self.have_harmless_keys(attributes):
            return self._are_clean_together(attributes, texts)
        known = self._texts  # before the judgement: what is forgotten meanwhile stays forgotten
        try:
            new = self.unknown(texts, attributes)
            if not new:
                return True
            if not self.are_clean_texts(new):
                return False
        except TypeError:  # bytes, sequences, maps
            return self._are_clean_together(attributes, texts)
        if len(known) >= _MOST_TEXTS:
            known = self._texts = set()
        for value in new:
            if len(value) <= _LONGEST_TEXT:
                known.add(value)
        return True

    def are_clean_texts(self, texts: list[str]) -> bool:
        """Judge texts in one pass; TypeError where one is none."""
        return self._redactor.is_clean_text(_BETWEEN.join(texts))

    def unknown(self, texts: list[str], attributes: dict[str, AnyValue]) -> list[str]:
        """Return what was not found clean lately: of attributes that `have_harmless_keys`.

        TypeError, here or in joining it, where it is not text.
        """
        known = self._texts
        return [
            value  # type: ignore[misc]
            for value in (*texts, *attributes.values())
            if value.__class__ not in _NUMBERS and value not in known
        ]

    def have_harmless_keys(self, attributes: dict[str, AnyValue]) -> bool:
        """Say whether no value of `attributes` can go for its key's sake; keys that are new are judged."""
        generation = self._redactor.generation
        if generation != self._known_at:
            self._keys, self._texts = set(), set()
            self._known_at = generation
        known = self._keys
        if known.issuperset(attributes):
            return True
        harmless = True
        for key in attributes:
            if key in known:
                continue
            if self._redactor.is_harmless_key(key):
                if len(known) >= _MOST_KEYS:
                    known = self._keys = set()
                known.add(key)
            else:
                harmless = False
        return harmless

    def _are_clean_together(self, attributes: dict[str, AnyValue], texts: list[str]) -> bool:
        together = [attributes, texts]
        return self._redactor.redact_value(together) is together


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
