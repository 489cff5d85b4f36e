"""The real parts that the machine drives: a backend that answers as it is told to, an application."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from contextvars import copy_context
from typing import Any

import httpx
import sentry_sdk
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from sentry_sdk.integrations.logging import LoggingIntegration

from otel import GuardedSpanProcessor
from sentry_filters import Policy, SessionExpired, SessionGuard, Subscription
from tests.support.sentry import CapturingTransport, initialised
from tests.support.servers import LocalServer, QuietHandler

CREDENTIALS = {"a": "eyJ" + "a" * 40, "b": "eyJ" + "b" * 40}

_REJECTED = b'{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}'
ANSWERS = {
    "alive": (200, b"{}", "application/json"),
    "dead": (401, b'{"success":false,"error":"Invalid token"}', "application/json"),
    "rejected": (401, _REJECTED, "application/json"),
    "firewall": (403, b"<html>Forbidden</html>", "text/html"),
    "broken": (500, b'{"error":"oops"}', "application/json"),
}
"""What the backend may answer: status, body and type. Only one of them is the end of a session."""


class Backend(LocalServer):
    """Answers each credential as it is told to; holds an answer back where a request asks for it."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.arrived, self.released = threading.Event(), threading.Event()
        backend = self

        class Handler(QuietHandler):
            def do_POST(self) -> None:
                self.read_body()
                token = (self.headers.get("authorization") or "").removeprefix("Bearer ")
                status, body, kind = ANSWERS[backend.answers.get(token, "dead")]
                if self.headers.get("x-held"):
                    backend.arrived.set()
                    backend.released.wait(20)
                self.answer(status, body, kind)

        super().__init__(Handler)

    def post(self, client: httpx.Client, token: str, **headers: str) -> None:
        """Call it; raises what the client raises."""
        headers["authorization"] = f"Bearer {token}"
        client.post(f"http://{self.address}/v1/chat/completions", json={}, headers=headers).raise_for_status()


class Application:
    """An application with Sentry and OpenTelemetry behind one guard.

    Args:
        ours: The hosted backend.
        third: Another provider's, which knows nobody.
        scope: `Policy.scope`.
    """

    def __init__(self, ours: Backend, third: Backend, scope: Any) -> None:
        self._stack = ExitStack()
        self._ours, self._third = ours, third
        ours.answers = dict.fromkeys(CREDENTIALS.values(), "alive")
        # Without a grace, what is reported after a sign-in without a known start counts as begun after it.
        policy = Policy(provider="OpenHuman", hosts={ours.address}, scope=scope, renewal_grace=0.0)
        self.guard = SessionGuard(policy)
        self._stack.callback(self.guard.close)
        self._transport, self._exporter = CapturingTransport(), InMemorySpanExporter()
        options = self.guard.sentry_options(
            dsn="http://a@localhost/1",
            transport=self._transport,
            default_integrations=False,  # the one that drops an error which it has just seen among them
            integrations=[LoggingIntegration()],
            auto_enabling_integrations=False,
        )
        self._stack.enter_context(initialised(**options))
        self._provider = TracerProvider(
            active_span_processor=GuardedSpanProcessor(self.guard), shutdown_on_exit=False
        )
        self._provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._stack.callback(self._provider.shutdown)
        # Without certificates, which take long to load, and which a loopback server does not have.
        self._plain = self._stack.enter_context(httpx.Client(verify=False))
        self._seen = self.guard.instrument(self._stack.enter_context(httpx.Client(verify=False)))
        self._pool = self._stack.enter_context(ThreadPoolExecutor(1))
        self._held: Future[BaseException | None] | None = None
        self.heard: list[tuple[Subscription, list[SessionExpired]]] = []

    def close(self) -> None:
        """Take everything down."""
        self._ours.released.set()
        self._stack.close()

    # Calls

    def answers(self, name: str, answer: str) -> None:
        """Let the backend answer the credential of this name so from now on."""
        self._ours.answers[CREDENTIALS[name]] = answer

    def call(self, name: str, *, seen: bool) -> None:
        """Call our backend, in a task of its own; raises as the client does."""
        copy_context().run(self.call_here, name, seen=seen)

    def call_here(self, name: str, *, seen: bool) -> None:
        """Call our backend in the current task."""
        self._ours.post(self._seen if seen else self._plain, CREDENTIALS[name])

    def call_third(self, *, seen: bool) -> None:
        """Call the other provider, which refuses, in a task of its own."""
        copy_context().run(self.call_third_here, seen=seen)

    def call_third_here(self, *, seen: bool) -> None:
        """Call the other provider in the current task."""
        self._third.post(self._seen if seen else self._plain, "sk-third")

    def start(self, name: str) -> None:
        """Start a call that is answered when `finish` is called; it has arrived when this returns."""
        self._ours.arrived.clear()
        self._ours.released.clear()
        self._held = self._pool.submit(
            lambda: failure_of(lambda: self._ours.post(self._seen, CREDENTIALS[name], **{"x-held": "1"}))
        )
        assert self._ours.arrived.wait(20)

    def finish(self) -> BaseException | None:
        """Let the call that was started be answered; return what it raised."""
        held, self._held = self._held, None
        self._ours.released.set()
        assert held is not None
        return held.result(20)

    # What arrives

    def events(self, act: Callable[[], object]) -> list[dict[str, Any]]:
        """Return the error events that Sentry gets of what `act` does."""
        self._transport.envelopes.clear()
        act()
        return self._transport.events

    @contextmanager
    def span(self) -> Iterator[None]:
        """The application's own work, in a span; what it raises is recorded there, and goes no further."""
        with suppress(Exception), self._provider.get_tracer("app").start_as_current_span("turn"):
            yield

    def failed_spans(self) -> list[bool]:
        """Return of each span that was exported since the last time whether it is one that failed."""
        self._provider.force_flush()
        spans = self._exporter.get_finished_spans()
        self._exporter.clear()
        return [
            span.status.status_code is StatusCode.ERROR
            and any(one.name == "exception" for one in span.events)
            for span in spans
        ]

    @property
    def published(self) -> int:
        """How many expiries were published."""
        return self.guard.counters.get("session_expired")


def failure_of(act: Callable[[], object]) -> BaseException | None:
    """Return what `act` raises, None where it raises nothing."""
    try:
        act()
    except Exception as error:
        return error
    return None


def captured_as(via: str, error: BaseException) -> None:
    """Report an exception to Sentry, in one of the ways there are."""
    if via == "exception":
        sentry_sdk.capture_exception(error)
    else:
        logging.getLogger("tests.machine").error("the turn failed: %s", error)
