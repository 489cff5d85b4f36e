"""One renewal on its way, which any number of threads and tasks wait for, and what comes of it."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future
from contextlib import suppress
from typing import Literal, Protocol

from sentry_filters.core.session import SessionExpiredError
from sentry_filters.evidence import Response

Outcome = Literal["renewed", "refused", "unavailable"]


class Effects(Protocol):
    """What a renewal means for the sessions. Nothing of it raises."""

    def fingerprint(self, credential: str) -> str:
        """Return the credential's short name; from now on no export has the credential in it."""

    def renewed(self, credential: str, replaces: str | None) -> None:
        """Record that the session has this credential now."""

    def refused(self, session: str | None, facts: Response | None) -> None:
        """Close the gate, then publish, unless that was done: a new sign-in is needed."""

    def refusal(self, session: str | None) -> SessionExpiredError:
        """Return what refuses a call that is not to be sent."""

    def is_dead(self, session: str | None) -> bool:
        """Say whether the gate is closed for this session."""

    def renewing(self, session: str | None, *, pending: bool) -> None:
        """Record that a renewal is under way, or could not be asked for; or else that it was answered."""

    def asked(self, outcome: Outcome) -> None:
        """Count what `refresh` answered."""


class Flight:
    """One renewal on its way.

    Args:
        until: When those who wait for it give up, by `time.monotonic`.
        loop: The event loop in which coroutines of it run; None for one of its own.
        asks: Whether it is to end with a new credential, and not only to look for one.
        urgent: Whether calls have to wait for it; not where the credential is valid for a while.
    """

    def __init__(
        self, until: float, loop: asyncio.AbstractEventLoop | None, *, asks: bool, urgent: bool
    ) -> None:
        self.until = until
        self.loop = loop
        self.asks = asks
        self.urgent = urgent
        self._ended: Future[None] = Future()
        self._ended.set_running_or_notify_cancel()  # nobody who waits can cancel it

    @property
    def left(self) -> float:
        """Seconds that are left of the time to wait."""
        return max(0.0, self.until - time.monotonic())

    def end(self) -> None:
        """Let all who wait continue."""
        self._ended.set_result(None)

    def wait(self) -> None:
        """Block until it has ended, or the time to wait is over."""
        with suppress(TimeoutError):
            self._ended.result(self.left)

    async def wait_async(self) -> None:
        """As `wait`, without blocking the event loop; may be cancelled."""
        if self._ended.done():
            return
        waiting = asyncio.wrap_future(self._ended)
        try:
            await asyncio.wait({waiting}, timeout=self.left)
        finally:
            waiting.cancel()  # its loop may be closed when the flight ends
