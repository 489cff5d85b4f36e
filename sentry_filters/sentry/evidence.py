"""What Sentry's events, logs and metrics say about a failure, in whatever shape they come."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from sentry_filters.core import refusal_of
from sentry_filters.evidence import (
    LEAST_TELLING,
    Failure,
    FailuresOf,
    conventions,
    failure_of_tags,
    statements_in,
    states_failure,
    tags_of,
    text_of,
    without,
)
from sentry_filters.sentry.beside import holds_another, names_a_failure_of_its_own, with_rivals

_MOST_ARGS = 32
_INFORMATIONAL = frozenset({"debug", "info"})
_WARNING = 13  # OpenTelemetry's number, which Sentry's logs have
_Stated = Callable[..., Failure]  # `failure_of_tags` with all that the report itself says, but its text
_PLAIN = (str, bytes, int, float)  # they lead to no call


def failures_of_event(
    event: Mapping[str, object], hint: Mapping[str, object], failures_of: FailuresOf
) -> tuple[Failure, ...]:
    """Return what an error event reports: one failure, or one for each leaf of an exception group.

    Args:
        event: The serialised event as `before_send` gets it. Breadcrumbs are no evidence.
        hint: Its hint; the exception in `exc_info`, or what is among a log record's `args`, is the best
            evidence. The exception in flight may be what a log record is about.
        failures_of: Finds the failed call behind an exception.
    """
    # Made once for each failure: copies of frozen records are what a healthy event would pay for.
    stated = partial(
        failure_of_tags,
        tags_of(event.get("tags")),
        is_message=event.get("level") not in _INFORMATIONAL,
        at=_seconds(event.get("timestamp")),
        trace_id=_trace_id(event),
    )
    logged, error, in_flight, args = _log_text(event), raised_in(hint), sys.exception(), _args(hint)
    given = [found for arg in args if not isinstance(arg, _PLAIN) and (found := failures_of(arg))]
    if error is not None:
        failures = _of_exception(failures_of(error), given, stated, logged)
        return with_rivals(failures, given, None if in_flight is error else in_flight, failures_of)
    failures = (
        _of_arguments(given, stated, logged, args)
        or _about(in_flight, stated, logged, failures_of)
        or (stated(text=_exception_text(event) or logged),)
    )
    return with_rivals(failures, given, in_flight, failures_of)


def refused_event(event: Mapping[str, object], hint: Mapping[str, object]) -> BaseException | None:
    """Return the gate's own refusal that an event reports, None where it reports anything else.

    That is the exception it was made from; else every exception that was logged; else the one in flight,
    where the text holds its text.
    """
    raised = raised_in(hint)
    logged_errors = tuple(arg for arg in _args(hint) if isinstance(arg, BaseException))
    errors = logged_errors if raised is None else (raised,)
    if not all(map(refusal_of, errors)):
        return None
    logged = _log_text(event)
    refused = next(iter(errors), None) or _refused_in_flight(logged)
    return None if refused is None or _states_a_failure(logged) else refused


def refused_log(log: Mapping[str, object]) -> BaseException | None:
    """Return the gate's own refusal that a log is about: the one in flight, where the body holds its text."""
    body = _text(log.get("body"))
    refused = _refused_in_flight(body)
    return None if refused is None or _states_a_failure(body) else refused


def failures_of_telemetry(item: Mapping[str, object], failures_of: FailuresOf) -> tuple[Failure, ...]:
    """Return the failures that a log or metric states in its attributes and its body.

    Args:
        item: The item as Sentry's hooks get it. The exception in flight may be what a log is about.
        failures_of: Finds the failed call behind an exception.
    """
    attributes = item.get("attributes")
    tags = {}
    if isinstance(attributes, Mapping):
        tags = {name: _plain(attributes[name]) for name in conventions.TAG_NAMES if name in attributes}
    trace_id, severity = item.get("trace_id"), item.get("severity_number")
    text = _text(item.get("body"))
    stated = partial(
        failure_of_tags,
        tags,
        is_message=not isinstance(severity, int) or severity >= _WARNING,
        trace_id=trace_id if isinstance(trace_id, str) else None,
    )
    in_flight = sys.exception()
    failures = _about(in_flight, stated, text, failures_of) or (stated(text=text),)
    return with_rivals(failures, (), in_flight, failures_of)


def _of_exception(
    found: tuple[Failure, ...], given: list[tuple[Failure, ...]], stated: _Stated, logged: str
) -> tuple[Failure, ...]:
    """Return the failures of the exception that was reported, under what the report itself says."""
    if names_a_failure_of_its_own(given):
        found = tuple(replace(one, second_failure=True) for one in found)
    return tuple(stated(text=_text_of(one, logged), of=one) for one in found)


def _about(
    in_flight: BaseException | None, stated: _Stated, logged: str, failures_of: FailuresOf
) -> tuple[Failure, ...]:
    """Return the failures of the exception in flight, where the text holds its text and no other failure."""
    if in_flight is None or not logged:
        return ()
    text = text_of(in_flight)
    if len(text) < LEAST_TELLING or text not in logged or states_failure(without(logged, (text,))):
        return ()
    found = failures_of(in_flight)
    return tuple(stated(text=logged, of=one) for one in found) if all(one.response for one in found) else ()


def _of_arguments(
    given: list[tuple[Failure, ...]], stated: _Stated, logged: str, args: Iterable[object]
) -> tuple[Failure, ...]:
    """Return the failures of a log call's arguments; none where none of them leads to a call.

    One that leads to none beside others is judged by itself, without the tags: it is another failure.
    """
    found = [one for failures in given for one in failures]
    if not any(one.response for one in found):
        return ()
    second = holds_another(logged, found, args)
    return tuple(
        stated(text=logged, of=replace(one, second_failure=one.second_failure or second))
        if one.response
        else one
        for one in found
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


def raised_in(hint: Mapping[str, object]) -> BaseException | None:
    """Return the exception that an event reports, by its hint."""
    info = hint.get("exc_info")
    error = info[1] if isinstance(info, tuple | list) and len(info) > 1 else info
    return error if isinstance(error, BaseException) else None


def _args(hint: Mapping[str, object]) -> tuple[object, ...]:
    """Return a log record's arguments."""
    args = getattr(hint.get("log_record"), "args", None)
    if isinstance(args, Mapping):
        args = tuple(args.values())
    return args[:_MOST_ARGS] if isinstance(args, tuple) else ()


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
