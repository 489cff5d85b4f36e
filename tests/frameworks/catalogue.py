"""What is run: the clients and frameworks, the environments they are installed in, set-ups and scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from tests.frameworks.calls import agents, litellm, plain, sdks
from tests.frameworks.targets import Call, blocking

Environment = Literal["main", "litellm", "crewai"]

_INSTRUMENTATION = "openinference.instrumentation"
_TRACES_OPENAI = f"{_INSTRUMENTATION}.openai:OpenAIInstrumentor"


@dataclass(frozen=True)
class Framework:
    """One way of calling a model.

    Args:
        name: As people call it.
        call: Makes one call.
        packages: What it needs; the first is the one whose version is told.
        environment: Where these install together.
        modules: What is imported before anything is set up, as applications do.
        spans: Instrumentations of its own beside those of HTTP, `module:class`.
        falls_back: Whether it has fallbacks of its own, which the call uses.
    """

    name: str
    call: Call
    packages: tuple[str, ...]
    environment: Environment = "main"
    modules: tuple[str, ...] = ()
    spans: tuple[str, ...] = ()
    falls_back: bool = False

    @property
    def imports(self) -> tuple[str, ...]:
        """What is imported first."""
        return self.modules or tuple(package.replace("-", "_") for package in self.packages)


FRAMEWORKS: Final = (
    Framework("httpx", plain.httpx, ("httpx",)),
    Framework("httpx, async", blocking(plain.httpx_async), ("httpx",)),
    Framework("httpx2", plain.httpx2, ("httpx2",)),
    Framework("requests", plain.requests, ("requests",)),
    Framework("aiohttp", blocking(plain.aiohttp), ("aiohttp",)),
    Framework("urllib3", plain.urllib3, ("urllib3",)),
    Framework("urllib.request", plain.urllib, (), modules=("urllib.request",)),
    Framework("openai", sdks.openai_chat, ("openai",), spans=(_TRACES_OPENAI,)),
    Framework("openai, async", blocking(sdks.openai_async), ("openai",), spans=(_TRACES_OPENAI,)),
    Framework("openai, stream", sdks.openai_stream, ("openai",), spans=(_TRACES_OPENAI,)),
    Framework(
        "openai, async stream", blocking(sdks.openai_async_stream), ("openai",), spans=(_TRACES_OPENAI,)
    ),
    Framework("openai, responses", sdks.openai_responses, ("openai",), spans=(_TRACES_OPENAI,)),
    Framework("openai, embeddings", sdks.openai_embeddings, ("openai",), spans=(_TRACES_OPENAI,)),
    Framework(
        "anthropic",
        sdks.anthropic,
        ("anthropic",),
        spans=(f"{_INSTRUMENTATION}.anthropic:AnthropicInstrumentor",),
    ),
    Framework(
        "mistralai",
        sdks.mistralai,
        ("mistralai",),
        modules=("mistralai.client",),
        spans=(f"{_INSTRUMENTATION}.mistralai:MistralAIInstrumentor",),
    ),
    Framework("cohere", sdks.cohere, ("cohere",)),
    Framework(
        "google-genai",
        sdks.google_genai,
        ("google-genai",),
        modules=("google.genai",),
        spans=(f"{_INSTRUMENTATION}.google_genai:GoogleGenAIInstrumentor",),
    ),
    Framework(
        "google-genai, async",
        blocking(sdks.google_genai_async),
        ("google-genai", "aiohttp"),
        modules=("google.genai",),
        spans=(f"{_INSTRUMENTATION}.google_genai:GoogleGenAIInstrumentor",),
    ),
    Framework("ollama", sdks.ollama, ("ollama",)),
    Framework(
        "langchain-openai with langgraph",
        agents.langgraph,
        ("langchain-openai", "langgraph"),
        modules=("langchain_openai", "langgraph.graph"),
        spans=(f"{_INSTRUMENTATION}.langchain:LangChainInstrumentor",),
        falls_back=True,
    ),
    Framework(
        "pydantic-ai",
        agents.pydantic_ai,
        ("pydantic-ai-slim", "openai"),
        modules=("pydantic_ai", "pydantic_ai.models.openai", "pydantic_ai.models.fallback"),
        spans=("tests.frameworks.tracing:PydanticAI",),
        falls_back=True,
    ),
    Framework(
        "openai-agents",
        agents.openai_agents,
        ("openai-agents",),
        modules=("agents",),
        spans=(f"{_INSTRUMENTATION}.openai_agents:OpenAIAgentsInstrumentor", _TRACES_OPENAI),
    ),
    Framework(
        "openai-agents, streamed",
        blocking(agents.openai_agents_streamed),
        ("openai-agents",),
        modules=("agents",),
        spans=(f"{_INSTRUMENTATION}.openai_agents:OpenAIAgentsInstrumentor", _TRACES_OPENAI),
    ),
    Framework(
        "instructor",
        agents.instructor,
        ("instructor", "openai"),
        spans=(f"{_INSTRUMENTATION}.instructor:InstructorInstrumentor", _TRACES_OPENAI),
    ),
    Framework(
        "smolagents",
        agents.smolagents,
        ("smolagents", "openai"),
        spans=(f"{_INSTRUMENTATION}.smolagents:SmolagentsInstrumentor", _TRACES_OPENAI),
    ),
    Framework(
        "litellm",
        litellm.completion,
        ("litellm",),
        "litellm",
        spans=(f"{_INSTRUMENTATION}.litellm:LiteLLMInstrumentor",),
    ),
    Framework(
        "litellm, async",
        blocking(litellm.acompletion),
        ("litellm",),
        "litellm",
        spans=(f"{_INSTRUMENTATION}.litellm:LiteLLMInstrumentor",),
    ),
    Framework(
        "litellm, stream",
        litellm.stream,
        ("litellm",),
        "litellm",
        spans=(f"{_INSTRUMENTATION}.litellm:LiteLLMInstrumentor",),
    ),
    Framework("litellm, Router", litellm.router, ("litellm",), "litellm", falls_back=True),
    Framework(
        "litellm, async Router", blocking(litellm.router_async), ("litellm",), "litellm", falls_back=True
    ),
    Framework(
        "dspy",
        litellm.dspy,
        ("dspy", "litellm"),
        "litellm",
        spans=(f"{_INSTRUMENTATION}.dspy:DSPyInstrumentor",),
    ),
    Framework(
        "smolagents on litellm",
        litellm.smolagents,
        ("smolagents", "litellm"),
        "litellm",
        spans=(f"{_INSTRUMENTATION}.smolagents:SmolagentsInstrumentor",),
    ),
    Framework(
        "crewai",
        agents.crewai,
        ("crewai",),
        "crewai",
        spans=(f"{_INSTRUMENTATION}.crewai:CrewAIInstrumentor", _TRACES_OPENAI),
    ),
)


@dataclass(frozen=True)
class SetUp:
    """What an application has set up.

    Args:
        name: In the table.
        traces: Whether OpenTelemetry traces are exported, with the instrumentations of HTTP clients.
        instruments: Whether `guard.instrument()` was called.
    """

    name: str
    traces: bool
    instruments: bool


SET_UPS: Final = (
    SetUp("Sentry", traces=False, instruments=False),
    SetUp("Sentry, `instrument`", traces=False, instruments=True),
    SetUp("OpenTelemetry", traces=True, instruments=False),
    SetUp("OpenTelemetry, `instrument`", traces=True, instruments=True),
)

Scenario = Literal["ours", "third", "before", "after", "fallback"]
SCENARIOS: Final[Mapping[Scenario, str]] = {
    "ours": "the session has ended: nothing is reported, one `SessionExpired`",
    "third": "a third party rejects its key: everything is reported",
    "before": "the third party's failure comes before ours",
    "after": "the third party's failure comes after ours",
    "fallback": "the third party is asked because ours failed, and fails, too",
}
