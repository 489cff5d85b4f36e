"""`SessionGuard.instrument`: one client, or all of them, for as long as asked."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from types import ModuleType
from typing import Any, Final, TypeVar

from sentry_filters.forking import after_fork_in_child
from sentry_filters.http.calls import Calls
from sentry_filters.http.links import own_attribute
from sentry_filters.http.seams import Imports, Library, Seam, Watched

Client = TypeVar("Client")

EVERYBODY: Final = object()
"""In place of a client: all of them."""

_log = logging.getLogger("sentry_filters")
_DEEPEST = 4
# Where SDKs keep their HTTP client, and where those keep what is nearer the wire.
_HOLDERS = (
    "_client", "client", "http_client", "_http_client", "httpx_client", "_httpx_client", "async_client",
    "session", "_session", "http_session", "_endpoint", "_manager", "_client_wrapper", "root_client",
    "root_async_client", "sdk_configuration", "_api_client", "_async_httpx_client",
)  # fmt: skip


class Clients:
    """The clients of one guard: which of them are instrumented. Thread-safe.

    Args:
        calls: Told of their calls.
        libraries: What is known of each HTTP library.
    """

    def __init__(self, calls: Calls, libraries: Sequence[type[Library]]) -> None:
        self._calls = calls
        self._watched = Watched()
        self._libraries = tuple(library(calls, self._watched) for library in libraries)
        self._seams: list[Seam] = []
        self._imports: list[Imports] = []
        self._renew_lock()
        after_fork_in_child(self._renew_lock)

    def instrument(self, client: Any = EVERYBODY) -> Any:
        """Record the calls of `client`, or of the HTTP clients that it holds; without one, everybody's.

        Everybody's are those of clients made before and after, and of libraries that are imported later.

        Returns:
            `client`; None without one.

        Raises:
            TypeError: It holds none.
        """
        found = [] if client is EVERYBODY else list(self._found(client))
        if client is not EVERYBODY and not found:
            raise TypeError(
                f"instrument: invalid client {type(client).__name__}; expected "
                f"{', '.join(library.accepts for library in self._libraries)}, or what holds one as the "
                "openai and anthropic SDKs do; else give it an instrumented client, such as "
                "http_client=guard.instrument(httpx.Client()), or record all calls by guard.instrument()"
            )
        with self._lock:
            if not all(library.has_hooks for library, _ in found) or client is EVERYBODY:
                self._put_seams()
            for library, one in found:
                library.watch(one)
            self._watched.everybody |= client is EVERYBODY
        return None if client is EVERYBODY else client

    def uninstrument(self) -> None:
        """Undo all of it: every client and library is as it was."""
        with self._lock:
            self._watched.none()
            for waiting in self._imports:
                waiting.stop()
            for seam in reversed(self._seams):
                seam.undo()
            for library in self._libraries:
                library.release()
            self._imports.clear()
            self._seams.clear()

    def _put_seams(self) -> None:
        if not self._imports:
            self._imports = [
                Imports(library.modules, partial(self._wrap, library)) for library in self._libraries
            ]

    def _wrap(self, library: Library, module: ModuleType) -> None:
        """Wrap a library's methods; one that a release of it lacks is told once, and left alone."""
        try:
            for owner, name, around in library.seams(module):
                self._seams.append(Seam(owner, name, around))
        except AttributeError as error:
            _log.warning("sentry-filters: calls of %s cannot be recorded (%s)", module.__name__, error)

    def _found(self, client: object) -> Iterator[tuple[Library, object]]:
        """Yield the HTTP clients that an object is or holds, with their libraries."""
        pending, seen = [(client, 0)], {id(client)}
        while pending:
            one, depth = pending.pop()
            library = next((library for library in self._libraries if library.takes(one)), None)
            if library is not None:
                yield library, one
            elif depth < _DEEPEST:
                for name in _HOLDERS:
                    held = own_attribute(one, name)
                    if held is not None and id(held) not in seen:
                        seen.add(id(held))
                        pending.append((held, depth + 1))

    def _renew_lock(self) -> None:
        self._lock = threading.RLock()
