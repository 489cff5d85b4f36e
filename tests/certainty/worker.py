"""A worker process: becomes one application after another, and does what it is asked for."""

from __future__ import annotations

import functools
import multiprocessing
import os
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

from sentry_filters.redaction import regex
from sentry_filters.redis import threads
from tests.certainty.application import Application

_LONGEST_END = 15.0


class Worker:
    """One process, as the one that started it sees it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])  # imported once, not by each
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def say(self, what: str, *arguments: object) -> None:
        """Ask for something."""
        self._connection.send((what, arguments))

    def hear(self) -> Any:
        """Return what came of it.

        Raises:
            AssertionError: It failed there; the message is the traceback.
        """
        failed, answer = self._connection.recv()
        assert failed is None, failed
        return answer

    def close(self) -> None:
        """Let the process end."""
        self._connection.close()

    def join(self) -> None:
        """Wait until it has ended."""
        self._process.join(_LONGEST_END)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        self._process.close()


def ask(workers: Sequence[Worker], what: str, *arguments: object) -> list[Any]:
    """Let all do something at the same time; return what came of it."""
    for worker in workers:
        worker.say(what, *arguments)
    return [worker.hear() for worker in workers]


def _serve(connection: Connection) -> None:
    """Serve until the other end is closed."""
    regex._compiled = compiled_once()
    threads._LISTEN_SECONDS = 0.05  # a row's end waits for it
    application: Any = None
    while True:
        try:
            what, arguments = connection.recv()
        except EOFError:
            os._exit(0)
        try:
            if what == "becomes":
                application = Application(*arguments)
                connection.send((None, None))
            else:
                connection.send((None, getattr(application, what)(*arguments)))
        except Exception:
            connection.send((traceback.format_exc(), None))


def compiled_once() -> Callable[..., Any]:
    """Return what compiles a pattern once in each process, in place of once for each guard.

    A row needs up to sixteen guards, and their patterns are most of its time.
    """
    original = regex._compiled

    @functools.cache
    def compiled(pattern: str, captures: bool, _process: int) -> Any:
        return original(pattern, captures=captures)

    return lambda pattern, *, captures: compiled(pattern, captures, os.getpid())
