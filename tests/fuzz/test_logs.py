"""Target: the standard library's log records and structlog's events, with arguments that do not fit."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import structlog
from hypothesis import example, given
from hypothesis import strategies as st

from sentry_filters import Redactor
from sentry_filters.logging import RedactingFilter, redact_processor
from tests.fuzz import oracle
from tests.fuzz.strategies import CANARY, keys, quick, texts, values

_REDACTOR = Redactor()
_FILTER = RedactingFilter(_REDACTOR)
_PROCESSOR = redact_processor(_REDACTOR)
_FORMATTER = logging.Formatter("%(levelname)s %(name)s %(threadName)s %(message)s")

_templates = texts | st.sampled_from(
    ["%s", "password=%s", "%s: %s", "%(user)s %(token)s", "%d", "100%", "%%s", "%-9.3s|", "key %r", "%*d"]
)  # fmt: skip
_arguments = (
    st.lists(texts | values | st.just(CANARY), max_size=3).map(tuple)
    | st.dictionaries(st.sampled_from(["user", "token"]) | keys, values, max_size=3).map(lambda one: (one,))
    | st.just(())
)  # fmt: skip
_extras = st.dictionaries(
    keys | st.sampled_from(["user", "ctx", "taskName", "stack_info", "exc_text"]), values, max_size=3
)
_raised = (
    st.none() | st.builds(ValueError, texts) | st.builds(ExceptionGroup, texts, st.just([OSError(CANARY)]))
)


def record_of(
    template: Any, arguments: tuple[Any, ...], extra: dict[str, Any], error: Any
) -> logging.LogRecord:
    """Return a record as a logger makes it."""
    exc_info = None if error is None else (type(error), error, None)
    record = logging.LogRecord("app", logging.ERROR, __file__, 1, template, arguments, exc_info)
    taken = set(vars(record)) - {"taskName", "stack_info", "exc_text"}
    vars(record).update(
        {name: value for name, value in extra.items() if name not in taken | {"message", "asctime"}}
    )
    return record


def shown(record: logging.LogRecord) -> str | None:
    """Return what a handler writes of a record, None where it reports a mistake of the call instead."""
    try:
        return _FORMATTER.format(record)
    except Exception:
        return None


@quick
@example(template="", arguments=(), extra={"taskName": CANARY.encode()}, error=None)
@given(template=_templates | values, arguments=_arguments, extra=_extras, error=_raised)
def test_no_record_is_lost_or_keeps_the_canary(
    template: Any, arguments: tuple[Any, ...], extra: dict[str, Any], error: Any
) -> None:
    could_be_shown = shown(record_of(template, arguments, extra, error)) is not None
    record = record_of(template, arguments, extra, error)

    passed: Any = _FILTER.filter(record)

    passed = record if passed is True else passed
    assert isinstance(passed, logging.LogRecord)
    written = shown(passed)
    assert written is not None or not could_be_shown
    fields = {name: value for name, value in vars(passed).items() if name != "exc_info"}
    assert not oracle.holds_the_canary(written, fields)
    again = _FILTER.filter(passed)
    assert shown(passed if again is True else again) == written  # type: ignore[arg-type]


@quick
@given(event=st.dictionaries(keys | st.just("event"), values | texts, max_size=4), error=_raised | values)
def test_no_event_of_structlog_is_lost_or_keeps_the_canary(event: dict[str, Any], error: Any) -> None:
    given_event = {**event, "exc_info": error}
    before = oracle.shown_as(event)

    passed: Any = _PROCESSOR(None, "info", dict(given_event))

    assert not oracle.holds_the_canary(passed)
    assert oracle.shown_as(event) == before
    rendered: Any = structlog.processors.JSONRenderer(serializer=_dumps)(None, "info", passed)
    assert CANARY not in rendered


def _dumps(value: Any, **_options: Any) -> str:
    out = io.StringIO()
    try:
        json.dump(value, out, default=repr, skipkeys=True)
    except (ValueError, TypeError, RecursionError):
        return ""
    return out.getvalue()
