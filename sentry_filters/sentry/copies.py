"""Copies and pickles of what holds parts of a guard: the SDK's clients, their options, and scopes.

Without a guard they can be copied and pickled, so they can with one. A copy belongs to the same guard. A
pickle names it, and holds no credential: in the same process, or in one forked from it, the guard is found
again. In another one a guard of the same policies is made: it redacts and recognises, without the handlers,
the ledger and the shared sessions of the first.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Self

from sentry_filters.forking import shared


@dataclass(frozen=True, slots=True)
class _Name:
    """Where a part is found.

    Args:
        guard: The guard's own name, of 32 random hex digits.
        path: The part's attribute, from the guard; empty for the guard itself.
        paths: Those of all parts.
        again: Makes the guard anew, in another process; can be pickled.
    """

    guard: str
    path: str
    paths: tuple[str, ...]
    again: Callable[[], NeverCopied]


class NeverCopied:
    """There is one for each guard: a copy is the object itself, and a pickle leads to it."""

    _name: _Name | None = None
    _guard: object = None

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        if self._name is None:
            raise TypeError(f"cannot pickle {type(self).__name__!r} object; expected one of a SessionGuard")
        return _found, (self._name,)

    def keep(self, guard: object) -> None:
        """Let `guard` live as long as this part of it, where nobody else holds it."""
        self._guard = guard


def name_parts(guard: NeverCopied, *paths: str, again: Callable[[], NeverCopied]) -> None:
    """Give a guard, and its parts at these paths, names by which pickles find them.

    Args:
        guard: Holds the parts; only weak references to them are kept.
        paths: The attributes of the parts, such as `boundary` or `parts.hooks`.
        again: Makes another such guard, in a process that does not have this one; can be pickled.
    """
    own = uuid.uuid4().hex
    for path in ("", *paths):
        part = _part(guard, path)
        part._name = _Name(own, path, paths, again)
        _know(own, path, part)


def _part(guard: NeverCopied, path: str) -> NeverCopied:
    part: NeverCopied = attrgetter(path)(guard) if path else guard
    return part


def _know(guard: str, path: str, part: NeverCopied) -> None:
    shared((guard, path), lambda: part)


def _found(name: _Name) -> NeverCopied:
    def made_again() -> NeverCopied:
        guard = name.again()
        for path in ("", *name.paths):
            part = _part(guard, path)
            if path:
                part.keep(guard)
            _know(name.guard, path, part)
        return _part(guard, name.path)

    return shared((name.guard, name.path), made_again)
