"""What is redacted when it is first read: on an exporter's thread as a rule, not on the application's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, cast

from sentry_filters.forking import after_fork_in_child

_Item = TypeVar("_Item")

Fields = dict[str, Any]
"""The instance attributes of an SDK's record."""

# Readers of different items seldom meet; a lock for each item would be one more object for each.
_LOCKS = 16
# What is redacted may log, and what is logged be read: two readers must not wait for each other for ever.
_PATIENCE = 1.0
_MOST_TOGETHER = 64
_FEW = 8


class Reader(Generic[_Item]):
    """Redacts items when they are first read, each once. Thread-safe and fork-safe.

    Items that came one after the other are looked at together: each search hands the interpreter over to the
    application's threads, and an exporter that has to wait for it at each item falls behind.

    Fails closed: in place of what cannot be redacted stands an item that says nothing but what it is. An
    interrupt (`BaseException`) is raised, and the next one who reads tries again.

    Args:
        redacted: Returns the fields of an item without secrets.
        clean: As `redacted`, of an item that was found clean.
        withheld: Takes what that raised, and returns the fields of an item that says nothing.
        are_clean: Says whether items certainly hold no secrets.
        generation: What was found clean is not when this has changed (`Redactor.generation`).
    """

    def __init__(
        self,
        *,
        redacted: Callable[[_Item], Fields],
        clean: Callable[[_Item], Fields],
        withheld: Callable[[_Item, Exception], Fields],
        are_clean: Callable[[Sequence[_Item]], bool],
        generation: Callable[[], int],
    ) -> None:
        self._redacted = redacted
        self._clean = clean
        self._withheld = withheld
        self._are_clean = are_clean
        self._generation = generation
        self._row: Row[_Item] = Row()
        self._start_afresh()
        after_fork_in_child(self._start_afresh)

    def unread(self, item: _Item) -> Unread[_Item]:
        """Return an item that this reader will read."""
        row = self._row
        row.items.append(item)
        if len(row.items) >= _MOST_TOGETHER:
            self._row = Row()
        return Unread(item, row, self)

    def read(self, unread: Unread[_Item]) -> Fields:
        """Return the fields of an item, redacted now unless it was read before."""
        lock, held = self._locks[hash(unread) % _LOCKS], False
        try:
            # All that is lost without it is that another reader's work is done, and counted, twice.
            held = lock.acquire(timeout=_PATIENCE)
            item, fields = unread.item, unread.fields
            if fields is None:
                fields = unread.fields = self._fields_of(cast("_Item", item), unread.row)
                unread.item = None
            return fields
        finally:
            if held:
                lock.release()

    def _fields_of(self, item: _Item, row: Row[_Item]) -> Fields:
        try:
            return self._clean(item) if self._is_clean(item, row) else self._redacted(item)
        except Exception as error:  # noqa: BLE001 - fail closed, whatever an item or the redactor raises
            return self._withheld(item, error)

    def _is_clean(self, item: _Item, row: Row[_Item]) -> bool:
        """Say whether an item is known to be clean, by a look at what came with it and is unread."""
        generation = self._generation()
        # What comes while this goes on is looked at later, or alone.
        items, row.items = row.items, []
        if len(items) > 1:
            if self._row is row:
                self._row = Row()
            row.clean.update((id(one), (one, generation)) for one in self._clean_among(items))
        return row.clean.pop(id(item), None) == (item, generation)

    def _clean_among(self, items: list[_Item]) -> Iterator[_Item]:
        if self._are_certainly_clean(items):
            yield from items
        elif len(items) > _FEW:
            step = -(-len(items) // _FEW)
            for at in range(0, len(items), step):
                yield from self._clean_among(items[at : at + step])

    def _are_certainly_clean(self, items: list[_Item]) -> bool:
        try:
            return self._are_clean(items)
        except Exception:  # noqa: BLE001 - whatever it is, each item is looked at by itself then
            return False

    def _start_afresh(self) -> None:
        # A lock may be held for ever in a child. Re-entrant: a finalizer may read at any moment.
        self._locks = tuple(threading.RLock() for _ in range(_LOCKS))
        self._row = Row()


class Row(Generic[_Item]):
    """Items that came one after the other."""

    __slots__ = ("clean", "items")

    def __init__(self) -> None:
        # Those that nobody has looked at yet.
        self.items: list[_Item] = []
        # Those that were found clean and are not read yet, by their id; and in which generation that was.
        self.clean: dict[int, tuple[_Item, int]] = {}


class Unread(Generic[_Item]):
    """An item until it is read, then its fields without secrets.

    Args:
        item: With its secrets; gone once it is read.
        row: What came before and after it.
        reader: Reads it.
    """

    __slots__ = ("fields", "item", "reader", "row")

    def __init__(self, item: _Item, row: Row[_Item], reader: Reader[_Item]) -> None:
        self.item: _Item | None = item
        self.fields: Fields | None = None
        self.row = row
        self.reader = reader

    def read(self) -> Fields:
        """Return the fields."""
        fields = self.fields
        return self.reader.read(self) if fields is None else fields
