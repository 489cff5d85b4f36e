"""The quick look: attributes and texts that hold no secret for certain, by what was found clean lately."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from opentelemetry.util.types import AnyValue

from sentry_filters import Redactor

_Value = TypeVar("_Value")

_NUMBERS = frozenset({bool, float, int, type(None)})
_MOST_KEYS = 4096
# What occurs again and again, names of models and hosts, is short.
_MOST_VALUES = 4096
_LONGEST_TEXT = 64
_MOST_PARTS = 4


@dataclass(slots=True)
class Look:
    """What there is to look at of an item.

    Args:
        attributes: Its own, those of its events and links, and trace states.
        values: All else.
    """

    attributes: list[Mapping[str, AnyValue]]
    values: list[AnyValue]


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
        self._values: set[object] = set()

    def which_are_clean(self, looks: Sequence[Look]) -> list[bool]:
        """Say of each whether it is certainly clean; what is new is judged in one go, and remembered.

        Where anything among them needs a closer look, all do whose texts had to be judged with it.
        """
        known = self._values_of_now()  # before the judgement: what is forgotten meanwhile stays forgotten
        harmless = [all(map(self._have_harmless_keys, look.attributes)) for look in looks]
        texts: list[str] = []
        others: list[AnyValue] = []
        for look in itertools.compress(looks, harmless):
            self._add_new(look, known, texts, others)
        if others and self._redactor.redact_value(others) is not others:
            return [False] * len(looks)
        if texts and not self._redactor.are_clean_texts(texts):
            return [False] * len(looks)
        if texts or others:
            self._remember(known, [*texts, *others])
        return harmless

    def _values_of_now(self) -> set[object]:
        generation = self._redactor.generation
        if generation != self._known_at:
            self._keys, self._values = set(), set()
            self._known_at = generation
        return self._values

    def _add_new(self, look: Look, known: set[object], texts: list[str], others: list[AnyValue]) -> None:
        """Add what was not found clean lately: texts, and values that are neither texts nor numbers."""
        for values in (look.values, *[one.values() for one in look.attributes]):
            for value in values:
                if value.__class__ is str:
                    if value not in known:
                        texts.append(value)
                elif value.__class__ not in _NUMBERS and not (_is_short(value) and value in known):
                    others.append(value)

    def _remember(self, known: set[object], values: Iterable[AnyValue]) -> None:
        if len(known) >= _MOST_VALUES:
            known = self._values = set()
        for value in values:
            if (value.__class__ is str and len(value) <= _LONGEST_TEXT) or _is_short(value):
                known.add(value)

    def _have_harmless_keys(self, attributes: Mapping[str, AnyValue]) -> bool:
        """Say whether no value can go for its key's sake; keys that are new are judged."""
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


def _is_short(value: object) -> bool:
    """Say whether a value is a sequence of few short texts, as why a model finished is."""
    return (
        value.__class__ is tuple
        and len(value) <= _MOST_PARTS
        and all(part.__class__ is str and len(part) <= _LONGEST_TEXT for part in value)
    )


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
