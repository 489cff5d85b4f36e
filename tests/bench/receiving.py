"""`python -m tests.bench.receiving`: the other end of the end-to-end benchmark, in a process of its own.

It prints where it listens, as a line of JSON, and serves until its input ends.
"""

from __future__ import annotations

import json
import sys
import threading

from tests.bench.words import Words, mark
from tests.support.servers import LocalServer, QuietHandler

_PROSE = 800  # characters of an answer


class Backend(LocalServer):
    """The LLM backend, and the receiver of what is sent to Sentry and by OTLP, which it throws away."""

    def __init__(self) -> None:
        words, lock = Words(11), threading.Lock()
        expired = threading.Event()

        class Handler(QuietHandler):
            def do_POST(self) -> None:
                self.read_body()
                if self.path == "/storm":
                    expired.set()
                elif self.path.endswith("/chat/completions"):
                    if expired.is_set():
                        return self.answer(
                            401, b'{"error":{"code":"session_expired","message":"Invalid token"}}'
                        )
                    with lock:
                        return self.answer(200, _completion(words))
                return self.answer(200, b"{}")

        super().__init__(Handler)


def _completion(words: Words) -> bytes:
    message = {"role": "assistant", "content": words.prose(_PROSE)}
    answer = {
        "id": "chatcmpl-" + words.filler().fill(mark("id", 29)),
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "gpt-4o-mini-2026-01-01",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 812, "completion_tokens": 64, "total_tokens": 876},
    }
    return json.dumps(answer).encode()


def main() -> None:
    """Serve, until the input ends."""
    with Backend() as serving:
        print(json.dumps(serving.address), flush=True)  # noqa: T201 - a command
        sys.stdin.read()


if __name__ == "__main__":
    main()
