"""Whose tests are run, what each suite needs, and how the guard is put in its way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Guarding = Literal["sentry", "processors", "exporters", "clients", "everything"]
"""How the guard is put in the way: a pytest plugin of `under_guard/`, by its name."""


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite, or the part of one that installs together.

    Args:
        name: What `ONLY=` takes.
        package: The distribution whose source distribution holds it.
        guardings: Each is a run with the guard.
        needs: What it needs beside the package, as no source distribution says it.
        paths: Its tests, in the source distribution.
        ignored: What is left out of these.
        environ: Variables that it expects.
    """

    name: str
    package: str
    guardings: tuple[Guarding, ...]
    needs: str
    paths: tuple[str, ...] = ("tests",)
    ignored: tuple[str, ...] = ()
    environ: tuple[tuple[str, str], ...] = ()


_SENTRY: Final = (  # with pytest 9, pytest-forked fails
    "asttokens brotli executing freezegun httpcore[http2] jsonschema pip pysocks pytest-asyncio pytest-cov"
    " pytest-forked pytest<9 pytest-localserver responses setuptools<82 socksio werkzeug"
)
_APART: Final = ("tests/new_scopes_compat", "tests/profiler", "tests/tracing", "tests/utils")
_OTEL: Final = "opentelemetry-sdk opentelemetry-test-utils pytest-asyncio"


def _sentry(name: str, folders: str, needs: str, **environ: str) -> Suite:
    """Integrations that install together."""
    paths = tuple(f"tests/integrations/{folder}" for folder in folders.split())
    return Suite(
        f"sentry-{name}",
        "sentry-sdk",
        ("sentry",),
        f"{_SENTRY} {needs}",
        paths,
        environ=tuple(environ.items()),
    )


def _otel(name: str, package: str, needs: str = "") -> Suite:
    return Suite(f"otel-{name}", package, ("processors", "exporters"), f"{_OTEL} {needs}")


def _instrumentation(name: str, needs: str = "") -> Suite:
    return _otel(name, f"opentelemetry-instrumentation-{name}", needs)


def _client(name: str, needs: str, *ignored: str) -> Suite:
    return Suite(name, name, ("clients", "everything"), needs, ignored=ignored)


SUITES: Final[tuple[Suite, ...]] = (
    Suite("sentry-core", "sentry-sdk", ("sentry",), _SENTRY, ignored=("tests/integrations", *_APART)),
    Suite("sentry-tracing", "sentry-sdk", ("sentry",), _SENTRY, _APART),
    _sentry(
        "libraries",
        "aiohttp argv asyncio excepthook httpx logging loguru modules redis requests socket sqlalchemy stdlib"
        " sys_exit threading unraisablehook wsgi",
        "aiohttp fakeredis httpx loguru pytest-aiohttp pytest-httpx redis requests sqlalchemy",
    ),
    _sentry("llm", "anthropic litellm openai", "anthropic httpx litellm openai tiktoken"),
    _sentry(
        "web",
        "asgi celery fastapi flask httpx2 starlette",
        "anyio async-asgi-testclient celery fastapi flask flask-login httpx httpx2 jinja2 python-multipart"
        " redis requests starlette",
    ),
    _sentry(
        "django",
        "django",
        "channels[daphne] django djangorestframework pytest-django",
        DJANGO_SETTINGS_MODULE="tests.integrations.django.myapp.settings",
    ),
    _otel("sdk", "opentelemetry-sdk", "opentelemetry-configuration"),
    _otel("otlp-http", "opentelemetry-exporter-otlp-proto-http", "mocket"),
    _instrumentation("httpx", "httpx httpx2 respx"),
    _instrumentation("requests", "mocket requests"),
    _instrumentation("fastapi", "fastapi httpx httpx2 requests"),
    _instrumentation("asgi", "asgiref"),
    _instrumentation("logging"),
    _instrumentation("openai-v2", "httpx openai<3 opentelemetry-util-genai<1 pytest-vcr pyyaml"),
    _instrumentation("genai-openai", "httpx httpx2 openai pytest-vcr pyyaml"),
    _client(
        "openai",
        "azure-identity botocore griffe inline-snapshot numpy openai[aiohttp,realtime] pandas pillow"
        " pytest-asyncio requests rich trio",
        "tests/api_resources",  # these ask a server that is generated from the API's description
    ),
    _client("httpx", "httpx[brotli,cli,http2,socks,zstd] chardet pytest-trio trio trustme uvicorn"),
    _client("requests", "requests[socks] httpbin pytest-httpbin pytest-mock trustme"),
)
