"""What an application does all day: failing calls, bugs, healthy work, all with hostile data in it."""

from __future__ import annotations

import logging
import random
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import httpx
import sentry_sdk
import sentry_sdk.logger as sentry_logger
from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.metrics import Meter
from opentelemetry.trace import SpanKind, Tracer

from sentry_filters import SessionExpiredError, SessionGuard
from tests.torture.reports import Report

_log = logging.getLogger("application")
_LONGEST = 3_000_000


class Hostile:
    """Raises on every access."""

    def __repr__(self) -> str:
        raise MemoryError

    __str__ = __repr__


@dataclass(repr=False)
class Traffic:
    """The actions of one process. Thread-safe apart from the report's lists, which only grow.

    It has no `repr` of its own: Sentry sends that of every local variable, and marks would arrive with
    another report.

    Args:
        guard: The application's guard.
        client: Instrumented.
        tracer: Of a guarded provider.
        logger: Of a guarded provider.
        meter: Of a provider whose exporter redacts.
        backend: Base URL of the hosted backend, whose session is dead.
        other: Base URL of a third party, which rejects every key.
        canary: A secret that must never arrive.
        report: The process's report.
        starved: Whether memory is so short that the application and the SDKs fail on their own.
    """

    guard: SessionGuard
    client: httpx.Client
    tracer: Tracer
    logger: Logger
    meter: Meter
    backend: str
    other: str
    canary: str
    report: Report
    starved: bool = False

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._tokens = self.meter.create_counter("gen_ai.client.token.usage")

    def act(self, chance: random.Random) -> None:
        """Do one thing; whatever it raises is the package's fault, and recorded."""
        name, do = chance.choices(_ACTS, _WEIGHTS)[0]
        self.report.acts[name] += 1
        try:
            do(self, chance)
        except Exception as error:
            if not isinstance(error, MemoryError | RuntimeError) or not self.starved or is_ours(error):
                where = traceback.format_tb(error.__traceback__)[-1].strip()
                self.report.raised.append(f"{name}: {type(error).__name__}: {error} {where}"[:400])
            else:
                self.report.acts["failed for want of memory"] += 1

    def mark(self, kind: str) -> str:
        """Return a new mark; those of kinds U and T must arrive."""
        with self._lock:
            self._number += 1
            return f"{kind}{self.report.pid}-{self._number}-end"

    def expect(self, mark: str, event_id: str | None) -> None:
        """Record that a report was made, and for what, unless the SDK did not accept it."""
        if event_id is not None:
            self.report.sent.append(mark)

    def storm(self, chance: random.Random) -> None:
        """Call with a dead session, and report that in one of the ways that applications use."""
        mark = self.mark("O")
        try:
            with self.tracer.start_as_current_span("job"), self.chat_span():
                self.call(self.backend)
        except httpx.HTTPError as error:
            with sentry_sdk.new_scope() as scope:
                scope.set_extra("mark", mark)
                if chance.random() < 0.5:
                    scope.set_tags(_tags("OpenHuman"))
                scope.capture_exception(error)
            if chance.random() < 0.3:
                _log.error("OpenHuman API error (401 Unauthorized): %s", mark)

    def third_party(self, chance: random.Random) -> None:
        """Call a third party with a key that it rejects."""
        mark = self.mark("T")
        try:
            with self.tracer.start_as_current_span("job"):
                self.call(self.other)
        except httpx.HTTPError as error:
            with sentry_sdk.new_scope() as scope:
                scope.set_tags(_tags("OpenAI") if chance.random() < 0.5 else {})
                scope.set_extra("note", self.canary)
                error.args = (mark,)
                self.expect(mark, scope.capture_exception(error))

    def bug(self, chance: random.Random) -> None:
        """Fail for an unrelated reason, with secrets in the message, the locals and the extra."""
        mark = self.mark("U")
        password = self.canary
        try:
            raise ValueError(f"{mark} password={password}")
        except ValueError as error:
            with sentry_sdk.new_scope() as scope:
                scope.set_extra("config", {"api_key": password, "odd": Hostile()})
                scope.set_tag("token", password)
                self.expect(mark, scope.capture_exception(error))

    def giant(self, chance: random.Random) -> None:
        """Report a text of megabytes."""
        mark = self.mark("U")
        filler = chance.choice(("a", "(", '{"', "\\", "é", "password=", "-----BEGIN ")) * 1_000
        text = filler * chance.randrange(1, max(2, _LONGEST // len(filler)))
        self.expect(mark, sentry_sdk.capture_message(f"{mark} {self.canary} {text}", "error"))

    def healthy(self, chance: random.Random) -> None:
        """Do work that succeeds, with spans, logs and a transaction."""
        with (
            sentry_sdk.start_transaction(op="task", name="healthy"),
            self.tracer.start_as_current_span("healthy") as span,
        ):
            span.set_attribute("gen_ai.usage.input_tokens", chance.randrange(10_000))
            span.set_attribute("authorization", f"Bearer {self.canary}")
            _log.warning("slow answer for key %s", self.canary)

    def telemetry(self, chance: random.Random) -> None:
        """Emit logs and metrics of both SDKs, with secrets in them."""
        said = f"the key is {self.canary}"
        attributes = {"api_key": self.canary, "gen_ai.request.model": f"m{chance.randrange(5)}"}
        self.logger.emit(severity_number=SeverityNumber.INFO, body=said, attributes=attributes)
        self.logger.emit(
            severity_number=SeverityNumber.ERROR, body="OpenHuman API error (401 Unauthorized)", attributes={}
        )
        self._tokens.add(chance.randrange(1000), attributes)
        sentry_logger.warning("the key of {name} is " + self.canary, name=self.canary)
        sentry_sdk.metrics.count("tokens", 1, attributes=attributes)

    def spawn(self, chance: random.Random) -> None:
        """Start another program, by a fork with or without Python's own hooks."""
        prepare = (lambda: None) if chance.random() < 0.5 else None
        subprocess.run([sys.executable, "-S", "-c", ""], check=False, preexec_fn=prepare)

    def sign_in(self, chance: random.Random) -> None:
        """Sign in again, with the credential that all calls use; the backend will not know it either."""
        self.guard.session_renewed(chance.choice((None, self.canary)))

    def asks(self, chance: random.Random) -> None:
        """Ask the gate."""
        try:
            self.guard.gate.check()
        except SessionExpiredError:
            self.report.acts["refused"] += 1

    def call(self, url: str) -> None:
        """Make one LLM call."""
        headers = {"authorization": f"Bearer {self.canary}"}
        self.client.post(f"{url}/chat/completions", json={}, headers=headers).raise_for_status()

    def chat_span(self) -> AbstractContextManager[object]:
        """Return the span that an instrumentation would make."""
        attributes = {"gen_ai.operation.name": "chat", "gen_ai.prompt": self.canary}
        return self.tracer.start_as_current_span("chat m", kind=SpanKind.CLIENT, attributes=attributes)


_ACTS: list[tuple[str, Callable[[Traffic, random.Random], None]]] = [
    (act.__name__, act)
    for act in (
        Traffic.storm, Traffic.third_party, Traffic.bug, Traffic.giant, Traffic.healthy, Traffic.sign_in,
        Traffic.asks, Traffic.telemetry, Traffic.spawn,
    )
]  # fmt: skip
_WEIGHTS = [40.0, 12.0, 15.0, 1.0, 20.0, 1.0, 11.0, 12.0, 0.3]
_OWN = ("sentry_filters", "otel")
_SDKS = ("sentry_sdk", "opentelemetry", "httpx", "httpcore")


def is_ours(error: BaseException) -> bool:
    """Return whether an exception came from the package: no SDK's frame is below the package's own."""
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        top = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if top in _SDKS:
            return False
        if top in _OWN:
            return True
    return False


def _tags(provider: str) -> dict[str, str]:
    return {
        "domain": "llm_provider",
        "operation": "chat_completions",
        "provider": provider,
        "status": "401",
        "failure": "non_2xx",
    }
