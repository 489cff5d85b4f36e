"""A chat service: FastAPI, with its errors in Sentry and its traces in an OpenTelemetry collector."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from urllib.parse import urlsplit

import openai
import sentry_sdk
from fastapi import FastAPI, Header
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from sentry_filters import Ledger, Policy, SessionExpired, SessionGuard
from sentry_filters.otel import instrument
from sentry_filters.web.asgi import RefusalMiddleware

BACKEND = os.environ["LLM_URL"]  # your own hosted backend, such as https://api.example.ai/v1
VENDOR = os.environ.get("VENDOR_URL", "https://api.openai.com/v1")


def ask_to_sign_in(event: SessionExpired) -> None:
    """Reach whoever can sign in: by mail, in the browser, in a chat."""
    print("please sign in again:", event.reason, flush=True)


# Sentry
guard = SessionGuard(
    Policy(provider="OpenHuman", hosts={urlsplit(BACKEND).netloc}),
    on_session_expired=ask_to_sign_in,
    audit=Ledger("ledger.db"),
)
guard.instrument()
sentry_sdk.init(**guard.sentry_options(dsn=os.environ.get("SENTRY_DSN")))

# OpenTelemetry
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
OpenAIInstrumentor().instrument()
instrument(guard)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Send what waits at the end; uvicorn dies of SIGTERM, so Python's own exit handlers do not run."""
    yield
    provider.shutdown()
    guard.close()


# The application
app = FastAPI(lifespan=lifespan)
app.add_middleware(RefusalMiddleware, retry_after=60)
hosted = openai.AsyncOpenAI(base_url=BACKEND, api_key=os.environ["LLM_TOKEN"])


@app.get("/chat")
async def chat(question: str, own_key: Annotated[str | None, Header()] = None) -> str:
    """Answer by the hosted backend, or at the vendor with a key of the user's own."""
    if own_key is not None:
        return await ask(openai.AsyncOpenAI(base_url=VENDOR, api_key=own_key), question)
    guard.gate.check()  # refuses while the session is dead: the middleware answers with 503
    return await ask(hosted, question)


@app.post("/sign-in")
async def sign_in(token: Annotated[str, Header()]) -> None:
    """Take a new session; an application of your own lets only the right people do that."""
    hosted.api_key = token
    guard.session_renewed(token)


async def ask(client: openai.AsyncOpenAI, question: str) -> str:
    """Return the model's answer."""
    done = await client.chat.completions.create(
        model=os.environ.get("LLM_MODEL", "default"), messages=[{"role": "user", "content": question}]
    )
    return done.choices[0].message.content or ""
