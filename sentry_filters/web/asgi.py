"""Starlette, FastAPI and any other ASGI application: a middleware, and an exception handler."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from sentry_filters.core import SessionExpiredError
from sentry_filters.web.answer import RETRY_AFTER, Refused, refusal_in, refused

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application; each of Starlette's responses is one."""
Answer: TypeAlias = Callable[[Scope, SessionExpiredError], Application | Awaitable[Application]]
"""Makes the application's own answer from a request's scope and the refusal; may be a coroutine function."""


class Connection(Protocol):
    """Starlette's `Request`, as far as it is needed."""

    @property
    def scope(self) -> Scope:
        """The scope of the request."""


class RefusalMiddleware:
    """Answers a request that ended with the gate's refusal: 503 with `Retry-After`, or `answer`.

    Add it with `app.add_middleware(RefusalMiddleware)`, or wrap any ASGI application in it. Messages are
    passed on at once, so streams stay streams. Any other exception propagates unchanged; so does a refusal
    after the response has begun, or outside HTTP, such as in a WebSocket.

    Args:
        app: The application.
        retry_after: Seconds of `Retry-After`; None leaves the header out.
        answer: Makes the answer instead; its exceptions propagate.

    Raises:
        ValueError: `retry_after` is neither None nor a whole number, 0 or more.
    """

    def __init__(
        self, app: Application, *, retry_after: int | None = RETRY_AFTER, answer: Answer | None = None
    ) -> None:
        self._app = app
        self._answers = _Answers(refused(retry_after), answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application; answer in its place where it was refused."""
        begun = False

        async def watching(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watching)
        except Exception as error:  # any but a refusal is raised again
            refusal = None if begun or scope["type"] != "http" else refusal_in(error)
            if refusal is None:
                raise
        else:
            return
        response = await self._answers.to(scope, refusal)
        await response(scope, receive, send)


def refusal_handler(
    *, retry_after: int | None = RETRY_AFTER, answer: Answer | None = None
) -> Callable[[Connection, Exception], Awaitable[Any]]:
    """Return what Starlette's `app.add_exception_handler` takes for `SessionExpiredError`.

    If a stream is refused after it has begun, Starlette raises a `RuntimeError` of its own, which is
    reported; and a group of refusals is not handled. Prefer `RefusalMiddleware`.

    Args:
        retry_after: As for `RefusalMiddleware`.
        answer: As for `RefusalMiddleware`.

    Raises:
        ValueError: As for `RefusalMiddleware`.
    """
    answers = _Answers(refused(retry_after), answer)

    async def handle(request: Connection, error: Exception) -> Application:
        refusal = refusal_in(error)
        if refusal is None:
            raise error
        return await answers.to(request.scope, refusal)

    return handle


@dataclass(frozen=True, slots=True)
class _Answers:
    standard: Refused
    own: Answer | None

    async def to(self, scope: Scope, refusal: SessionExpiredError) -> Application:
        if self.own is None:
            return self._send_standard
        answer = self.own(scope, refusal)
        return await answer if inspect.isawaitable(answer) else answer

    async def _send_standard(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(name.encode(), value.encode()) for name, value in self.standard.headers]
        await send({"type": "http.response.start", "status": self.standard.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.standard.body})
