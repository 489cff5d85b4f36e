"""What is redacted when it is first read: on an exporter's thread as a rule, not on the application's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

from sentry_filters.forking import after_fork_in_child

from .contents import Cleaned

_Item = TypeVar("_Item")

Fields = dict[str, Any]
"""The instance attributes of an SDK's record."""

# Readers of different items seldom meet; a lock for each item would be one more object for each.
_LOCKS = 16
# What is redacted may log, and what is logged be read: two readers must not wait for each other for ever.
_PATIENCE = 1.0
_MOST_TOGETHER = 64


class Reader(Generic[_Item]):
    """Redacts items when they are first read, each once. Thread-safe and fork-safe.

    Items that came one after the other are redacted together: each search hands the interpreter over to the
    application's threads, and an exporter that has to wait for it at each item falls behind.

    Fails closed: in place of what cannot be redacted stands an item that says nothing but what it is. An
    interrupt (`BaseException`) is raised, and the next one who reads tries again.

    Args:
        look: Returns what `read` needs of each item.
        read: Returns the fields of an item without secrets, and counts them.
        withheld: Takes what either of them raised, and returns the fields of an item that says nothing.
        generation: What was found is looked for again when this has changed (`Redactor.generation`).
    """

    def __init__(
        self,
        *,
        look: Callable[[Sequence[_Item]], Sequence[Cleaned]],
        read: Callable[[_Item, Cleaned], Fields],
        withheld: Callable[[_Item, Exception], Fields],
        generation: Callable[[], int],
    ) -> None:
        self._look = look
        self._read = read
        self._withheld = withheld
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
            return self._read(item, self._cleaned(item, row))
        except Exception as error:  # noqa: BLE001 - fail closed, whatever an item or the redactor raises
            return self._withheld(item, error)

    def _cleaned(self, item: _Item, row: Row[_Item]) -> Cleaned:
        """Return what became of an item, by a look at what came with it and is unread."""
        generation = self._generation()
        # What comes while this goes on is looked at later, or alone.
        items, row.items = row.items, []
        if len(items) > 1:
            if self._row is row:
                self._row = Row()
            self._look_at(items, row, generation)
        known = row.cleaned.pop(id(item), None)
        if known is not None and known[0] is item and known[1] == generation:
            return known[2]
        return self._look((item,))[0]

    def _look_at(self, items: list[_Item], row: Row[_Item], generation: int) -> None:
        try:
            looked_at = self._look(items)
        except Exception:  # noqa: BLE001 - whatever it is, each item is looked at by itself then
            return
        for item, cleaned in zip(items, looked_at, strict=True):
            row.cleaned[id(item)] = (item, generation, cleaned)

    def _start_afresh(self) -> None:
        # A lock may be held for ever in a child. Re-entrant: a finalizer may read at any moment.
        self._locks = tuple(threading.RLock() for _ in range(_LOCKS))
        self._row = Row()


class Row(Generic[_Item]):
    """Items that came one after the other."""

    __slots__ = ("cleaned", "items")

    def __init__(self) -> None:
        # Those that nobody has looked at yet.
        self.items: list[_Item] = []
        # What became of those that are not read yet, by their id; and in which generation.
        self.cleaned: dict[int, tuple[_Item, int, Cleaned]] = {}


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
