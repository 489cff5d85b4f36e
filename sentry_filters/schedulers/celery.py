"""Celery 5: LLM tasks are sent again, later, while the gate is closed."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import celery
from celery.exceptions import Ignore, Reject, TaskPredicate
from celery.signals import worker_ready
from celery.worker.request import Request

from sentry_filters.core import SchedulerGate, SessionExpired, SessionExpiredError
from sentry_filters.schedulers.backoff import Backoff

_log = logging.getLogger("sentry_filters")

_VISIBILITY_TIMEOUT = 3600.0
_POSTPONED = "sentry_filters_postponed"
"""Header of what is sent again: how often the task itself found the expiry, and at which of its retries."""
_LATER = 3.0
"""Seconds after an opening in which a message may arrive that was sent before it."""


class PostponedTask(celery.Task):  # type: ignore[misc]  # Celery ships no types
    """Base of tasks that are LLM jobs: while the gate is closed a worker sends them again, with a countdown.

    The message keeps its id, queue, priority, expiry, headers, callbacks, chain and chord; no retry is used
    up, and `Ignore` ends the attempt: no result, no failure, nothing in Sentry. The same where the task
    raises `SessionExpiredError` in mid-flight, or the failure of a call of its own in which the guard
    recognises the expired session, at most `backoff.discoveries` times: it will start again from its
    beginning. Any other exception is the application's own. A task that is called directly or eagerly has no
    broker, and raises its error. A renewal that the worker's main process hears of wakes what waits in it.

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
        # Of all connections with this name the first counts: one for each gate is enough.
        worker_ready.connect(
            _Waker(gate).attach, weak=False, dispatch_uid=f"sentry_filters.schedulers.celery {id(gate)}"
        )

    def session_of(self, *args: Any, **kwargs: Any) -> str | None:  # noqa: ARG002 - for subclasses
        """Return the fingerprint of the session that a job with these arguments works for, None for any."""
        return None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task, or send it again while the gate is closed."""
        directly = self.request.called_directly
        try:
            self.gate.check(session=self.session_of(*args, **kwargs))
            return super().__call__(*args, **kwargs) if directly else self.run(*args, **kwargs)
        except TaskPredicate:  # Celery's own: ignored, rejected, sent again already
            raise
        except Exception as error:  # any but a refusal or what found an expiry is raised again
            if directly or self.request.is_eager:
                raise
            found, _ = _mark_of(self.request)
            if isinstance(error, SessionExpiredError):
                event = error.event
            elif found < self.backoff.discoveries and (expiry := self.gate.found_by(error)) is not None:
                event, found = expiry, found + 1
            else:
                raise
            self._send_again(event, found)
            raise Ignore(str(SessionExpiredError(event))) from None

    def countdown(self, event: SessionExpired) -> float:
        """Return the seconds after which a task that `event` holds up asks again."""
        timeout: float = (self.app.conf.broker_transport_options or {}).get(
            "visibility_timeout", _VISIBILITY_TIMEOUT
        )
        return min(self.backoff.seconds(event), timeout / 2)

    def _send_again(self, event: SessionExpired, found: int) -> None:
        again = self.signature_from_request(self.request, countdown=self.countdown(event))
        mark = {_POSTPONED: [found, self.request.retries]}
        again.set(headers={**(again.options.get("headers") or {}), **mark})
        try:
            again.apply_async()
        except Exception as fault:  # raised again, as what Celery understands
            # The broker keeps what was not acknowledged. What was (no acks_late) is lost, and must be seen.
            if self.acks_late:
                raise Reject(fault, requeue=True) from fault
            raise


class _Waker:
    """Lets postponed tasks start at the renewal: they wait in the timer of the worker's main process.

    Args:
        gate: The gate that they wait for.
    """

    def __init__(self, gate: SchedulerGate) -> None:
        self._gate = gate
        self._consumer: Any = None
        self._process = 0
        self._looked_later = 0.0

    def attach(self, sender: Any, **_: object) -> None:
        """Begin, in a worker that is ready; the signal's sender is its consumer."""
        self._consumer, self._process = sender, os.getpid()
        self._gate.on_open(self._wake_soon)

    def _wake_soon(self) -> None:
        if os.getpid() == self._process:  # else it is a child of the pool, which has a copy of the timer
            self._consumer.call_soon(self._wake)

    def _wake(self) -> None:
        now = time.monotonic()
        if now - self._looked_later > _LATER:
            self._looked_later = now
            self._consumer.timer.call_after(_LATER, self._start_waiting)
        self._start_waiting()

    def _start_waiting(self) -> None:
        try:
            timer = self._consumer.timer
            due = [waiting for waiting, request in _scheduled(timer) if self._may_start(request)]
            for entry in _taken_out(timer, due):
                timer.call_after(0, entry.fun, entry.args)
        except Exception as error:  # noqa: BLE001 - they are safe in the timer and start a little later
            _log.warning(
                "sentry-filters: celery: postponed tasks could not be resumed: %s", type(error).__name__
            )

    def _may_start(self, request: Request) -> bool:
        task = request.task
        if not isinstance(task, PostponedTask) or task.gate is not self._gate:
            return False
        _, retries = _mark_of(request.request_dict)
        if retries is None or retries != request.request_dict.get("retries"):
            return False  # a countdown of the application's own
        try:
            return self._gate.is_open_for(task.session_of(*request.args, **request.kwargs))
        except Exception:  # noqa: BLE001 - raised again, as the task's own error, where it runs
            return False


def _scheduled(timer: Any) -> Iterator[tuple[Any, Request]]:
    """Yield what waits in a worker's timer for its time, as `celery inspect scheduled` finds it."""
    for waiting in list(timer.schedule.queue):
        entry = waiting.entry
        request = entry.args[0] if entry.args else None
        if isinstance(request, Request) and not entry.canceled:
            yield waiting, request


def _taken_out(timer: Any, due: list[Any]) -> list[Any]:
    """Cancel what still waits of `due`, and return its entries: each of them runs once, whoever starts it."""
    taken = []
    with getattr(timer, "mutex", None) or nullcontext():  # a timer with a thread of its own has one
        still = {id(waiting.entry) for waiting in timer.schedule.queue}
        for waiting in due:
            if id(waiting.entry) in still:
                # gevent's and eventlet's timers end the thread that waits, the others mark the entry.
                (waiting if hasattr(waiting, "cancel") else waiting.entry).cancel()
                taken.append(waiting.entry)
    return taken


def _mark_of(request: Any) -> tuple[int, int | None]:
    """Return how often a task itself found the expiry, and at which retry it was postponed, None if never."""
    mark = request.get(_POSTPONED)
    if isinstance(mark, list | tuple) and len(mark) == 2 and all(type(number) is int for number in mark):
        return mark[0], mark[1]
    return 0, None
