"""One framework in one scenario under one set-up: the application, and what came of its failures."""

from __future__ import annotations

import gc
import json
import logging
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import sentry_sdk
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, Tracer

from sentry_filters import Policy, SessionExpired, SessionGuard
from sentry_filters.otel import GuardedSpanProcessor
from tests.frameworks import tracing
from tests.frameworks.catalogue import Framework, Scenario, SetUp
from tests.frameworks.targets import Call, Target
from tests.support.backend import LLMBackend
from tests.support.receiver import SentryReceiver
from tests.support.secrets import fake

REJECTED = '{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}'
HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
_log = logging.getLogger("app")


@dataclass(frozen=True)
class Outcome:
    """What left the process.

    Args:
        events: Sentry's error events that mention the third party.
        other_events: Those that do not.
        spans: Failed spans that mention the third party.
        other_spans: Those that do not.
        expired: How often a `SessionExpired` was published.
        told: Messages of the other events and spans, and why they were kept.
    """

    events: int = 0
    other_events: int = 0
    spans: int = 0
    other_spans: int = 0
    expired: int = 0
    told: tuple[str, ...] = ()


def run(framework: Framework, set_up: SetUp, scenario: Scenario, *, guarded: bool) -> Outcome:
    """Run the application once, in this process, which is of no use afterwards."""
    with LLMBackend() as ours, LLMBackend() as third, SentryReceiver() as receiver:
        third.state.body = REJECTED
        expired: list[SessionExpired] = []
        policy = Policy(provider="OpenHuman", hosts={ours.address}, credential_headers=HEADERS)
        guard = SessionGuard(policy, expired.append)
        options: dict[str, Any] = {"dsn": receiver.dsn}
        sentry_sdk.init(**(guard.sentry_options(**options) if guarded else options))
        exporter = InMemorySpanExporter()
        application = _Application(
            framework, _tracer(framework, set_up, exporter, guard if guarded else None)
        )
        if guarded and set_up.instruments:
            guard.instrument()
        application.live(
            scenario,
            Target(f"http://{ours.address}", fake("eyJ", 40)),
            Target(f"http://{third.address}", fake("sk-", 40)),
        )
        gc.collect()  # tasks and generators that were left behind report what became of them
        sentry_sdk.get_client().flush(timeout=10)
        guard.bus.flush()
        decisions = repr(guard.counters) if guarded else ""
        return _outcome(receiver, exporter.get_finished_spans(), len(expired), third.address, decisions)


class _Application:
    """Calls models in turns, each with a span of its own; what fails is logged and captured.

    Args:
        framework: What it calls them with.
        tracer: Makes its own spans.
    """

    def __init__(self, framework: Framework, tracer: Tracer | None) -> None:
        self._framework = framework
        self._tracer = tracer

    def live(self, scenario: Scenario, ours: Target, third: Target) -> None:
        """Go through a scenario in one request."""
        with self._span("request"):
            if scenario == "fallback":
                self._fall_back(ours, third)
            else:
                orders = {
                    "ours": (ours, ours),
                    "third": (third,),
                    "before": (third, ours),
                    "after": (ours, third),
                }
                for target in orders[scenario]:
                    self._turn(self._framework.call, target)

    def _fall_back(self, ours: Target, third: Target) -> None:
        call = self._framework.call
        if self._framework.falls_back:
            self._turn(call, Target(ours.root, ours.key, third))
            return

        def either(target: Target) -> object:
            try:
                return call(target)
            except Exception:
                return call(third)

        self._turn(either, ours)

    def _turn(self, call: Call, target: Target) -> None:
        try:
            with self._span("turn"):
                call(target)
        except Exception as error:
            _log.error("the turn failed: %s", error)
            sentry_sdk.capture_exception(error)

    def _span(self, name: str) -> Any:
        return nullcontext() if self._tracer is None else self._tracer.start_as_current_span(name)


def _tracer(
    framework: Framework, set_up: SetUp, exporter: InMemorySpanExporter, guard: SessionGuard | None
) -> Tracer | None:
    if not set_up.traces:
        return None
    plain = SimpleSpanProcessor(exporter)
    processor = plain if guard is None else GuardedSpanProcessor(guard, plain)
    return tracing.set_up(processor, framework.spans).get_tracer("app")


def _outcome(
    receiver: SentryReceiver, spans: Iterable[ReadableSpan], expired: int, third: str, decisions: str
) -> Outcome:
    events = [_without_breadcrumbs(event) for event in receiver.events]
    failed = [span.to_json() for span in spans if span.status.status_code is StatusCode.ERROR]
    other_events = [event for event in events if not _mentions(event, third)]
    other_spans = [span for span in failed if not _mentions(span, third)]
    told = [f"event: {text[:1500]}" for text in other_events] + [
        f"span: {text[:1500]}" for text in other_spans
    ]
    return Outcome(
        events=len(events) - len(other_events),
        other_events=len(other_events),
        spans=len(failed) - len(other_spans),
        other_spans=len(other_spans),
        expired=expired,
        told=(*told, decisions) if told else (),
    )


def _without_breadcrumbs(event: dict[str, Any]) -> str:
    shown = {
        name: event.get(name) for name in ("logger", "logentry", "message", "exception", "extra", "tags")
    }
    return json.dumps(shown)


def _mentions(text: str, third: str) -> bool:
    return third in text or "Incorrect API key" in text or "invalid_api_key" in text
