"""The names under which applications, SDKs and instrumentations write down a failed call, each written once.

Literal names on purpose: the semantic conventions for HTTP have two generations in use, and every Python
constant of the GenAI conventions is deprecated.
"""

from __future__ import annotations

from collections.abc import Mapping

# What the application, or a layer of it, tags its failures with.
TAG_NAMES = ("domain", "operation", "provider", "status", "failure")
FAILED_RESPONSE = "non_2xx"
"""The `failure` tag of a response whose status is not a success."""
SESSION_STATUSES = (401, 403)
"""Statuses that can mean an expired session."""
FORBIDDEN = 403
"""The one of them that firewalls answer with, too: it needs a body that was read."""
FIRST_FAILURE = 400
"""Statuses from this one on are failures."""
DEFAULT_PORTS: Mapping[str, int] = {"http": 80, "https": 443}
# Headers by which something on the way to the backend asks for a sign-in or a proof of its own.
PROXY_CHALLENGES = frozenset({"proxy-authenticate", "cf-mitigated", "x-amzn-waf-action"})
# Where the HTTP errors of an application's own server come from; the clients' errors do not.
SERVER_FRAMEWORKS = (
    "aiohttp.web",
    "bottle",
    "connexion.exceptions",
    "django.",
    "falcon.",
    "fastapi.",
    "flask.",
    "litestar.",
    "ninja.",
    "pyramid.",
    "quart.",
    "rest_framework.",
    "sanic.",
    "starlette.",
    "tornado.web",
    "webob.",
    "werkzeug.",
)
# How the reference writes an API failure into text, each behind the provider's label (see `wire_text`).
API_ERROR = " API error ("
RETURNED_HTTP = " returned HTTP "
STREAMING = " streaming"
# Before a label these join words: "my-OpenHuman" is another provider than "OpenHuman".
WORD_JOINERS = "_-.@/\\+&~"

# OpenTelemetry semantic conventions for HTTP: stable (1.23 and later), then legacy (before).
HTTP_STATUS = ("http.response.status_code", "http.status_code")
# … then Sentry's HTTP spans (`url`), and what Sentry's OTLPIntegration passes on.
URL = ("url.full", "http.url", "url")
HTTP_METHOD = ("http.request.method", "http.method")
LLM_METHOD = "POST"  # of every request to a model
HOST_AND_PORT = (
    ("server.address", "server.port"),  # stable HTTP, GenAI
    ("net.peer.name", "net.peer.port"),  # legacy HTTP
)
PATH = ("url.path", "http.target")  # stable, legacy
ERROR_TYPE = "error.type"  # all stable conventions

# Semantic conventions for GenAI: the operations that are one request to a model. Others ("invoke_agent",
# "execute_tool") are the application's own work around such requests.
GEN_AI_OPERATION = "gen_ai.operation.name"
MODEL_REQUESTS = ("chat", "text_completion", "generate_content", "embeddings", "responses")
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
