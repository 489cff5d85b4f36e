"""A small application with a guard, Sentry and a ledger, which has a defect or is its healthy twin."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
import sentry_sdk

from sentry_filters import Ledger, Policy, SessionExpired, SessionExpiredError, SessionGuard
from sentry_filters.audit import load_queries, reading
from sentry_filters.core import clocks, misuse, sessions
from tests.support.backend import INVALID_TOKEN, LLMBackend
from tests.support.receiver import SentryReceiver
from tests.support.secrets import fake
from tests.support.sentry import initialised

PROVIDER = "OpenHuman"
_INVARIANTS = [query for query in load_queries() if query.holds is not None]


@dataclass
class Clock:
    """The clocks, as the guard reads them.

    Args:
        ahead: Seconds that they are ahead of the machine's.
    """

    ahead: float = 0.0

    def time(self) -> float:
        """Return seconds since the epoch."""
        return time.time() + self.ahead

    def monotonic(self) -> float:
        """Return seconds of the steady clock."""
        return time.monotonic() + self.ahead


@dataclass(frozen=True)
class Seen:
    """How an application's defect shows.

    Args:
        red: The invariants of the audit that do not hold; of `violations` with the name of each.
        shown: Under which reason or tag Sentry got how many error events.
    """

    red: frozenset[str] = frozenset()
    shown: Counter[str] = field(default_factory=Counter)


class Application:
    """What the applications of the table are made of.

    Args:
        folder: Where the ledger is.
        backend: The hosted backend.
        is_healthy: Whether it is the twin without the defect.
    """

    def __init__(self, folder: Path, backend: LLMBackend, *, is_healthy: bool) -> None:
        self.is_healthy = is_healthy
        self.reported = threading.Event()
        self.backend = backend
        backend.state.valid = set()
        backend.state.body = INVALID_TOKEN
        self._clock = Clock()
        self._credentials = 0
        self._ledger = folder / "ledger.db"
        self._guards: list[SessionGuard] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        patched = self._stack.enter_context(pytest.MonkeyPatch.context())
        for module in (clocks, misuse, sessions):
            patched.setattr(module, "time", self._clock)
        self._receiver = self._stack.enter_context(SentryReceiver())
        self.client = self._stack.enter_context(httpx.Client(trust_env=False))
        return self

    def __exit__(self, *_raised: object) -> None:
        for guard in self._guards:
            guard.close()
        self._stack.close()

    # Its parts

    def guarded(
        self,
        handler: Callable[[SessionExpired], object] | None = None,
        *,
        instrumented: bool = True,
        **policy: Any,
    ) -> SessionGuard:
        """Return the guard that Sentry and the client are set up with."""
        guard = self.another_guard(handler, **policy)
        if instrumented:
            guard.instrument(self.client)
        options = guard.sentry_options(dsn=self._receiver.dsn, auto_enabling_integrations=False)
        self._stack.enter_context(initialised(**options))
        return guard

    def another_guard(
        self, handler: Callable[[SessionExpired], object] | None = None, **policy: Any
    ) -> SessionGuard:
        """Return a guard that nothing else knows of."""
        policy.setdefault("hosts", {self.backend.address})
        guard = SessionGuard(Policy(provider=PROVIDER, **policy), handler, audit=Ledger(self._ledger))
        self._guards.append(guard)
        return guard

    def credential(self, *, is_accepted: bool) -> str:
        """Return one that was not used before."""
        self._credentials += 1
        made = fake("eyJ", 40, seed=f"defects {self._credentials}")
        if is_accepted:
            self.backend.state.valid.add(made)
        return made

    # What it does

    def calls(self, key: str, *, path: str = "/chat/completions", **more: Any) -> bool:
        """Call the backend; report a failure as applications do, and return whether there was none.

        The handlers have done their work when it returns.
        """
        try:
            headers = {"authorization": f"Bearer {key}"} if key else {}
            self.client.post(f"{self.backend.url}{path}", json={}, headers=headers, **more).raise_for_status()
        except (httpx.HTTPStatusError, SessionExpiredError) as error:
            sentry_sdk.capture_exception(error)
            self.reported.set()
            return False
        finally:
            self.settles()
        return True

    def settles(self) -> None:
        """Let the handlers do their work."""
        for guard in self._guards:
            assert guard.bus.flush(10)

    def passes(self, seconds: float) -> None:
        """Let time pass."""
        self._clock.ahead += seconds

    @contextmanager
    def child(self) -> Iterator[bool]:
        """Fork: the block runs in both, with True in the child, which ends with it; the parent waits."""
        self.settles()
        sentry_sdk.flush(5)
        child = os.fork()
        if child:
            yield False
            os.waitpid(child, 0)
            return
        try:
            yield True
            sentry_sdk.flush(5)
            for guard in self._guards:
                guard.close(5)
        finally:
            os._exit(0)

    # How it shows

    def seen(self) -> Seen:
        """End it; return what its audit and Sentry have to say."""
        self.settles()
        sentry_sdk.flush(5)
        for guard in self._guards:
            guard.close(5)
        with reading(self._ledger) as ledger:
            answers = [ledger.ask(query) for query in _INVARIANTS]
            kept = [one for one in ledger.decisions() if one.verdict == "keep"]
        red = {
            name for answer in answers if not answer.holds for name in _names(answer.query.name, answer.rows)
        }
        shown = Counter(one.reason for one in kept if one.signal in ("event", "report"))
        assert shown.total() == len(self._receiver.events), "each event that Sentry got is accounted for"
        return Seen(frozenset(red), shown)


def _names(query: str, rows: Any) -> list[str]:
    return [f"{query}: {row[0]}" for row in rows] if query == "violations" else [query]
