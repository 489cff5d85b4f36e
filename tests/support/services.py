"""Servers that a test needs: what happens without one, and starting one for the duration of a block."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

import httpx
import pytest

_POLL_SECONDS = 0.05
_END_SECONDS = 10.0
_TAIL_LINES = 40


def require(condition: object, sentence: str) -> None:
    """Continue if `condition` holds; otherwise skip the test with `sentence`, or fail it in CI."""
    if not condition:
        unavailable(sentence)


def unavailable(sentence: str) -> NoReturn:
    """Skip the test with `sentence`; in CI (`CI=true`) fail it, since everything must be tested there."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def free_port() -> int:
    """Return a TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> Callable[[], bool]:
    """Return a condition for `Process`: whether a GET of `url` is answered with success."""

    def is_ready() -> bool:
        try:
            return httpx.get(url, timeout=2.0, trust_env=False).is_success
        except httpx.TransportError:
            return False

    return is_ready


class ServiceError(Exception):
    """A server did not start; the message ends with the tail of its log."""


class Process:
    """Runs a server for the duration of a `with` block, from the moment it is ready.

    Args:
        command: The program and its arguments.
        ready: Polled until it holds.
        log: Where the server's output is written.
        environ: Its whole environment.
        folder: Its working directory.
        deadline: Seconds that it may take to become ready.

    Raises:
        ServiceError: On entry, if it ends or the deadline passes before it is ready.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        ready: Callable[[], bool],
        log: Path,
        environ: Mapping[str, str],
        folder: Path,
        deadline: float = 60.0,
    ) -> None:
        self._command = list(command)
        self._ready = ready
        self._log = log
        self._environ = dict(environ)
        self._folder = folder
        self._deadline = deadline

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environ,
                cwd=self._folder,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    def log_tail(self) -> str:
        """Return the last lines that the server printed."""
        lines = self._log.read_text("utf-8", "replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])

    def _wait_until_ready(self) -> None:
        latest = time.monotonic() + self._deadline
        while not self._ready():
            if self._has_ended_within(_POLL_SECONDS):
                raise self._error(f"ended with status {self._process.returncode} before it was ready")
            if time.monotonic() > latest:
                raise self._error(f"was not ready within {self._deadline:g} s")

    def _has_ended_within(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _error(self, what: str) -> ServiceError:
        return ServiceError(f"{Path(self._command[0]).name} {what}; its log ends with:\n{self.log_tail()}")

    def _end(self) -> None:
        self._process.terminate()
        if not self._has_ended_within(_END_SECONDS):
            self._process.kill()
            self._process.wait()
