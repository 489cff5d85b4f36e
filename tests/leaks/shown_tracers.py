"""Published leaks on the code of tools that trace LLM applications."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tests.leaks.canaries import Canary
from tests.leaks.peers import Receiver, Spans, httpx_module, module, receiver_of_anything

_KEYS = ["pk-lf-local", "sk-lf-local"]  # of the local receiver


def third_party_span(at: Canary) -> bytes:
    with receiver_of_anything() as receiver:
        langfuse = module("langfuse").Langfuse(
            public_key=_KEYS[0], secret_key=_KEYS[1], host=receiver.url, mask=lambda **_: "masked"
        )
        tracer = module("opentelemetry.trace").get_tracer("openinference.instrumentation.openai")
        with tracer.start_as_current_span("call") as span:
            span.set_attribute("openinference.span.kind", "LLM")
            span.set_attribute("llm.model_name", at.harmless)
            span.set_attribute("input.value", f"my key is {at.key}")
        langfuse.flush()
        return b"\n".join(receiver.bodies)


def _with_logfire(write: Callable[[Any], object], **scrubbing: Any) -> bytes:
    logfire, spans = module("logfire"), Spans()
    logfire.configure(
        send_to_logfire=False,
        console=False,
        additional_span_processors=[spans.processor],
        scrubbing=logfire.ScrubbingOptions(**scrubbing),
    )
    write(logfire)
    logfire.force_flush()
    return spans.exported


def marker_echoes(at: Canary) -> bytes:
    def write(logfire: Any) -> None:
        url = f"postgresql://admin:{at.chosen}@db.internal:5432/x"
        with logfire.span("connect", config_url=url, note=at.harmless):
            pass

    return _with_logfire(write, extra_patterns=[r"://[^:@/]+:[^@/]+@"])


def url_is_safe(at: Canary) -> bytes:
    def write(logfire: Any) -> None:
        url = f"https://api.example.com/{at.harmless}?secret={at.generated}"
        logfire.info("call", **{"http.url": url})

    return _with_logfire(write)


@contextmanager
def _langsmith(**options: Any) -> Iterator[tuple[Any, Receiver]]:
    with receiver_of_anything() as receiver:
        os.environ["LANGSMITH_TRACING"] = "true"
        client = module("langsmith").Client(
            api_url=receiver.url, api_key="local", info={"batch_ingest_config": {}}, **options
        )
        yield client, receiver
        client.flush()
        client.cleanup() if hasattr(client, "cleanup") else None


def _traced(client: Any, receiver: Receiver, call: Callable[..., Any], *given: Any, **options: Any) -> bytes:
    with suppress(ValueError):
        module("langsmith").traceable(client=client, **options)(call)(*given)
    client.flush()
    return b"\n".join(receiver.bodies)


def raw_payload_on_failure(at: Canary) -> bytes:
    def fail(inputs: Any) -> Any:
        raise KeyError("no such field")

    with _langsmith() as (client, receiver):
        return _traced(
            client, receiver, lambda question: at.harmless, f"password={at.chosen}", process_inputs=fail
        )


def error_field(at: Canary) -> bytes:
    def fail(question: str) -> None:
        raise ValueError(f"Authorization: Bearer {at.generated}")

    anonymizer = module("langsmith.anonymizer").create_anonymizer(
        [{"pattern": at.generated, "replace": "[secret]"}]
    )
    with _langsmith(anonymizer=anonymizer) as (client, receiver):
        return _traced(client, receiver, fail, at.harmless)


def merged_after_masking(at: Canary) -> bytes:
    os.environ["LANGSMITH_NOTE"] = f"{at.harmless} {at.generated}"
    anonymizer = module("langsmith.anonymizer").create_anonymizer(
        [{"pattern": at.generated, "replace": "[secret]"}]
    )
    with _langsmith(anonymizer=anonymizer) as (client, receiver):
        return _traced(client, receiver, lambda question: at.harmless, at.harmless)


def invocation_parameters(at: Canary) -> bytes:
    openinference, spans = module("openinference.instrumentation"), Spans()
    tracer = openinference.OITracer(
        spans.provider.get_tracer("app"), config=openinference.TraceConfig(hide_inputs=True)
    )
    with tracer.start_as_current_span("call") as span:
        span.set_attribute("input.value", f"my key is {at.key}")
        asked = json.dumps({"model": at.harmless, "questions": [f"my key is {at.key}"]})
        span.set_attribute("llm.invocation_parameters", asked)
    return spans.exported


def exception_quotes_arguments(at: Canary) -> bytes:
    ai, spans = module("pydantic_ai"), Spans()
    settings = module("pydantic_ai.models.instrumented").InstrumentationSettings(
        include_content=False, tracer_provider=spans.provider
    )
    options = {"instrument": settings}
    try:
        agent = ai.Agent(module("pydantic_ai.models.test").TestModel(), name=at.harmless, **options)
    except TypeError:  # later releases take it as a capability
        made = module("pydantic_ai.capabilities").Instrumentation(settings=settings)
        agent = ai.Agent(module("pydantic_ai.models.test").TestModel(), name=at.harmless, capabilities=[made])

    def login(user: str) -> str:
        raise ValueError(f"cannot log in with password={at.chosen}")

    agent.tool_plain(login)
    with suppress(ValueError):
        agent.run_sync("hello")
    return spans.exported


def mcp_credential(at: Canary) -> bytes:
    anthropic, httpx = module("anthropic"), httpx_module()
    answer = {
        "id": "m", "type": "message", "role": "assistant", "content": [], "model": "m",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=answer))
    server = {
        "type": "url",
        "name": at.harmless,
        "url": "https://a.test",
        "authorization_token": at.generated,
    }
    with _langsmith() as (client, receiver), httpx.Client(transport=transport) as http_client:
        wrapped = module("langsmith.wrappers").wrap_anthropic(
            anthropic.Anthropic(api_key="local", http_client=http_client), tracing_extra={"client": client}
        )
        wrapped.beta.messages.create(max_tokens=9, messages=[], model="m", mcp_servers=[server], betas=["x"])
        client.flush()
        return b"\n".join(receiver.bodies)


def tool_arguments(at: Canary) -> bytes:
    os.environ["TRACELOOP_TRACE_CONTENT"] = "false"
    spans = Spans()
    module("opentelemetry.instrumentation.mcp").McpInstrumentor().instrument(tracer_provider=spans.provider)
    server = module("mcp.server.fastmcp").FastMCP("local")

    def login(user: str, password: str) -> str:
        return "welcome"

    server.tool(name=at.harmless)(login)
    connect = module("mcp.shared.memory").create_connected_server_and_client_session

    async def call() -> None:
        async with connect(server._mcp_server) as session:
            await session.call_tool(at.harmless, {"user": "bob", "password": at.chosen})

    asyncio.run(call())
    return spans.exported
