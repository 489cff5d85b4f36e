"""The standard library's logging: a filter that passes redacted records on."""

from __future__ import annotations

import copy
import logging
import sys
from collections.abc import Mapping
from typing import Any

from sentry_filters.logging.cleaner import Cleaner, Guard, format_exception
from sentry_filters.redaction import WITHHELD, Redactor

_TEXTS = ("exc_text", "message", "name", "processName", "stack_info", "taskName", "threadName")
_SAID_OF_WITHHELD = (
    "created",
    "filename",
    "funcName",
    "levelname",
    "levelno",
    "lineno",
    "module",
    "msecs",
    "name",
)
_FIELDS = frozenset({*vars(logging.LogRecord("", 0, "", 0, "", (), None)), *_TEXTS, "asctime"})
"""What is not `extra`."""


class RedactingFilter(logging.Filter):
    """Passes every record on, without secrets: message, arguments, traceback, stack and `extra` fields.

    Add it to each handler: `handler.addFilter(RedactingFilter(guard))`. A record without secrets is passed on
    as it is. On Python 3.12 and later, a record with secrets is passed on as a redacted copy, and other
    handlers are not affected. Python 3.11 cannot do that: the record itself changes, so later handlers (such
    as Sentry's SDK) get the redacted one, too. Objects that the record only refers to, such as its arguments,
    are never changed.

    Template and arguments stay separate if each can be redacted by itself; otherwise the whole message
    becomes the template. An exception whose traceback holds a secret is moved from `exc_info` to `exc_text`.
    Any other exception stays, so a handler that shows the variables of its frames shows them unredacted.

    It never raises. A record that cannot be redacted is passed on with `[WITHHELD]` as its message, and
    counted: `withheld` by `logging`, `fault`.

    Args:
        redactor_or_guard: A guard, or a `Redactor`, which counts nothing.

    Raises:
        TypeError: It is neither.
    """

    def __init__(self, redactor_or_guard: Redactor | Guard) -> None:
        super().__init__()
        self._cleaner = Cleaner(redactor_or_guard)

    def filter(self, record: logging.LogRecord) -> bool:
        """Pass on `record`, or a redacted copy of it."""
        try:
            fields = self._redacted(vars(record))
            if fields is None:
                return True
            kept = copy.copy(record)
            _become(kept, fields)
        except Exception:  # noqa: BLE001 - fail closed, whatever the code of foreign objects raises
            self._cleaner.withheld()
            fields, kept = _withheld(record)
        if sys.version_info >= (3, 12):
            return kept
        _become(record, fields)
        return True

    def _redacted(self, fields: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the fields of a record without secrets, None where there are none."""
        own = {name: value for name, value in fields.items() if name in _FIELDS}
        extra = {name: value for name, value in fields.items() if name not in _FIELDS}
        clean = dict(own)
        for name in _TEXTS:
            if name in own:  # a text, but for what an application's `extra` may give the name of
                clean[name] = self._cleaner.value(own[name])
        clean["msg"], clean["args"] = self._message(own["msg"], own["args"])
        self._redact_exception(clean)
        clean_extra = self._cleaner.value(extra)
        if clean_extra is extra and all(clean[name] is own.get(name) for name in clean):
            return None
        return {**(clean_extra if isinstance(clean_extra, dict) else {}), **clean}

    def _message(self, msg: Any, args: Any) -> tuple[Any, Any]:
        """Return template and arguments without secrets, also where only the two together are one."""
        clean_msg, clean_args = self._cleaner.value(msg), self._cleaner.value(args)
        try:
            shown = str(clean_msg) % clean_args if clean_args else str(clean_msg)
        except Exception:  # noqa: BLE001 - a call's own mistake, or what the template wants as a number is a mark
            if clean_msg is msg and clean_args is args:
                return msg, args  # the handler reports the mistake as without us
            return self._cleaner.text(f"{clean_msg} {clean_args!r}"), ()
        clean = self._cleaner.text(shown)
        return (clean_msg, clean_args) if clean is shown else (clean, ())

    def _redact_exception(self, fields: dict[str, Any]) -> None:
        exc_info = fields.get("exc_info")
        if not exc_info or exc_info[0] is None:
            return
        shown = format_exception(exc_info)
        clean = self._cleaner.text(shown)
        if clean is not shown:
            fields["exc_info"] = None
            fields["exc_text"] = fields.get("exc_text") or clean


def _become(record: logging.LogRecord, fields: Mapping[str, Any]) -> None:
    """Give a record these fields and no others."""
    vars(record).update(fields)
    for name in [name for name in vars(record) if name not in fields]:
        del vars(record)[name]


def _withheld(record: logging.LogRecord) -> tuple[dict[str, Any], logging.LogRecord]:
    """Return what may be said of a record that could not be redacted: when, where, and how serious."""
    said = {name: getattr(record, name, None) for name in _SAID_OF_WITHHELD}
    kept = logging.makeLogRecord({**said, "msg": WITHHELD, "args": ()})
    return vars(kept), kept
