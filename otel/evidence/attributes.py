"""What real instrumentations write about a call: how its attributes are read.

`gen_ai.system`, `gen_ai.provider.name` and `llm.system` name the protocol that was spoken, not who answered:
they are evidence for nothing and are not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from opentelemetry.trace import SpanKind

from sentry_filters.evidence import (
    Endpoint,
    canonical_host,
    conventions,
    endpoint_of_url,
    path_of_url,
    status_number,
)

Attributes = Mapping[str, object]

# Databases, queues and remote procedures: the stable names, then the legacy ones.
_OTHER_SYSTEMS = frozenset(
    {"db.system.name", "db.system", "messaging.system", "rpc.system.name", "rpc.system"}
)


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What a span's attributes say about a call to a provider.

    Args:
        is_call: Whether the span is a request, over HTTP or to a model; else it is the work around it.
        status: HTTP status, None where the span carries none.
        endpoint: Who answered, None where the span does not say.
        path: URL path.
        method: HTTP method, None where the span does not say.
        is_elsewhere: Whether the span is of a database, a queue or another system that no LLM backend is.
        tags: Our five tags, as far as there are any.
    """

    is_call: bool
    status: int | None
    endpoint: Endpoint | None
    path: str | None
    method: str | None
    is_elsewhere: bool
    tags: Mapping[str, object]


def may_state_a_failure(attributes: Attributes) -> bool:
    """Say cheaply whether attributes can state a failure although the span's status does not."""
    if "http.response.status_code" not in attributes and "http.status_code" not in attributes:
        return "failure" in attributes
    return (status_number(_first(attributes, conventions.HTTP_STATUS)) or 0) >= 400


def facts_of(attributes: Attributes, kind: SpanKind, domains: frozenset[str]) -> CallFacts:
    """Read a failed span's attributes.

    Args:
        attributes: The attributes.
        kind: The span's kind: what a server span says about HTTP is about its own caller.
        domains: `Policy.domain` of every backend; a span of one is a call by the application's own word.
    """
    outgoing = kind not in (SpanKind.SERVER, SpanKind.CONSUMER)
    status = status_number(_first(attributes, conventions.HTTP_STATUS)) if outgoing else None
    url = _first(attributes, conventions.URL) if outgoing else None
    method = _first(attributes, conventions.HTTP_METHOD) if outgoing else None
    return CallFacts(
        is_call=(status or method) is not None or _is_request(attributes, domains),
        status=status,
        endpoint=_endpoint(attributes, url) if outgoing else None,
        path=_path(attributes, url),
        method=method.upper() if isinstance(method, str) else None,
        is_elsewhere=not _OTHER_SYSTEMS.isdisjoint(attributes),
        tags={name: attributes[name] for name in conventions.TAG_NAMES if name in attributes},
    )


def _is_request(attributes: Attributes, domains: frozenset[str]) -> bool:
    domain = attributes.get("domain")
    return (isinstance(domain, str) and domain in domains) or _is_model_request(attributes)


def _is_model_request(attributes: Attributes) -> bool:
    operation = attributes.get(conventions.GEN_AI_OPERATION)
    if operation is not None:
        return operation in conventions.MODEL_REQUESTS
    if conventions.OPENINFERENCE_KIND in attributes:
        return attributes[conventions.OPENINFERENCE_KIND] == "LLM"
    if conventions.OPENLLMETRY_KIND in attributes:
        return False
    return conventions.OPENLLMETRY_REQUEST in attributes or conventions.REQUEST_MODEL in attributes


def _endpoint(attributes: Attributes, url: object) -> Endpoint | None:
    if isinstance(url, str) and (endpoint := endpoint_of_url(url)) is not None:
        return endpoint
    if conventions.SENTRY_OP in attributes:
        return None
    for host_name, port_name in conventions.HOST_AND_PORT:
        host, port = attributes.get(host_name), attributes.get(port_name)
        if isinstance(host, str) and (canonical := canonical_host(host)) is not None:
            return Endpoint(canonical, _port(port))
    return None


def _path(attributes: Attributes, url: object) -> str | None:
    if isinstance(url, str) and (path := path_of_url(url)) is not None:
        return path
    target = _first(attributes, conventions.PATH)
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
