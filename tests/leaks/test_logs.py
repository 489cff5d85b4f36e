"""Published leaks of logs: through a handler with our filter, and a guarded logger provider."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import httpx
import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

from otel import GuardedLogRecordProcessor
from sentry_filters import Policy, Redactor, SessionGuard
from sentry_filters.logging import RedactingFilter
from sentry_filters.redaction import DOUBT, Look
from tests.leaks.canaries import Canary

ROOT = "leaks"
Written = Callable[[Callable[[logging.Logger], object]], bytes]


def written(redactor: Redactor, call: Callable[[logging.Logger], object], *names: str) -> bytes:
    """Return what a handler with our filter writes of the records of `ROOT` and of the loggers `names`."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s %(note)s", defaults={"note": ""}))
    handler.addFilter(RedactingFilter(redactor))
    loggers = [logging.getLogger(name) for name in (ROOT, *names)]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    try:
        call(logging.getLogger(f"{ROOT}.child.of.it"))
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
    return stream.getvalue().encode()


def request_line(log: logging.Logger, canary: Canary) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200))  # httpx' own; its logs are real
    with httpx.Client(transport=transport) as client:
        client.get(f"https://bob:{canary.chosen}@api.test/{canary.harmless}?password={canary.number}&page=2")
        client.get(f"https://api.test/typing?key={canary.generated}")


def child_logger(log: logging.Logger, canary: Canary) -> None:
    log.warning("%s: api_key=%s, text %s", canary.harmless, canary.generated, canary.key)


def joined_by_formatting(log: logging.Logger, canary: Canary) -> None:
    log.warning("using sk-proj-%s for %s", canary.key.removeprefix("sk-proj-"), canary.harmless)
    log.warning("password=%s%s", canary.chosen[:6], canary.chosen[6:])


def template_masked(log: logging.Logger, canary: Canary) -> None:
    log.warning("GET /x?api_key=%s by %s, password: %d", canary.generated, canary.harmless, canary.number)
    log.warning("token=%(token)s by %(who)s", {"token": canary.generated, "who": canary.harmless})


def traceback_in_a_log(log: logging.Logger, canary: Canary) -> None:
    try:
        raise ValueError(f"{canary.harmless}: Authorization: Bearer {canary.generated}")
    except ValueError:
        log.exception("failed", extra={"note": {"password": canary.chosen}}, stack_info=True)


CASES: dict[str, Callable[[logging.Logger, Canary], None]] = {
    "request-line": request_line,
    "child-logger": child_logger,
    "joined-by-formatting": joined_by_formatting,
    "template-masked": template_masked,
    "traceback-in-a-log": traceback_in_a_log,
}


@pytest.mark.parametrize("name", CASES)
def test_no_secret_is_logged(name: str) -> None:
    canary = Canary(name)

    data = written(Redactor(), lambda log: CASES[name](log, canary), "httpx")

    assert canary.left(data) == []
    assert canary.harmless.encode() in data


class BrokenRedactor(Redactor):
    """Fails as foreign code in a redactor may, with the payload in its own error."""

    def scrub(self, value: object, look: Look = DOUBT) -> NoReturn:
        raise KeyError(str(value))


def test_filter_fails_open() -> None:
    canary = Canary("filter-fails-open")

    data = written(BrokenRedactor(), lambda log: child_logger(log, canary))

    assert canary.left(data) == []
    assert b"[WITHHELD]" in data


@pytest.fixture
def exporter() -> Iterator[tuple[LoggerProvider, InMemoryLogRecordExporter]]:
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}), print)
    kept = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(multi_log_record_processor=GuardedLogRecordProcessor(guard))
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    yield provider, kept
    provider.shutdown()
    guard.close()


def test_log_body(exporter: tuple[LoggerProvider, InMemoryLogRecordExporter]) -> None:
    provider, kept = exporter
    canary = Canary("log-body")
    bodies: list[Any] = [
        f"{canary.harmless} password={canary.chosen} {canary.key}",
        {"deep": [{"password": canary.number, "client_secret": canary.generated}], "n": canary.harmless},
        ["--api-key", canary.generated],
    ]

    for body in bodies:
        provider.get_logger("app").emit(body=body, attributes={"payload": f"token={canary.generated}"})

    data = "\n".join(record.to_json() for record in kept.get_finished_logs()).encode()
    assert canary.left(data) == []
    assert data.count(canary.harmless.encode()) == 2
