"""What the plugins have in common: the guard of a test, and what it counted."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from . import COUNTED, USED

if TYPE_CHECKING:
    from sentry_filters import SessionGuard

Change = Callable[[list[Any], dict[str, Any]], None]


class Guarded:
    """Makes guards, and writes into each test's report what its guard counted that it should not have.

    Args:
        one_for_all: Whether all tests share a guard, since what it wraps outlives them.
    """

    def __init__(self, *, one_for_all: bool) -> None:
        self._one_for_all = one_for_all
        self._guard: SessionGuard | None = None
        self._used = False
        self._counts: Counter[str] = Counter()

    @property
    def guard(self) -> SessionGuard:
        """The guard of the test that runs."""
        self._used = True
        # Late: Sentry's own tests say that nobody imports the SDK before them.
        from sentry_filters import Policy, SessionGuard  # noqa: PLC0415

        if self._guard is None:
            self._guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.openhuman.test"}))
        return self._guard

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Begin anew. The guard before is not closed: clients of the suite may still have it."""
        if not self._one_for_all:
            self._guard = None
        self._used = False
        self._counts = self._counted()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """Have the report say what was counted, and that there was a guard to count it."""
        if self._used:
            item.user_properties.append((USED, True))
        for name, count in (self._counted() - self._counts).items():
            item.user_properties.append((name, count))

    def _counted(self) -> Counter[str]:
        counts = Counter[str]()
        if self._guard is not None:
            for name, count in self._guard.counters.snapshot().items():
                if name.partition("/")[0] in COUNTED:
                    counts[name] += count
        return counts


def before_init(cls: type[Any], change: Change) -> None:
    """Let `change` alter the arguments of a class in place."""
    original = cls.__init__

    @functools.wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        given = list(args)
        change(given, kwargs)
        original(self, *given, **kwargs)

    cls.__init__ = init


def after_init(cls: type[Any], use: Callable[[Any], object]) -> None:
    """Call `use` with each new instance of a class."""
    original = cls.__init__

    @functools.wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        use(self)

    cls.__init__ = init


def wrapping(name: str, position: int, wrap: Callable[[Any], Any]) -> Change:
    """Return what wraps the argument of this name and position, where it is given."""

    def change(args: list[Any], kwargs: dict[str, Any]) -> None:
        if len(args) > position:
            args[position] = wrap(args[position])
        elif name in kwargs:
            kwargs[name] = wrap(kwargs[name])

    return change


def adding(name: str, position: int, make: Callable[[], Any]) -> Change:
    """Return what gives the argument of this name and position, where it is not given."""

    def change(args: list[Any], kwargs: dict[str, Any]) -> None:
        if len(args) <= position and kwargs.get(name) is None:
            kwargs[name] = make()

    return change
