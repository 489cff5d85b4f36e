"""structlog: a processor that redacts event dicts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, TypeAlias, cast

from sentry_filters.logging.cleaner import Cleaner, ExcInfo, Guard, format_exception
from sentry_filters.redaction import WITHHELD, Redactor

EventDict: TypeAlias = MutableMapping[str, Any]
Redacted: TypeAlias = Mapping[str, Any] | str | bytes | bytearray
Processor: TypeAlias = Callable[[Any, str, EventDict], Redacted]
"""As structlog names it."""

_OF_STDLIB = ("_from_structlog", "_record")
"""What `structlog.stdlib.ProcessorFormatter` hands to its own processors, which take it out again."""
_SAID_OF_WITHHELD = ("level", "log_level", "timestamp")


def redact_processor(redactor_or_guard: Redactor | Guard) -> Processor:
    """Return a processor that removes secrets from keys and values; put it last, before the renderer.

    It returns a new event dict and does not change the given one; without secrets it returns the given one.
    An exception (`exc_info`) becomes its redacted traceback (`exception`), as by `format_exc_info`, since
    renderers would show more of it, such as the variables of its frames. After `format_exc_info` or
    `dict_tracebacks` it redacts their result. After a renderer it redacts the finished line.
    Before structlog 26 the console's renderer warns that exceptions are not pretty then, as it does behind
    `format_exc_info`: `ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)` does not.

    It never raises. What cannot be redacted is passed on as `[WITHHELD]` with its level and time, and
    counted: `withheld` by `logging`, `fault`.

    Args:
        redactor_or_guard: A guard, or a `Redactor`, which counts nothing.

    Raises:
        TypeError: It is neither.
    """
    cleaner = Cleaner(redactor_or_guard)

    def redact(_logger: Any, _method: str, event: EventDict) -> Redacted:
        try:
            return _redacted(cleaner, event)
        except Exception:  # noqa: BLE001 - fail closed, whatever the code of foreign objects raises
            cleaner.withheld()
            return _withheld(event)

    return redact


def _redacted(cleaner: Cleaner, event: object) -> Redacted:
    if not isinstance(event, Mapping):
        return cast("Redacted", cleaner.value(event))
    shown = _with_traceback(event)
    kept = {name: shown[name] for name in _OF_STDLIB if name in shown}
    judged = {name: value for name, value in shown.items() if name not in kept} if kept else shown
    clean = cleaner.value(judged)
    if clean is judged:
        return shown
    return {**(clean if isinstance(clean, Mapping) else {"event": WITHHELD}), **kept}


def _with_traceback(event: Mapping[str, Any]) -> Mapping[str, Any]:
    if not event.get("exc_info"):
        return event
    shown = {name: value for name, value in event.items() if name != "exc_info"}
    exc_info = _exc_info(event["exc_info"])
    if exc_info is not None:
        shown.setdefault("exception", format_exception(exc_info))
    return shown


def _exc_info(given: object) -> ExcInfo | None:
    """Return what structlog makes of an entry `exc_info`: an exception, a triple, or the one in flight."""
    if isinstance(given, BaseException):
        return type(given), given, given.__traceback__
    if isinstance(given, tuple) and len(given) == 3:
        kind, error, trace = given
    else:
        kind, error, trace = sys.exc_info()
    return None if kind is None or error is None else (kind, error, trace)


def _withheld(event: Any) -> Mapping[str, Any] | str:
    if not isinstance(event, dict):
        return WITHHELD
    said = {name: event[name] for name in _SAID_OF_WITHHELD if type(event.get(name)) in (str, int, float)}
    return {"event": WITHHELD, **said}
