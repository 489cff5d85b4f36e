"""Two backends in one guard, through real providers of the SDK and a real instrumentation of httpx."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from otel import GuardedSpanProcessor, instrument
from sentry_filters import Policy, SessionExpired, SessionExpiredError, SessionGuard
from sentry_filters.evidence import stated_tags
from tests.support.backend import LLMBackend
from tests.support.secrets import fake

pytestmark = pytest.mark.integration

KEY = fake("eyJ", 40)


class Application:
    """Calls two backends of its own, and a third party, inside spans."""

    def __init__(self, servers: dict[str, LLMBackend], *, demotes: str | None = None) -> None:
        self.servers = servers
        self.published: list[SessionExpired] = []
        own = [
            Policy(
                provider=name,
                hosts={servers[name].address},
                domain=f"layer_of_{name}",
                span_action="demote" if name == demotes else "drop",
            )
            for name in ("Alpha", "Beta")
        ]
        self.guard = SessionGuard(own, self.published.append)
        self.exporter = InMemorySpanExporter()
        self.traces = TracerProvider(active_span_processor=GuardedSpanProcessor(self.guard))
        self.traces.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.client = self.guard.instrument(httpx.Client(trust_env=False))
        HTTPXClientInstrumentor().instrument_client(self.client, tracer_provider=self.traces)

    def call(self, name: str) -> None:
        url = f"{self.servers[name].url}/chat/completions"
        self.client.post(url, json={}, headers={"authorization": f"Bearer {KEY}"}).raise_for_status()

    def work(self, *names: str) -> list[str]:
        """Call these inside the spans of a job; return the servers whose spans were exported as failed."""
        self.exporter.clear()
        with self.traces.get_tracer("app").start_as_current_span("job"):
            for name in names:
                with (
                    contextlib.suppress(httpx.HTTPStatusError),
                    self.traces.get_tracer("app").start_as_current_span(f"ask {name}"),
                ):
                    self.call(name)
        self.traces.force_flush()
        by_address = {server.address: name for name, server in self.servers.items()}
        spans = self.exporter.get_finished_spans()
        failed = [one.attributes or {} for one in spans if one.status.status_code is StatusCode.ERROR]
        urls = [str(one.get("http.url") or one["url.full"]) for one in failed if one]
        return [by_address[httpx.URL(url).netloc.decode()] for url in urls]

    def events(self) -> list[object]:
        """The providers that the exported spans' `session.expired` events name."""
        return [
            (event.attributes or {})["sentry_filters.provider"]
            for span in self.exporter.get_finished_spans()
            for event in span.events
            if event.name == "session.expired"
        ]

    @property
    def told(self) -> list[str]:
        self.guard.bus.flush()
        return [event.provider for event in self.published]


Start = Callable[..., Application]


@pytest.fixture
def start(servers: dict[str, LLMBackend]) -> Iterator[Start]:
    """Set the application up; closed after the test."""
    with ExitStack() as stack:

        def start(*, demotes: str | None = None) -> Application:
            app = Application(servers, demotes=demotes)
            stack.callback(app.guard.close)
            stack.callback(app.traces.shutdown)
            stack.callback(app.client.close)
            return app

        yield start


@pytest.fixture
def servers() -> Iterator[dict[str, LLMBackend]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(LLMBackend()) for name in ("Alpha", "Beta", "Third")}


def test_each_backends_failed_spans_are_its_own(start: Start) -> None:
    app = start()
    app.servers["Beta"].state.valid.add(KEY)

    assert app.work("Alpha", "Beta") == []
    assert app.events() == ["Alpha"]
    assert app.told == ["Alpha"]
    app.servers["Beta"].state.valid.clear()
    assert app.work("Alpha", "Beta", "Third") == ["Third"]
    assert app.events() == ["Alpha", "Beta"]
    assert app.told == ["Alpha", "Beta"]


def test_what_becomes_of_spans_is_each_policys_own(start: Start) -> None:
    app = start(demotes="Beta")

    assert app.work("Alpha", "Beta") == []
    names = [span.name for span in app.exporter.get_finished_spans()]
    assert names == ["ask Alpha", "POST", "ask Beta", "job"], "Beta's own span is demoted"


@pytest.mark.parametrize("domain", ["layer_of_Alpha", "layer_of_Beta"])
def test_a_span_is_a_call_by_the_word_of_either_domain(start: Start, domain: str) -> None:
    app, provider = start(), domain.removeprefix("layer_of_")
    tags = stated_tags(domain, "chat", provider, 401)

    with app.traces.get_tracer("app").start_as_current_span("chat", attributes=tags) as span:
        span.set_status(StatusCode.ERROR)
    app.traces.force_flush()
    assert app.exporter.get_finished_spans() == ()
    assert app.told == [provider]


def test_a_refusal_names_the_backend_whose_gate_refused(start: Start) -> None:
    app = start()
    app.work("Beta")
    app.exporter.clear()

    with pytest.raises(SessionExpiredError), app.traces.get_tracer("app").start_as_current_span("job"):
        app.guard.gate.check(provider="Beta")
    [span] = app.exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.UNSET
    assert app.events() == ["Beta"]


def test_logs_of_both_are_dropped_and_their_expiries_logged(start: Start) -> None:
    app, exporter = start(), InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    instrument(app.guard, logger_provider=provider)
    app.work("Alpha", "Beta")
    app.guard.bus.flush()

    expired = [
        (one.log_record.attributes or {}).get("sentry_filters.provider")
        for one in exporter.get_finished_logs()
        if one.log_record.event_name == "session.expired"
    ]
    assert expired == ["Alpha", "Beta"]
