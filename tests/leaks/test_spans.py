"""Published leaks of spans and metrics: through a guarded provider and the OTLP exporter."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import pydantic
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Span, Status, StatusCode, Tracer

from otel import GuardedSpanProcessor, RedactingMetricExporter, RedactingSpanExporter
from sentry_filters import Policy, Redactor, SessionGuard
from tests.leaks.canaries import Canary
from tests.otel.instrumented import require_group
from tests.support.otlp import OTLPReceiver

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Pipeline:
    """A guarded provider whose spans a receiver gets, and one whose guard redacts content, too."""

    provider: TracerProvider
    without_content: TracerProvider
    receiver: OTLPReceiver

    def exported(self, call: Callable[[], None]) -> bytes:
        """Return what was received of `call`: the bytes, and what the protocol reads in them."""
        before = len(self.receiver.posted)
        call()
        bodies = [posted.body for posted in self.receiver.posted[before:]]
        # Numbers are not spelt in the bytes.
        read = [str(ExportTraceServiceRequest.FromString(body)).encode() for body in bodies]
        return b"\n".join([*bodies, *read])


def otlp(signal: str, receiver: OTLPReceiver) -> Any:
    module, kind, path = {
        "span": ("trace_exporter", "OTLPSpanExporter", "traces"),
        "metric": ("metric_exporter", "OTLPMetricExporter", "metrics"),
    }[signal]
    exporter = getattr(importlib.import_module(f"opentelemetry.exporter.otlp.proto.http.{module}"), kind)
    return exporter(endpoint=f"{receiver.url}/v1/{path}")


@pytest.fixture(scope="module")
def pipeline() -> Iterator[Pipeline]:
    require_group()
    guards = [
        SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}, redact_content=content), print)
        for content in (False, True)
    ]
    with OTLPReceiver() as receiver:
        providers: list[TracerProvider] = []
        for guard in guards:
            provider = TracerProvider(active_span_processor=GuardedSpanProcessor(guard))
            provider.add_span_processor(SimpleSpanProcessor(otlp("span", receiver)))
            providers.append(provider)
        yield Pipeline(providers[0], providers[1], receiver)
        for provider, guard in zip(providers, guards, strict=True):
            provider.shutdown()
            guard.close()


def attributes(**made: Callable[[Canary], Any]) -> Callable[[Span, Canary], None]:
    """Return what sets these attributes; `__` in a name is a dot."""

    def write(span: Span, canary: Canary) -> None:
        for name, make in made.items():
            span.set_attribute(name.replace("__", "."), make(canary))

    return write


def an_event(span: Span, canary: Canary) -> None:
    span.add_event("call", {"token": canary.generated, "note": canary.harmless, "text": f"with {canary.key}"})


def a_refused_argument(span: Span, canary: Canary) -> None:
    class Login(pydantic.BaseModel):
        user: str
        password: str = pydantic.Field(min_length=100)

    try:
        Login.model_validate({"user": canary.harmless, "password": canary.chosen})
    except pydantic.ValidationError as error:
        span.record_exception(error)
        span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
    span.set_attribute("tool", canary.harmless)


class LLM(pydantic.BaseModel):
    """As frameworks have it: its repr has the key in it."""

    model: str
    api_key: str


def by_reprs(span: Span, canary: Canary) -> None:
    llm = LLM(model=canary.harmless, api_key=canary.generated)
    span.set_attribute("agent.llm", str(llm))
    span.set_attribute("mlflow.spanInputs", json.dumps({"agent": f"Agent(role='x', llm={llm!r})"}))


def requested(span: Span, canary: Canary) -> None:
    span.set_attribute("http.request.header.authorization", [canary.generated])
    span.set_attribute("http.request.header.x-api-key", [canary.generated])
    span.set_attribute("http.request.header.x_goog_api_key", [canary.generated])
    span.set_attribute("http.request.header.cookie", [f"sid={canary.generated}"])
    span.set_attribute("http.request.header.user_agent", [canary.harmless])


def named_after_a_url(span: Span, canary: Canary) -> None:
    url = f"https://api.example.com/{canary.harmless}?key={canary.generated}&page=2"
    span.update_name(f"GET {url}")
    span.set_attribute("http.url", url)
    span.set_attribute("logfire.msg", f"GET {url}")


_AWS = (
    "https://bucket.s3.amazonaws.com/{harmless}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=900"
    "&X-Amz-Security-Token={generated}{generated}&X-Amz-Signature={generated}{generated}"
)

CASES: dict[str, Callable[[Span, Canary], None]] = {
    "third-party-span": attributes(
        input__value=lambda at: json.dumps({"messages": [{"role": "user", "content": f"my key: {at.key}"}]}),
        llm__input_messages__0__message__content=lambda at: f"{at.harmless}, password={at.chosen}",
    ),
    "url-is-safe": named_after_a_url,
    "span-event": an_event,
    "not-a-string": attributes(
        password=lambda at: at.number,
        api_key=lambda at: at.number,
        secrets=lambda at: [at.generated, at.chosen],
        arguments=lambda at: json.dumps({"client_secret": at.number, "count": 812}),
        tags=lambda at: [at.harmless, at.key],
        body=lambda at: f"password={at.chosen}".encode(),
    ),
    "url-credentials": attributes(
        url__full=lambda at: f"https://bob:{at.chosen}@host.example/{at.harmless}?sig={at.generated}&page=2",
        http__url=lambda at: f"https://host.example/x?AWSAccessKeyId=x&Signature={at.generated}%3D&Expires=1",
        url__query=lambda at: f"X-Goog-Signature={at.generated}&page=2",
    ),
    "presigned-url": attributes(
        url__full=lambda at: _AWS.format(harmless=at.harmless, generated=at.generated),
        http__target=lambda at: f"/x?X-Amz-Security-Token={at.generated}&X-Amz-Date=20260728T000000Z",
    ),
    "query-tail": attributes(
        http__url=lambda at: (
            f"https://h.example/x?token=a1:{at.generated}!~2026-05-29T10:00Z&a={at.harmless}"
        ),
    ),
    "invocation-parameters": attributes(
        llm__invocation_parameters=lambda at: json.dumps(
            {
                "model": at.harmless,
                "api_key": at.generated,
                "extra_headers": {"Authorization": f"Bearer {at.generated}", "X-Api-Key": at.generated},
                "questions": [f"my password is '{at.chosen}'"],
            }
        )
    ),
    "tool-arguments": attributes(
        traceloop__entity__input=lambda at: json.dumps(
            {"params": {"name": at.harmless, "arguments": json.dumps({"user": "bob", "password": at.chosen})}}
        ),
        mcp__response__value=lambda at: f"content=[TextContent(text='access_token={at.generated}')]",
    ),
    "exception-quotes-arguments": a_refused_argument,
    "repr-of-a-model": by_reprs,
    "keyword-argument": attributes(
        input__value=lambda at: json.dumps(
            {"args": [], "kwargs": {"api_key": at.generated, "n": at.harmless}}
        ),
        call=lambda at: f"guard(completion, model='{at.harmless}', api_key='{at.generated}', max_tokens=500)",
    ),
    "redis-handshake": attributes(
        db__statement=lambda at: f"hello 3 auth default {at.chosen} setname {at.harmless}",
        db__query__text=lambda at: f"AUTH {at.generated}",
        db__users=lambda at: f"ACL SETUSER {at.harmless} on >{at.chosen} ~* +@all",
    ),
    "mcp-credential": attributes(
        inputs=lambda at: json.dumps(
            {"mcp_servers": [{"type": "url", "name": at.harmless, "authorization_token": at.generated}]}
        ),
        metadata=lambda at: json.dumps({"ls_invocation_params": {"authorization_token": at.generated}}),
    ),
    "captured-header": requested,
}


@pytest.mark.parametrize("name", CASES)
def test_no_secret_is_exported(name: str, pipeline: Pipeline) -> None:
    canary = Canary(name)
    tracer = pipeline.provider.get_tracer("openinference.instrumentation.someone")

    def call() -> None:
        with tracer.start_as_current_span("call") as span:
            CASES[name](span, canary)

    data = pipeline.exported(call)
    assert canary.left(data) == []
    assert canary.harmless.encode() in data


def test_scope_attribute(pipeline: Pipeline) -> None:
    canary = Canary("scope-attribute")
    scope = {"token": canary.generated, "note": f"{canary.harmless} {canary.key}"}

    tracer = pipeline.provider.get_tracer("scope", attributes=scope)

    data = pipeline.exported(lambda: tracer.start_span("call").end())

    assert canary.left(data) == []
    assert canary.harmless.encode() in data


def fails(tracer: Tracer, canary: Canary, *, failing: bool) -> None:
    with tracer.start_as_current_span("chat") as span:
        messages = [{"role": "user", "parts": [{"type": "text", "content": f"about {canary.key}"}]}]
        span.set_attribute("gen_ai.input.messages", json.dumps(messages))
        span.set_attribute("gen_ai.prompt", "content of a customer")
        span.set_attribute("gen_ai.request.model", canary.harmless)
        if failing:
            span.record_exception(ValueError(f"invalid max_tokens, api_key={canary.generated}"))
            span.set_status(Status(StatusCode.ERROR, f"invalid max_tokens, api_key={canary.generated}"))


@pytest.mark.parametrize("failing", [False, True])
def test_failed_call(failing: bool, pipeline: Pipeline) -> None:
    canary, tracer = Canary("failed-call"), pipeline.without_content.get_tracer("llm")

    data = pipeline.exported(lambda: fails(tracer, canary, failing=failing))

    assert canary.left(data) == []
    assert b"content of a customer" not in data
    assert canary.harmless.encode() in data


class BrokenRedactor(Redactor):
    """Fails as foreign code in a redactor may, with the payload in its own error."""

    def redact(self, text: str) -> NoReturn:
        raise KeyError(text)

    def redact_value(self, value: object) -> NoReturn:
        raise KeyError(str(value))

    def look(self, values: Any) -> NoReturn:
        raise KeyError(str(values))


def test_raw_payload_on_failure() -> None:
    require_group()
    canary = Canary("raw-payload-on-failure")
    with OTLPReceiver() as receiver:
        provider = TracerProvider()
        exporter = RedactingSpanExporter(otlp("span", receiver), BrokenRedactor())
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        span = provider.get_tracer("app").start_span("call")
        span.set_attribute("inputs", f"{canary.harmless} password={canary.chosen} {canary.key}")
        span.end()
        provider.shutdown()

        assert canary.left(receiver.bytes) == []
        assert canary.harmless.encode() not in receiver.bytes


def test_metric_attribute() -> None:
    require_group()
    canary = Canary("metric-attribute")
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}), print)
    with OTLPReceiver() as receiver:
        exporter = RedactingMetricExporter(otlp("metric", receiver), guard.redactor)
        provider = MeterProvider([PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)])
        url = f"/{canary.harmless}?token={canary.generated}"
        labels: dict[str, str | int] = {"url": url, "password": canary.number}
        provider.get_meter("app").create_counter("calls").add(1, labels)
        provider.shutdown()
        guard.close()

        assert canary.left(receiver.bytes) == []
        assert canary.harmless.encode() in receiver.bytes
