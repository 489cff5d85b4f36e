"""Flask: an error handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from flask import Blueprint, Flask, Response
from flask.typing import ResponseReturnValue

from sentry_filters.core import SessionExpiredError
from sentry_filters.web.answer import RETRY_AFTER, refused

Answer: TypeAlias = (
    Callable[[SessionExpiredError], ResponseReturnValue]
    | Callable[[SessionExpiredError], Awaitable[ResponseReturnValue]]
)
"""Makes the application's own answer: whatever a view may return; may be a coroutine function."""


def answer_refusals(
    app: Flask | Blueprint, *, retry_after: int | None = RETRY_AFTER, answer: Answer | None = None
) -> None:
    """Answer requests that ended with the gate's refusal: 503 with `Retry-After`, or `answer`.

    Any other exception is handled as usual; so is a refusal in a stream that has begun, and one that a
    coroutine view raises in a group.

    Args:
        app: The application, or a blueprint for its requests only.
        retry_after: Seconds of `Retry-After`; None leaves the header out.
        answer: Makes the answer instead, in the context of the request; its exceptions propagate.

    Raises:
        ValueError: `retry_after` is neither None nor a whole number, 0 or more.
    """
    standard = refused(retry_after)

    def handle(_: SessionExpiredError) -> Response:
        return Response(standard.body, standard.status, standard.headers)

    app.register_error_handler(SessionExpiredError, handle if answer is None else answer)
