"""What handlers of the standard library get: whole records, without secrets."""

from __future__ import annotations

import copy
import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from sentry_filters import Policy, Redactor, SessionGuard
from sentry_filters.logging import RedactingFilter
from tests.support.secrets import fake

SECRET = fake("sk-ant-api03-", 60)
RETURNS_RECORDS = sys.version_info >= (3, 12)


class Keeping(logging.Handler):
    """Keeps the records that it gets, and what its formatter makes of them."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(copy.copy(record))
        self.lines.append(self.format(record))


@pytest.fixture
def guard() -> Iterator[SessionGuard]:
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}), print)
    yield guard
    guard.close()


@pytest.fixture
def log(request: pytest.FixtureRequest) -> Iterator[logging.Logger]:
    log = logging.getLogger(request.node.name)
    log.propagate = False
    yield log
    log.handlers.clear()


@pytest.fixture
def handler(log: logging.Logger, guard: SessionGuard) -> Keeping:
    handler = Keeping()
    handler.addFilter(RedactingFilter(guard))
    log.addHandler(handler)
    return handler


class Named:
    """Something whose texts hold a secret."""

    def __str__(self) -> str:
        return f"client of {SECRET}"

    __repr__ = __str__


@pytest.mark.promise("plain-logging")
@pytest.mark.parametrize(
    ("msg", "args", "line"),
    [
        pytest.param(f"key {SECRET}", (), "key [REDACTED]", id="message"),
        pytest.param("key %s of %d", (SECRET, 7), "key [REDACTED] of 7", id="argument"),
        pytest.param("key %(key)s", ({"key": SECRET},), "key [REDACTED]", id="mapping"),
        pytest.param("%s=%s", ("password", "correct-horse-9"), "password=[REDACTED]", id="together"),
        pytest.param("with %s", (Named(),), "with client of [REDACTED]", id="object"),
        pytest.param(Named(), (), "client of [REDACTED]", id="object-as-message"),
        pytest.param("failed: %s", (ValueError(SECRET),), "failed: [REDACTED]", id="exception"),
        pytest.param("100% sure", (), "100% sure", id="no-template"),
    ],
)
def test_a_line_has_no_secret(
    log: logging.Logger, handler: Keeping, msg: Any, args: tuple[Any, ...], line: str
) -> None:
    log.warning(msg, *args)

    assert SECRET not in json.dumps([vars(one) for one in handler.records], default=str)
    assert [shown.replace("ValueError('[REDACTED]')", "[REDACTED]") for shown in handler.lines] == [line]


def test_the_template_stays_where_the_arguments_hold_the_secret(
    log: logging.Logger, handler: Keeping
) -> None:
    log.warning("key %s of %d", SECRET, 7)

    [record] = handler.records
    assert (record.msg, record.args) == ("key %s of %d", ("[REDACTED]", 7))


def test_a_record_without_secrets_is_passed_on_as_it_is(guard: SessionGuard) -> None:
    record = logging.makeLogRecord({"msg": "user %s", "args": ("alice",), "user": {"id": 7}})
    before = dict(vars(record))

    assert RedactingFilter(guard).filter(record) is True
    assert vars(record) == before
    assert all(vars(record)[name] is before[name] for name in before)


def test_extra_fields_have_none(log: logging.Logger, handler: Keeping) -> None:
    log.warning(
        "sent", extra={"headers": {"authorization": f"Bearer {SECRET}"}, "password": "hunter2-hunter2"}
    )

    [record] = handler.records
    assert record.headers == {"authorization": "Bearer [REDACTED]"}  # type: ignore[attr-defined]
    assert record.password == "[REDACTED]"  # type: ignore[attr-defined]


def test_a_stack_has_none(guard: SessionGuard) -> None:
    record = logging.makeLogRecord({"msg": "m", "stack_info": f"Stack:\n  call({SECRET!r})"})

    kept: Any = RedactingFilter(guard).filter(record)

    assert (kept if RETURNS_RECORDS else record).stack_info == "Stack:\n  call('[REDACTED]')"


def test_a_traceback_has_none(log: logging.Logger, handler: Keeping) -> None:
    try:
        raise ValueError(f"refused {SECRET}")
    except ValueError:
        log.exception("it failed")

    [record], [line] = handler.records, handler.lines
    assert line.startswith("it failed\nTraceback (most recent call last):")
    assert line.endswith("ValueError: refused [REDACTED]")
    assert record.exc_info is None


def test_an_exception_without_secrets_stays(log: logging.Logger, handler: Keeping) -> None:
    error = ValueError("refused")
    try:
        raise error
    except ValueError:
        log.exception("key %s", SECRET)

    [record] = handler.records
    assert record.exc_info is not None
    assert record.exc_info[1] is error


def test_what_others_hold_is_not_changed(log: logging.Logger, handler: Keeping) -> None:
    held = {"key": SECRET, "list": [SECRET]}
    before = copy.deepcopy(held)

    log.warning("%s %s", held, held["list"], extra={"held": held})

    assert held == before
    assert SECRET not in str(vars(handler.records[0]))


@pytest.mark.skipif(not RETURNS_RECORDS, reason="Python 3.11 cannot hand a copy on")
def test_other_handlers_get_the_record_as_it_was(log: logging.Logger, handler: Keeping) -> None:
    other = Keeping()
    log.addHandler(other)

    log.warning("key %s", SECRET, extra={"key": SECRET})

    assert other.lines == [f"key {SECRET}"]
    assert other.records[0].key == SECRET  # type: ignore[attr-defined]


@pytest.mark.skipif(RETURNS_RECORDS, reason="later Pythons hand a copy on")
def test_on_python_3_11_whoever_comes_later_gets_the_redacted_record(
    log: logging.Logger, handler: Keeping
) -> None:
    other = Keeping()
    log.addHandler(other)

    log.warning("key %s", SECRET, extra={"key": SECRET})

    assert other.lines == ["key [REDACTED]"]
    assert other.records[0].key == "[REDACTED]"  # type: ignore[attr-defined]


def test_a_class_of_the_applications_own_stays(guard: SessionGuard) -> None:
    class Record(logging.LogRecord):
        """As `logging.setLogRecordFactory` makes it."""

    record = Record("n", 30, "p", 1, "key %s", (SECRET,), None)

    kept: Any = RedactingFilter(guard).filter(record)

    assert type(kept if RETURNS_RECORDS else record) is Record


def test_a_number_that_is_secret_does_not_break_its_template(log: logging.Logger, handler: Keeping) -> None:
    log.warning("card %d", 4111111111111111)
    log.warning("pin %(password)d", {"password": 123456789})

    assert len(handler.lines) == 2
    assert "123456789" not in handler.lines[1]


class Hostile:
    """An argument whose own code raises, whatever is asked of it."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("no")

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


class Breaking:
    """An argument that cannot be shown."""

    def __str__(self) -> str:
        raise ValueError("cannot be shown")


def test_a_calls_own_mistake_is_reported_as_without_the_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = io.StringIO()
    monkeypatch.setattr(sys, "stderr", printed)
    handler = logging.StreamHandler(printed)
    handler.addFilter(RedactingFilter(Redactor()))

    handler.handle(logging.makeLogRecord({"msg": "%s %s", "args": ("one",)}))

    assert "--- Logging error ---" in printed.getvalue()


def test_an_argument_that_cannot_be_shown_is_withheld(log: logging.Logger, handler: Keeping) -> None:
    log.warning("%s of %d", Breaking(), 7)

    assert handler.lines == ["[WITHHELD] of 7"]


def test_a_mistake_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = io.StringIO()
    monkeypatch.setattr(sys, "stderr", printed)
    handler = logging.StreamHandler(printed)
    handler.addFilter(RedactingFilter(Redactor()))

    handler.handle(logging.makeLogRecord({"msg": "key %s %d", "args": (SECRET, "seven")}))

    assert printed.getvalue() == "key %s %d ('[REDACTED]', 'seven')\n"


def test_what_cannot_be_redacted_is_withheld_and_counted(guard: SessionGuard) -> None:
    record = logging.makeLogRecord({"name": "app", "levelno": 40, "msg": f"key {SECRET}", "key": SECRET})
    filtering = RedactingFilter(guard)
    record.args = Hostile()  # type: ignore[assignment]
    record.exc_info = Hostile()  # type: ignore[assignment]

    kept: Any = filtering.filter(record)

    shown = kept if RETURNS_RECORDS else record
    assert shown.getMessage() == "[WITHHELD]"
    assert (shown.name, shown.levelno) == ("app", 40)
    assert SECRET not in str(vars(shown))
    assert guard.counters.get("withheld", "logging", "fault") == 1
    assert guard.counters.get("seen", "logging") == 1


def test_redactions_are_counted_without_the_text(
    log: logging.Logger, handler: Keeping, guard: SessionGuard
) -> None:
    log.warning("key %s", SECRET)

    assert guard.counters.get("redactions", "logging") >= 1


def test_a_redactor_alone_is_enough() -> None:
    record = logging.makeLogRecord({"msg": f"key {SECRET}"})

    kept: Any = RedactingFilter(Redactor()).filter(record)

    assert (kept if RETURNS_RECORDS else record).getMessage() == "key [REDACTED]"


@pytest.mark.parametrize("given", [None, "guard", Policy(provider="OpenHuman")])
def test_anything_else_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=r"^invalid redactor .*; expected a Redactor or a SessionGuard$"):
        RedactingFilter(given)


def test_a_field_of_the_record_that_is_not_a_text_is_redacted_too(guard: SessionGuard) -> None:
    record = logging.makeLogRecord({"msg": "m", "taskName": SECRET.encode(), "threadName": [SECRET]})

    passed = RedactingFilter(guard).filter(record)

    kept = record if passed is True else passed
    assert SECRET not in repr(vars(kept))
