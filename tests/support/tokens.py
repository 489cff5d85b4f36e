"""A token endpoint, and the application's store of its session: what `refresh` and `load` are made of."""

from __future__ import annotations

import base64
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field

from sentry_filters import RefreshRefused
from tests.support.backend import LLMBackend
from tests.support.secrets import fake
from tests.support.servers import LocalServer, QuietHandler


@dataclass
class TokenState:
    """What the endpoint answers; may be changed while it runs.

    Args:
        status: 200 for a new session, 400 where it is refused, anything else for trouble.
        seconds: Lifetime of the sessions that it gives; None for tokens that say nothing about it.
        delay: Called before each answer.
        calls: How often it was asked.
        current: What it gave last; GET returns it.
    """

    status: int = 200
    seconds: float | None = None
    delay: Callable[[], object] = str
    calls: int = 0
    current: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


class TokenEndpoint(LocalServer):
    """`POST /` begins another session, which `backend` accepts; `GET /` returns the current one."""

    def __init__(self, backend: LLMBackend) -> None:
        self.state = TokenState()
        state = self.state

        class Handler(QuietHandler):
            def do_GET(self) -> None:
                self.answer(200, state.current.encode())

            def do_POST(self) -> None:
                self.read_body()
                with state.lock:
                    state.calls += 1
                    number = state.calls
                state.delay()
                if state.status != 200:
                    self.answer(state.status)
                    return
                made = jwt(state.seconds, seed=str(number))
                backend.state.valid.add(made)
                state.current = made
                self.answer(200, made.encode())

        super().__init__(Handler)

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://{self.address}/"

    def refresh(self) -> str:
        """Ask for a new session, as an application does."""
        return refresh_at(self.url)

    async def refresh_async(self) -> str:
        """As `refresh`."""
        return self.refresh()

    def load(self) -> str | None:
        """Return the current session."""
        return load_at(self.url)


def refresh_at(url: str) -> str:
    """Ask the endpoint for a new session."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, b"{}"), timeout=20.0) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 400:
            raise RefreshRefused("invalid_grant") from None
        raise


def load_at(url: str) -> str | None:
    """Ask the endpoint for the current session."""
    with urllib.request.urlopen(url, timeout=20.0) as answer:
        return str(answer.read().decode()) or None


def jwt(seconds: float | None, *, seed: str = "canary") -> str:
    """Return a token that ends in so many seconds; one that says nothing about it for None."""
    claims = {"sub": "user"} if seconds is None else {"sub": "user", "exp": time.time() + seconds}
    parts = (json.dumps({"alg": "HS256"}), json.dumps(claims))
    head = ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)
    return f"{head}.{fake('', 43, seed=seed)}"
