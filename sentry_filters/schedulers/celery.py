"""Celery 5: LLM tasks are sent again, later, while the gate is closed."""

from __future__ import annotations

from typing import Any

import celery
from celery.exceptions import Ignore, Reject

from sentry_filters.core import SchedulerGate, SessionExpired, SessionExpiredError
from sentry_filters.schedulers.backoff import Backoff

_VISIBILITY_TIMEOUT = 3600.0


class PostponedTask(celery.Task):  # type: ignore[misc]  # Celery ships no types
    """Base of tasks that are LLM jobs: while the gate is closed a worker sends them again, with a countdown.

    The message keeps its id, queue, priority, expiry, headers, callbacks, chain and chord; no retry is used
    up, and `Ignore` ends the attempt: no result, no failure, nothing in Sentry. The same where the task
    raises `SessionExpiredError` in mid-flight: it will start again from its beginning. Any other exception is
    the application's own. A task that is called directly or eagerly has no broker, and raises
    `SessionExpiredError`.

    Subclass it, and name the subclass as `base` of the LLM tasks.

    Attributes:
        gate: The gate of the worker's guard. Required.
        backoff: When a postponed task asks again. Its `longest` is cut to half of the broker's visibility
            timeout, after which the broker would deliver a second copy.

    Raises:
        TypeError: When the task is bound to its app: `gate` is not a `SchedulerGate`, or `backoff` not a
            `Backoff`.
    """

    abstract = True
    gate: SchedulerGate
    backoff = Backoff()
    # `autoretry_for=(Exception,)` would otherwise make a retry of it.
    dont_autoretry_for = (SessionExpiredError,)

    @classmethod
    def on_bound(cls, app: celery.Celery) -> None:
        """Check the attributes when the task is bound to its app."""
        gate = getattr(cls, "gate", None)
        if not isinstance(gate, SchedulerGate):
            raise TypeError(f"invalid {cls.name}.gate {gate!r}; expected your guard's gate")
        if not isinstance(cls.backoff, Backoff):
            raise TypeError(f"invalid {cls.name}.backoff {cls.backoff!r}; expected a Backoff")
        super().on_bound(app)

    def session_of(self, *args: Any, **kwargs: Any) -> str | None:  # noqa: ARG002 - for subclasses
        """Return the fingerprint of the session that a job with these arguments works for, None for any."""
        return None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task, or send it again while the gate is closed."""
        directly = self.request.called_directly
        try:
            self.gate.check(session=self.session_of(*args, **kwargs))
            return super().__call__(*args, **kwargs) if directly else self.run(*args, **kwargs)
        except SessionExpiredError as error:
            if directly or self.request.is_eager:
                raise
            self._send_again(error)
            raise Ignore(str(error)) from None

    def countdown(self, event: SessionExpired) -> float:
        """Return the seconds after which a task that `event` holds up asks again."""
        timeout: float = (self.app.conf.broker_transport_options or {}).get(
            "visibility_timeout", _VISIBILITY_TIMEOUT
        )
        return min(self.backoff.seconds(event), timeout / 2)

    def _send_again(self, error: SessionExpiredError) -> None:
        again = self.signature_from_request(self.request, countdown=self.countdown(error.event))
        try:
            again.apply_async()
        except Exception as fault:  # raised again, as what Celery understands
            # The broker keeps what was not acknowledged. What was (no acks_late) is lost, and must be seen.
            if self.acks_late:
                raise Reject(fault, requeue=True) from fault
            raise
