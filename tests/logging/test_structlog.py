"""What structlog's own renderers get: event dicts without secrets."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from sentry_filters import Policy, SessionGuard
from sentry_filters.logging import redact_processor
from tests.support.secrets import fake

pytest.importorskip("structlog")

import structlog

SECRET = fake("sk-ant-api03-", 60)


@pytest.fixture
def guard() -> Iterator[SessionGuard]:
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}), print)
    yield guard
    guard.close()


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


def logger(out: io.StringIO, *processors: Any) -> Any:
    return structlog.wrap_logger(structlog.PrintLogger(out), processors=processors, context_class=dict)


def act(log: Any) -> None:
    try:
        local = SECRET
        raise ValueError(f"refused {local}")
    except ValueError:
        log.error(
            f"key {SECRET}",
            headers={"authorization": f"Bearer {SECRET}"},
            password="hunter2-hunter2",
            user="alice",
            exc_info=True,
        )


DEFAULT = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.StackInfoRenderer(),
    structlog.dev.set_exc_info,
    structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
]


@pytest.mark.filterwarnings("ignore:Remove `format_exc_info`")  # of releases before 26
@pytest.mark.parametrize("colours", [True, False])
def test_the_default_console_shows_none(guard: SessionGuard, out: io.StringIO, colours: bool) -> None:
    act(logger(out, *DEFAULT, redact_processor(guard), structlog.dev.ConsoleRenderer(colors=colours)))

    shown = out.getvalue()
    assert ("\x1b[" in shown) is colours
    assert SECRET not in shown
    assert "hunter2" not in shown
    assert "ValueError: refused [REDACTED]" in shown
    assert "alice" in shown


@pytest.mark.parametrize(
    "before",
    [
        pytest.param([], id="alone"),
        pytest.param([structlog.processors.format_exc_info], id="behind-format_exc_info"),
        pytest.param([structlog.processors.dict_tracebacks], id="behind-dict_tracebacks"),
        pytest.param([structlog.processors.ExceptionPrettyPrinter(io.StringIO())], id="behind-a-printer"),
    ],
)
def test_json_has_none(guard: SessionGuard, out: io.StringIO, before: list[Any]) -> None:
    act(logger(out, *before, redact_processor(guard), structlog.processors.JSONRenderer()))

    event = json.loads(out.getvalue())
    assert SECRET not in out.getvalue()
    assert event["event"] == "key [REDACTED]"
    assert event["password"] == "[REDACTED]"
    assert event["headers"] == {"authorization": "Bearer [REDACTED]"}
    assert event["user"] == "alice"


def test_a_finished_line_has_none(guard: SessionGuard, out: io.StringIO) -> None:
    act(
        logger(
            out,
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(),
            redact_processor(guard),
        )
    )

    assert SECRET not in out.getvalue()
    assert "user=alice" in out.getvalue()


def test_records_of_the_standard_library_are_formatted_without(guard: SessionGuard, out: io.StringIO) -> None:
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                redact_processor(guard),
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=[structlog.stdlib.add_log_level],
        )
    )
    record = logging.makeLogRecord(
        {"msg": "key %s", "args": (SECRET,), "levelno": 30, "levelname": "WARNING"}
    )

    handler.handle(record)

    assert json.loads(out.getvalue()) == {"event": "key [REDACTED]", "level": "warning"}


def test_an_event_without_secrets_is_handed_on_as_it_is(guard: SessionGuard) -> None:
    event = {"event": "sent", "user": {"id": 7}}

    assert redact_processor(guard)(None, "info", event) is event


def test_the_event_that_came_in_is_not_changed(guard: SessionGuard) -> None:
    inner = {"key": SECRET}
    event = {"event": "sent", "inner": inner, "exc_info": ValueError(SECRET)}
    before = dict(event)

    redacted = redact_processor(guard)(None, "info", event)

    assert SECRET not in str(redacted)
    assert event == before
    assert inner == {"key": SECRET}


@pytest.mark.parametrize("given", [True, (None, None, None), 1])
def test_without_an_exception_in_flight_there_is_no_traceback(guard: SessionGuard, given: Any) -> None:
    assert redact_processor(guard)(None, "info", {"event": "e", "exc_info": given}) == {"event": "e"}


def test_an_exceptions_triple_becomes_its_traceback(guard: SessionGuard) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        redacted: Any = redact_processor(guard)(None, "info", {"event": "e", "exc_info": sys.exc_info()})

    assert redacted["exception"].endswith("ValueError: [REDACTED]")
    assert "exc_info" not in redacted


class Hostile(dict[str, Any]):
    """An event dict whose own code raises."""

    def items(self) -> Any:
        raise RuntimeError("no")


def test_what_cannot_be_redacted_is_withheld_and_counted(guard: SessionGuard) -> None:
    event = Hostile(event=f"key {SECRET}", level="error", exc_info=True)

    assert redact_processor(guard)(None, "error", event) == {"event": "[WITHHELD]", "level": "error"}
    assert guard.counters.get("withheld", "logging", "fault") == 1


def test_anything_but_a_guard_or_a_redactor_is_refused() -> None:
    with pytest.raises(TypeError, match="^invalid redactor None; expected"):
        redact_processor(None)  # type: ignore[arg-type]
