"""Asks what the application gave: functions and coroutine functions, from a thread that may wait for them."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable

from sentry_filters.core.loops import OwnLoop, run_in
from sentry_filters.evidence import token_of

Ask = Callable[[], str | Awaitable[str | None] | None]
"""`refresh` or `load`: returns a credential or an awaitable of one."""


class RefreshRefused(Exception):  # noqa: N818 - a name of the public contract
    """Raised by `refresh`: the session cannot be renewed, a new sign-in is needed."""


class Asking:
    """Asks, in a thread that nobody's event loop runs in. Coroutines run in a loop of their caller's.

    Args:
        longest: Seconds that a coroutine may take; a function cannot be ended.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._own_loop = OwnLoop()
        self._inside = contextvars.ContextVar("sentry_filters_refreshing", default=False)

    @property
    def is_inside(self) -> bool:
        """Whether the caller is `refresh` or `load` itself: it gets what there is."""
        return self._inside.get()

    def enter(self) -> None:
        """Let `is_inside` be true in this thread from now on."""
        self._inside.set(True)

    def of(self, function: Ask, loop: asyncio.AbstractEventLoop | None) -> str | None:
        """Return the credential that `function` gives, without `Bearer `; None where it gives none.

        Args:
            function: What the application gave.
            loop: The event loop of whoever needs it first; a coroutine runs there, else in one of our own.

        Raises:
            TypeError: It is not a text.
            Exception: Whatever `function` raises.
        """
        given: object = function()
        if inspect.isawaitable(given):
            given = self._awaited(given, loop)
        if given is None:
            return None
        if not isinstance(given, str):
            raise TypeError(f"refresh() or load() returned {type(given).__name__}; expected str or None")
        credential = token_of(given)
        if not credential.isprintable() or not credential.isascii():
            raise TypeError("refresh() or load() returned what no header can hold")
        return credential or None

    def _awaited(self, awaitable: Awaitable[str | None], loop: asyncio.AbstractEventLoop | None) -> object:
        given: list[object] = []

        async def wait() -> None:
            self.enter()
            async with asyncio.timeout(self._longest):
                given.append(await awaitable)

        if loop is None or not run_in(loop, wait):
            self._own_loop.run(wait)
        return given[0]
