"""What real instrumentations write about a call: attribute names with their source, and how they are read.

Literal names on purpose: the semantic conventions for HTTP have two generations in use, and every Python
constant of the GenAI conventions is deprecated. `gen_ai.system`, `gen_ai.provider.name` and `llm.system` name
the protocol that was spoken, not who answered: they are evidence for nothing and are not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from opentelemetry.trace import SpanKind

from sentry_filters.evidence import (
    TAG_NAMES,
    Endpoint,
    canonical_host,
    endpoint_of_url,
    path_of_url,
    status_number,
)

Attributes = Mapping[str, object]

# OpenTelemetry semantic conventions for HTTP: stable (1.23 and later), then legacy (before).
HTTP_STATUS = ("http.response.status_code", "http.status_code")
# … then Sentry's HTTP spans (`url`), and what Sentry's OTLPIntegration passes on.
URL = ("url.full", "http.url", "url")
HTTP_METHOD = ("http.request.method", "http.method")
HOST_AND_PORT = (
    ("server.address", "server.port"),  # stable HTTP, GenAI
    ("net.peer.name", "net.peer.port"),  # legacy HTTP
)
PATH = ("url.path", "http.target")  # stable, legacy
ERROR_TYPE = "error.type"  # all stable conventions

# Semantic conventions for GenAI: the operations that are one request to a model. Others ("invoke_agent",
# "execute_tool") are the application's own work around such requests.
GEN_AI_OPERATION = "gen_ai.operation.name"
MODEL_REQUESTS = frozenset({"chat", "text_completion", "generate_content", "embeddings", "responses"})
# A request's model, which GenAI's, Sentry's, logfire's and OpenLLMetry's spans of a request all have.
REQUEST_MODEL = "gen_ai.request.model"
# OpenInference (Arize): `LLM`, beside `AGENT`, `CHAIN`, `TOOL`, …
OPENINFERENCE_KIND = "openinference.span.kind"
# OpenLLMetry (Traceloop): `chat`, `completion`; work around it is a `workflow`, `task`, `agent` or `tool`.
OPENLLMETRY_REQUEST = "llm.request.type"
OPENLLMETRY_KIND = "traceloop.span.kind"
# Sentry's spans: `http.client`, `gen_ai.chat`, … Its `server.address` is the machine it runs on.
SENTRY_OP = "sentry.op"

# Semantic conventions for exceptions, on events and log records.
EXCEPTION_EVENT = "exception"
EXCEPTION_TYPE = "exception.type"
EXCEPTION_MESSAGE = "exception.message"
EXCEPTION_STACKTRACE = "exception.stacktrace"


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What a span's attributes say about a call to a provider.

    Args:
        is_call: Whether the span is a request, over HTTP or to a model; else it is the work around it.
        status: HTTP status, None where the span carries none.
        endpoint: Who answered, None where the span does not say.
        path: URL path.
        tags: Our five tags, as far as there are any.
    """

    is_call: bool
    status: int | None
    endpoint: Endpoint | None
    path: str | None
    tags: Mapping[str, object]


def may_tell_a_failure(attributes: Attributes) -> bool:
    """Say cheaply whether attributes can state a failure although the span's status does not."""
    if "http.response.status_code" not in attributes and "http.status_code" not in attributes:
        return "failure" in attributes
    return (status_number(_first(attributes, HTTP_STATUS)) or 0) >= 400


def facts_of(attributes: Attributes, kind: SpanKind, domain: str) -> CallFacts:
    """Read a failed span's attributes.

    Args:
        attributes: The attributes.
        kind: The span's kind: what a server span says about HTTP is about its own caller.
        domain: `Policy.domain`; a span of that domain is a call by the application's own word.
    """
    outgoing = kind not in (SpanKind.SERVER, SpanKind.CONSUMER)
    status = status_number(_first(attributes, HTTP_STATUS)) if outgoing else None
    url = _first(attributes, URL) if outgoing else None
    over_http = outgoing and (status is not None or _first(attributes, HTTP_METHOD) is not None)
    return CallFacts(
        is_call=over_http or _is_model_request(attributes) or attributes.get("domain") == domain,
        status=status,
        endpoint=_endpoint(attributes, url) if outgoing else None,
        path=_path(attributes, url),
        tags={name: attributes[name] for name in TAG_NAMES if name in attributes},
    )


def _is_model_request(attributes: Attributes) -> bool:
    operation = attributes.get(GEN_AI_OPERATION)
    if operation is not None:
        return operation in MODEL_REQUESTS
    if OPENINFERENCE_KIND in attributes:
        return attributes[OPENINFERENCE_KIND] == "LLM"
    if OPENLLMETRY_KIND in attributes:
        return False
    return OPENLLMETRY_REQUEST in attributes or REQUEST_MODEL in attributes


def _endpoint(attributes: Attributes, url: object) -> Endpoint | None:
    if isinstance(url, str) and (endpoint := endpoint_of_url(url)) is not None:
        return endpoint
    if SENTRY_OP in attributes:
        return None
    for host_name, port_name in HOST_AND_PORT:
        host, port = attributes.get(host_name), attributes.get(port_name)
        if isinstance(host, str) and (canonical := canonical_host(host)) is not None:
            return Endpoint(canonical, _port(port))
    return None


def _path(attributes: Attributes, url: object) -> str | None:
    if isinstance(url, str) and (path := path_of_url(url)) is not None:
        return path
    target = _first(attributes, PATH)
    return target.partition("?")[0].rstrip("/") if isinstance(target, str) else None


def _port(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _first(attributes: Attributes, names: tuple[str, ...]) -> object:
    for name in names:
        value = attributes.get(name)
        if value is not None:
            return value
    return None
