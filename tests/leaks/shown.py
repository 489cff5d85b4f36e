"""`python -m tests.leaks.shown NAME`: a published leak on the code of the package that had it.

Prints JSON: whether the secret left, and whether the harmless word beside it did. It runs in an environment
that holds the package and nothing of ours, so what is imported is imported by name.
"""

from __future__ import annotations

import asyncio
import gzip
import importlib.util
import io
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Any, Final

from tests.leaks.canaries import Canary
from tests.support.servers import LocalServer, QuietHandler

_KEYS = ["pk-lf-local", "sk-lf-local"]  # of the local receiver


class Receiver(LocalServer):
    """Keeps the body of every request, whatever it is."""

    def __init__(self, status: int = 200) -> None:
        self.bodies: list[bytes] = []
        lock, bodies = threading.Lock(), self.bodies

        class Handler(QuietHandler):
            def do_POST(self) -> None:
                body = self.read_body()
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                with lock:
                    bodies.append(body)
                self.answer(status, b"{}")

            do_GET = do_PATCH = do_PUT = do_POST

        super().__init__(Handler)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.address}"


def _module(name: str) -> Any:
    return importlib.import_module(name)


def _httpx() -> Any:
    return _module("httpx2" if importlib.util.find_spec("httpx2") else "httpx")


class _Spans:
    """A provider, and what it exported."""

    def __init__(self) -> None:
        export = _module("opentelemetry.sdk.trace.export")
        self._exporter = _module(
            "opentelemetry.sdk.trace.export.in_memory_span_exporter"
        ).InMemorySpanExporter()
        self.processor = export.SimpleSpanProcessor(self._exporter)
        self.provider = _module("opentelemetry.sdk.trace").TracerProvider()
        self.provider.add_span_processor(self.processor)

    @property
    def exported(self) -> bytes:
        """All spans, as JSON."""
        return "\n".join(span.to_json() for span in self._exporter.get_finished_spans()).encode()


def third_party_span(at: Canary) -> bytes:
    with Receiver() as receiver:
        langfuse = _module("langfuse").Langfuse(
            public_key=_KEYS[0], secret_key=_KEYS[1], host=receiver.url, mask=lambda **_: "masked"
        )
        tracer = _module("opentelemetry.trace").get_tracer("openinference.instrumentation.openai")
        with tracer.start_as_current_span("call") as span:
            span.set_attribute("openinference.span.kind", "LLM")
            span.set_attribute("llm.model_name", at.harmless)
            span.set_attribute("input.value", f"my key is {at.key}")
        langfuse.flush()
        return b"\n".join(receiver.bodies)


def _with_logfire(write: Callable[[Any], object], **scrubbing: Any) -> bytes:
    logfire, spans = _module("logfire"), _Spans()
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
    with Receiver() as receiver:
        os.environ["LANGSMITH_TRACING"] = "true"
        client = _module("langsmith").Client(
            api_url=receiver.url, api_key="local", info={"batch_ingest_config": {}}, **options
        )
        yield client, receiver
        client.flush()
        client.cleanup() if hasattr(client, "cleanup") else None


def _traced(client: Any, receiver: Receiver, call: Callable[..., Any], *given: Any, **options: Any) -> bytes:
    with suppress(ValueError):
        _module("langsmith").traceable(client=client, **options)(call)(*given)
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

    anonymizer = _module("langsmith.anonymizer").create_anonymizer(
        [{"pattern": at.generated, "replace": "[secret]"}]
    )
    with _langsmith(anonymizer=anonymizer) as (client, receiver):
        return _traced(client, receiver, fail, at.harmless)


def merged_after_masking(at: Canary) -> bytes:
    os.environ["LANGSMITH_NOTE"] = f"{at.harmless} {at.generated}"
    anonymizer = _module("langsmith.anonymizer").create_anonymizer(
        [{"pattern": at.generated, "replace": "[secret]"}]
    )
    with _langsmith(anonymizer=anonymizer) as (client, receiver):
        return _traced(client, receiver, lambda question: at.harmless, at.harmless)


def invocation_parameters(at: Canary) -> bytes:
    openinference, spans = _module("openinference.instrumentation"), _Spans()
    tracer = openinference.OITracer(
        spans.provider.get_tracer("app"), config=openinference.TraceConfig(hide_inputs=True)
    )
    with tracer.start_as_current_span("call") as span:
        span.set_attribute("input.value", f"my key is {at.key}")
        asked = json.dumps({"model": at.harmless, "questions": [f"my key is {at.key}"]})
        span.set_attribute("llm.invocation_parameters", asked)
    return spans.exported


def exception_quotes_arguments(at: Canary) -> bytes:
    ai, spans = _module("pydantic_ai"), _Spans()
    settings = _module("pydantic_ai.models.instrumented").InstrumentationSettings(
        include_content=False, tracer_provider=spans.provider
    )
    options = {"instrument": settings}
    try:
        agent = ai.Agent(_module("pydantic_ai.models.test").TestModel(), name=at.harmless, **options)
    except TypeError:  # later releases take it as a capability
        made = _module("pydantic_ai.capabilities").Instrumentation(settings=settings)
        agent = ai.Agent(
            _module("pydantic_ai.models.test").TestModel(), name=at.harmless, capabilities=[made]
        )

    def login(user: str) -> str:
        raise ValueError(f"cannot log in with password={at.chosen}")

    agent.tool_plain(login)
    with suppress(ValueError):
        agent.run_sync("hello")
    return spans.exported


def mcp_credential(at: Canary) -> bytes:
    anthropic, httpx = _module("anthropic"), _httpx()
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
        wrapped = _module("langsmith.wrappers").wrap_anthropic(
            anthropic.Anthropic(api_key="local", http_client=http_client), tracing_extra={"client": client}
        )
        wrapped.beta.messages.create(max_tokens=9, messages=[], model="m", mcp_servers=[server], betas=["x"])
        client.flush()
        return b"\n".join(receiver.bodies)


def tool_arguments(at: Canary) -> bytes:
    os.environ["TRACELOOP_TRACE_CONTENT"] = "false"
    spans = _Spans()
    _module("opentelemetry.instrumentation.mcp").McpInstrumentor().instrument(tracer_provider=spans.provider)
    server = _module("mcp.server.fastmcp").FastMCP("local")

    def login(user: str, password: str) -> str:
        return "welcome"

    server.tool(name=at.harmless)(login)
    connect = _module("mcp.shared.memory").create_connected_server_and_client_session

    async def call() -> None:
        async with connect(server._mcp_server) as session:
            await session.call_tool(at.harmless, {"user": "bob", "password": at.chosen})

    asyncio.run(call())
    return spans.exported


@contextmanager
def _with_sentry(**options: Any) -> Iterator[tuple[Any, Receiver]]:
    sentry_sdk = _module("sentry_sdk")
    scrubber = _module("sentry_sdk.scrubber").EventScrubber(recursive=True)
    with Receiver() as receiver:
        dsn = f"http://{'a' * 32}@{receiver.address}/1"
        sentry_sdk.init(dsn=dsn, event_scrubber=scrubber, default_integrations=False, **options)
        yield sentry_sdk, receiver
        sentry_sdk.flush(5)
        sentry_sdk.get_client().close()


def query_string(at: Canary) -> bytes:
    with _with_sentry() as (sentry_sdk, receiver):
        query = f"color={at.harmless}&password={at.chosen}"
        sentry_sdk.capture_event({"message": "failed", "request": {"url": "/", "query_string": query}})
        sentry_sdk.flush(5)
        return b"\n".join(receiver.bodies)


def transaction(at: Canary) -> bytes:
    with _with_sentry(traces_sample_rate=1.0) as (sentry_sdk, receiver):
        with sentry_sdk.start_transaction(name=at.harmless):
            sentry_sdk.set_context("login", {"user": "bob", "password": at.chosen})
        sentry_sdk.flush(5)
        return b"\n".join(receiver.bodies)


def repr_in_a_frame(at: Canary) -> bytes:
    class Service:
        def __repr__(self) -> str:
            return f"Service(region='{at.harmless}', password='{at.chosen}')"

    with _with_sentry() as (sentry_sdk, receiver):
        service = Service()
        try:
            raise ValueError(type(service).__name__)
        except ValueError as error:
            sentry_sdk.capture_exception(error)
        sentry_sdk.flush(5)
        return b"\n".join(receiver.bodies)


def request_line(at: Canary) -> bytes:
    httpx = _httpx()
    stream = io.StringIO()
    logging.basicConfig(stream=stream, level=logging.INFO)
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    with httpx.Client(transport=transport) as client:
        client.get(f"https://api.test/{at.harmless}?password={at.chosen}")
    return stream.getvalue().encode()


def headers_in_a_repr(at: Canary) -> bytes:
    aiohttp, multidict = _module("aiohttp"), _module("multidict")
    headers = multidict.CIMultiDictProxy(
        multidict.CIMultiDict({"Authorization": at.generated, "X-Note": at.harmless})
    )
    url = _module("yarl").URL("http://api.test/v1")
    error = aiohttp.ClientResponseError(aiohttp.RequestInfo(url, "GET", headers, url), (), status=500)
    return repr(error).encode()


def url_of_a_failed_request(at: Canary) -> bytes:
    requests = _module("requests")
    with Receiver(401) as receiver:
        response = requests.get(f"{receiver.url}/{at.harmless}?securityToken={at.generated}")
        try:
            response.raise_for_status()
        except requests.HTTPError as error:
            return str(error).encode()
    return b""


def invalid_header(at: Canary) -> bytes:
    requests = _module("requests")
    try:
        requests.Request("GET", "http://a.test", headers={"Authorization": f"Bearer {at.key}\n"}).prepare()
    except requests.exceptions.InvalidHeader as error:
        return f"{at.harmless} {error}".encode()
    return b""


def _requested(at: Canary, url: str) -> bytes:
    spans, requests = _Spans(), _module("requests")
    instrumentor = _module("opentelemetry.instrumentation.requests").RequestsInstrumentor()
    instrumentor.instrument(tracer_provider=spans.provider)
    with Receiver() as receiver, suppress(requests.RequestException):
        requests.get(url.format(receiver.address))
    return spans.exported


def presigned_url(at: Canary) -> bytes:
    return _requested(at, f"http://{{}}/{at.harmless}?X-Amz-Security-Token={at.generated}&X-Amz-Expires=900")


def url_credentials(at: Canary) -> bytes:
    return _requested(at, f"http://{{}}/{at.harmless}?AWSAccessKeyId=a&Signature={at.generated}")


SHOWN: Final[Mapping[str, Callable[[Canary], bytes]]] = MappingProxyType(
    {
        function.__name__.replace("_", "-"): function
        for function in (
            third_party_span, url_is_safe, marker_echoes, raw_payload_on_failure, error_field,
            merged_after_masking, mcp_credential, invocation_parameters, tool_arguments,
            exception_quotes_arguments, query_string, transaction, repr_in_a_frame, request_line,
            headers_in_a_repr, url_of_a_failed_request, invalid_header, presigned_url, url_credentials,
        )
    }
)  # fmt: skip


def main(name: str) -> int:
    """Show the leak `name`."""
    canary = Canary(name)
    data = SHOWN[name](canary)
    said = {"leaked": bool(canary.left(data)), "arrived": canary.harmless.encode() in data}
    sys.stdout.write(f"{json.dumps(said)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
