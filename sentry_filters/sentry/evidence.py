"""What Sentry's events, logs and metrics say about a failure, in whatever shape they come."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from sentry_filters.core import refusal_of
from sentry_filters.evidence import Failure, FailuresOf, conventions, failure_of_tags, statements_in

_MOST_ARGS = 32


def failures_of_event(
    event: Mapping[str, object], hint: Mapping[str, object], failures_of: FailuresOf
) -> tuple[Failure, ...]:
    """Return what an error event reports: one failure, or one for each leaf of an exception group.

    Args:
        event: The serialised event as `before_send` gets it. Breadcrumbs are no evidence.
        hint: Its hint; the exception in `exc_info`, or among a log record's `args`, is the best evidence.
        failures_of: Finds the failed call behind an exception.
    """
    tagged = failure_of_tags(
        event.get("tags"), at=_seconds(event.get("timestamp")), trace_id=_trace_id(event)
    )
    logged = _log_text(event)
    error = _raised(hint)
    if error is not None:
        return tuple(
            replace(
                tagged,
                text=_text_of(failure, logged),
                response=failure.response,
                raised_while_handling=failure.raised_while_handling,
            )
            for failure in failures_of(error)
        )
    found = [failure for one in _logged_errors(hint) for failure in failures_of(one)]
    typed = [replace(tagged, text=logged, response=one.response) for one in found if one.response]
    return tuple(typed) or (replace(tagged, text=_exception_text(event) or logged),)


def refused_event(event: Mapping[str, object], hint: Mapping[str, object]) -> BaseException | None:
    """Return the gate's own refusal that an event reports, None where it reports anything else.

    That is the exception it was made from; else every exception that was logged; else the one in flight,
    where the text holds its text.
    """
    raised = _raised(hint)
    errors = tuple(_logged_errors(hint)) if raised is None else (raised,)
    logged = _log_text(event)
    refused = next(iter(errors), None) or _refused_in_flight(logged)
    if not all(map(refusal_of, errors)):
        return None
    return None if refused is None or _states_a_failure(logged) else refused


def refused_log(log: Mapping[str, object]) -> BaseException | None:
    """Return the gate's own refusal that a log is about: the one in flight, where the body holds its text."""
    body = _text(log.get("body"))
    refused = _refused_in_flight(body)
    return None if refused is None or _states_a_failure(body) else refused


def failure_of_telemetry(item: Mapping[str, object]) -> Failure:
    """Return the failure that a log or metric states in its attributes and its body."""
    attributes = item.get("attributes")
    tags = {}
    if isinstance(attributes, Mapping):
        tags = {name: _plain(attributes[name]) for name in conventions.TAG_NAMES if name in attributes}
    trace_id = item.get("trace_id")
    return failure_of_tags(
        tags, text=_text(item.get("body")), trace_id=trace_id if isinstance(trace_id, str) else None
    )


def _text_of(failure: Failure, logged: str) -> str:
    # A log line counts beside a typed cause only: on its own it must not silence another exception.
    return f"{failure.text}\n{logged}" if failure.response is not None and logged else failure.text


def _states_a_failure(text: str) -> bool:
    return bool(statements_in(text, ""))


def _refused_in_flight(text: str) -> BaseException | None:
    # Hooks run on the thread that logs, inside whatever `except` it logs from.
    error = sys.exc_info()[1]
    refusal = refusal_of(error)
    return error if refusal is not None and str(refusal) in text else None


def _raised(hint: Mapping[str, object]) -> BaseException | None:
    info = hint.get("exc_info")
    error = info[1] if isinstance(info, tuple | list) and len(info) > 1 else info
    return error if isinstance(error, BaseException) else None


def _logged_errors(hint: Mapping[str, object]) -> Iterator[BaseException]:
    args = getattr(hint.get("log_record"), "args", None)
    if isinstance(args, Mapping):
        args = tuple(args.values())
    if isinstance(args, tuple):
        yield from (arg for arg in args[:_MOST_ARGS] if isinstance(arg, BaseException))


def _exception_text(event: Mapping[str, object]) -> str:
    exception = event.get("exception")
    values = exception.get("values") if isinstance(exception, Mapping) else exception
    if not isinstance(values, list) or not values:
        return ""
    # Sentry lists exceptions oldest first: the last one is what was reported.
    last = values[-1]
    return _text(last.get("value")) if isinstance(last, Mapping) else ""


def _log_text(event: Mapping[str, object]) -> str:
    entry = event.get("logentry")
    if isinstance(entry, Mapping):
        return _text(entry.get("formatted")) or _text(entry.get("message"))
    return _text(event.get("message"))


def _trace_id(event: Mapping[str, object]) -> str | None:
    contexts = event.get("contexts")
    trace = contexts.get("trace") if isinstance(contexts, Mapping) else None
    trace_id = trace.get("trace_id") if isinstance(trace, Mapping) else None
    return trace_id if isinstance(trace_id, str) else None


def _seconds(timestamp: object) -> float | None:
    try:
        if isinstance(timestamp, str):
            timestamp = datetime.fromisoformat(timestamp)
        if isinstance(timestamp, datetime):
            return timestamp.timestamp() if timestamp.tzinfo is not None else None
        if isinstance(timestamp, int | float) and not isinstance(timestamp, bool):
            seconds = float(timestamp)
            return seconds if math.isfinite(seconds) else None
    except (ValueError, OverflowError):
        return None
    return None


def _plain(value: object) -> object:
    # Attributes are plain before Sentry's hooks, `{"value": …, "type": …}` in its envelopes.
    return value.get("value") if isinstance(value, Mapping) else value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
