"""A local LLM backend whose session has ended: it answers 401 until the next sign-in."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field

from sentry_filters.demo.servers import LocalServer, QuietHandler

_ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "good morning"},
                "finish_reason": "stop",
            }
        ],
    }
).encode()


@dataclass
class BackendState:
    """What the backend answers; may be changed while it runs.

    Args:
        body: The body of what it refuses.
        status: The status of that answer.
        valid: Session tokens that are accepted.
        calls: How many requests there were.
    """

    body: str
    status: int = 401
    valid: set[str] = field(default_factory=set)
    calls: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class LLMBackend(LocalServer):
    """Serves `/v1/chat/completions` on 127.0.0.1.

    Args:
        body: The body of what it refuses.
    """

    def __init__(self, body: str) -> None:
        self.state = BackendState(body)
        state = self.state

        class Handler(QuietHandler):
            def do_POST(self) -> None:  # noqa: N802 - the standard library's name
                self.read_body()
                token = (self.headers.get("authorization") or "").removeprefix("Bearer ")
                with state.lock:
                    state.calls += 1
                if token in state.valid:
                    self.answer(200, _ANSWER)
                else:
                    self.answer(state.status, state.body.encode())

        super().__init__(Handler)

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"http://{self.address}/v1"
