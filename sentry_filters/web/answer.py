"""The answer to a request that needed LLM work while the session is dead: 503, try again later."""

from __future__ import annotations

from dataclasses import dataclass

from sentry_filters.core import SessionExpiredError

RETRY_AFTER = 60
"""Seconds of `Retry-After`: about what a sign-in takes a person. Nobody knows when it will be done."""

_BODY = b'{"error":"session_expired","detail":"The session has expired; try again after the next sign-in."}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The answer, for any framework.

    Args:
        status: HTTP status.
        headers: Names in lower case, and values.
        body: JSON; it says nothing about the backend, the user or the credential.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def refused(retry_after: int | None = RETRY_AFTER) -> Refused:
    """Return the answer: 503 Service Unavailable.

    Args:
        retry_after: Seconds after which the client may try again, 0 or more; None leaves the header out.

    Raises:
        ValueError: `retry_after` is neither None nor a whole number, 0 or more.
    """
    if retry_after is not None and (type(retry_after) is not int or retry_after < 0):
        raise ValueError(f"invalid retry_after {retry_after!r}; expected whole seconds, 0 or more, or None")
    headers = [("content-type", "application/json"), ("content-length", str(len(_BODY)))]
    if retry_after is not None:
        headers.append(("retry-after", str(retry_after)))
    return Refused(status=503, headers=tuple(headers), body=_BODY)


def refusal_in(error: BaseException) -> SessionExpiredError | None:
    """Return the gate's refusal that `error` is; None for every other error.

    A group, as `asyncio.TaskGroup` raises it, is one where all that it holds are. An error that was raised
    from a refusal is the application's own, and its own answer is due.
    """
    if isinstance(error, SessionExpiredError):
        return error
    if not isinstance(error, BaseExceptionGroup) or not error.exceptions:
        return None
    refusals = [refusal_in(one) for one in error.exceptions]
    return None if None in refusals else refusals[0]
