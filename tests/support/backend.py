"""A local LLM backend whose sessions end: chat completions, responses and messages, whole and streamed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support.servers import LocalServer, QuietHandler

INVALID_TOKEN = '{"success":false,"error":"Invalid token"}'


@dataclass
class BackendState:
    """What the backend answers; may be changed while it runs.

    Args:
        valid: Session tokens that are accepted.
        status: Status for others.
        body: Body of that answer.
        delay: Called before each answer, so that tests can hold one back.
    """

    valid: set[str] = field(default_factory=set)
    status: int = 401
    body: str = INVALID_TOKEN
    delay: Callable[[str], object] = str
    calls: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class LLMBackend(LocalServer):
    """Serves `/v1/chat/completions`, `/v1/responses`, `/v1/messages` and `/v1/embeddings`."""

    def __init__(self) -> None:
        self.state = BackendState()
        state = self.state

        class Handler(QuietHandler):
            def do_POST(self) -> None:
                request = json.loads(self.read_body() or b"{}")
                token = (
                    self.headers.get("authorization") or self.headers.get("x-api-key") or ""
                ).removeprefix("Bearer ")
                with state.lock:
                    state.calls += 1
                state.delay(token)
                if token not in state.valid:
                    self.answer(state.status, state.body.encode())
                elif request.get("stream"):
                    self.answer(200, _STREAMED, "text/event-stream")
                else:
                    self.answer(200, _ANSWERS[self.path.partition("?")[0].rpartition("/")[2]])

            do_GET = do_POST

        super().__init__(Handler)

    @property
    def url(self) -> str:
        """Base URL for SDKs."""
        return f"http://{self.address}/v1"


def _chunk(delta: dict[str, str], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


_STREAMED = _chunk({"role": "assistant", "content": "hello"}, None) + _chunk({}, "stop") + b"data: [DONE]\n\n"
_USAGE = {
    "prompt_tokens": 3,
    "completion_tokens": 1,
    "total_tokens": 4,
    "input_tokens": 3,
    "output_tokens": 1,
}
_MESSAGE = {"role": "assistant", "content": "hello"}
_ANSWERS = {
    "completions": json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}],
            "usage": _USAGE,
        }
    ).encode(),
    "responses": json.dumps(
        {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "output": [], "usage": _USAGE}
    ).encode(),
    "messages": json.dumps(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": [{"type": "text", "text": "hello"}],
            "stop_reason": "end_turn",
            "usage": _USAGE,
        }
    ).encode(),
    "embeddings": json.dumps(
        {
            "object": "list",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
            "model": "m",
            "usage": _USAGE,
        }
    ).encode(),
    "models": json.dumps({"object": "list", "data": []}).encode(),
}
