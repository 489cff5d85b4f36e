"""What is redacted when it is first read: on an exporter's thread as a rule, not on the application's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar, cast

from sentry_filters.forking import after_fork_in_child

_Item = TypeVar("_Item")
_Later = TypeVar("_Later", bound="ReadLater")

Fields = dict[str, Any]
"""The instance attributes of an SDK's record."""

# Readers of different items seldom meet; a lock for each item would be one more object for each.
_LOCKS = 16
# What is redacted may log, and what is logged be read: two readers must not wait for each other for ever.
_PATIENCE = 1.0


class Reader(Generic[_Item]):
    """Redacts items when they are first read, each once. Thread-safe and fork-safe.

    Fails closed: in place of what cannot be redacted stands an item that says nothing but what it is. An
    interrupt (`BaseException`) is raised, and the next one who reads tries again.

    Args:
        redacted: Returns the fields of an item without secrets.
        withheld: Takes what that raised, and returns the fields of an item that says nothing.
    """

    def __init__(
        self, redacted: Callable[[_Item], Fields], withheld: Callable[[_Item, Exception], Fields]
    ) -> None:
        self._redacted = redacted
        self._withheld = withheld
        self._start_afresh()
        after_fork_in_child(self._start_afresh)

    def read(self, unread: Unread[_Item]) -> Fields:
        """Return the fields of an item, redacted now unless it was read before."""
        lock, held = self._locks[hash(unread) % _LOCKS], False
        try:
            # All that is lost without it is that another reader's work is done, and counted, twice.
            held = lock.acquire(timeout=_PATIENCE)
            item, fields = unread.item, unread.fields
            if fields is None:
                fields = unread.fields = self._fields_of(cast("_Item", item))
                unread.item = None
            return fields
        finally:
            if held:
                lock.release()

    def _fields_of(self, item: _Item) -> Fields:
        try:
            return self._redacted(item)
        except Exception as error:  # noqa: BLE001 - fail closed, whatever an item or the redactor raises
            return self._withheld(item, error)

    def _start_afresh(self) -> None:
        # A lock may be held for ever in a child. Re-entrant: a finalizer may read at any moment.
        self._locks = tuple(threading.RLock() for _ in range(_LOCKS))


class Unread(Generic[_Item]):
    """An item until it is read, then its fields without secrets.

    Args:
        item: With its secrets; gone once it is read.
        reader: Reads it.
    """

    __slots__ = ("fields", "item", "reader")

    def __init__(self, item: _Item, reader: Reader[_Item]) -> None:
        self.item: _Item | None = item
        self.fields: Fields | None = None
        self.reader = reader

    def read(self) -> Fields:
        """Return the fields."""
        fields = self.fields
        return self.reader.read(self) if fields is None else fields


class _Readable(Protocol):
    item: Any

    def read(self) -> Fields: ...


class Field:
    """A field that is not there yet. Once it is, the record's own attribute comes before this one.

    Args:
        is_harmless: Says of the field's value whether it can be given without reading the rest.
    """

    def __init__(self, is_harmless: Callable[[Any], bool] | None = None) -> None:
        self._is_harmless = is_harmless

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, record: ReadLater | None, owner: type) -> Any:
        if record is None:
            return self
        if self._is_harmless is not None:
            item = unread_of(record).item
            if item is not None:
                value = getattr(record.part_of(item), self._name)
                if self._is_harmless(value):
                    return value
        return record.__dict__[self._name]


class ReadLater:
    """A record of the SDK's whose fields are filled in when one of them is read, or all of them at once.

    A subclass is one of the SDK's class too; it has a `Field` for each of its instance attributes, and
    `__dict__ = ALL_FIELDS`.
    """

    __slots__ = ("_unread",)

    of_sdk: ClassVar[type]

    @staticmethod
    def part_of(item: Any) -> Any:
        """Return what has the attributes: the item, or a part of it."""
        return item

    def __copy__(self) -> Any:
        copied = later(type(self), unread_of(self))
        _own(copied).update(_own(self))
        return copied

    def __reduce__(self) -> tuple[Any, ...]:
        return _of_sdk, (self.of_sdk, self.__dict__.copy())


def _all_fields(record: ReadLater) -> Fields:
    own = _own(record)
    for name, value in unread_of(record).read().items():
        own.setdefault(name, value)  # what a processor has set stays, also while this goes on
    return own


# Python gives each subclass a `__dict__` of its own unless the class has one already.
ALL_FIELDS: Final[Any] = property(_all_fields)


def _own(record: ReadLater) -> Fields:
    own: Fields = record.of_sdk.__dict__["__dict__"].__get__(record)
    return own


def _of_sdk(kind: Any, fields: Fields) -> Any:
    record = kind.__new__(kind)
    record.__dict__.update(fields)
    return record


# The slot loses its name: neither `vars` and `dir` nor whoever walks over attributes finds what is in it.
_SLOT: Final[Any] = vars(ReadLater)["_unread"]
unread_of: Final[Callable[[ReadLater], _Readable]] = _SLOT.__get__
_set_unread: Final[Callable[[ReadLater, _Readable], None]] = _SLOT.__set__
del ReadLater._unread  # type: ignore[attr-defined]


def later(kind: type[_Later], unread: _Readable) -> _Later:
    """Return a record of a class of ours whose fields are those of `unread`, once they are read."""
    record = kind.__new__(kind)
    _set_unread(record, unread)
    return record
