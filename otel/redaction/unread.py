"""The SDK's records with fields that are filled in when they are first read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final, Protocol, TypeVar

from .reader import Fields

_Later = TypeVar("_Later", bound="ReadLater")


class Readable(Protocol):
    """What fills a record's fields in; see `Unread`."""

    item: Any

    def read(self) -> Fields:
        """Return the fields."""


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


def always(_value: object) -> bool:
    """Say of a field that whatever it holds can be given without reading the rest: ids, times, numbers."""
    return True


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
unread_of: Final[Callable[[ReadLater], Readable]] = _SLOT.__get__
_set_unread: Final[Callable[[ReadLater, Readable], None]] = _SLOT.__set__
del ReadLater._unread  # type: ignore[attr-defined]


def later(kind: type[_Later], unread: Readable) -> _Later:
    """Return a record of a class of ours whose fields are those of `unread`, once they are read."""
    record = kind.__new__(kind)
    _set_unread(record, unread)
    return record
