"""What leaked where, as others published it: facts and addresses, none of their code or text."""

# ruff: noqa: E501 - a table of addresses

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Leak:
    """One published leak.

    Args:
        name: What our test of it is called.
        peer: Whose it is.
        year: When it was published.
        thread: The issue or pull request that says so, on GitHub.
        what: What left, and why it was not removed.
    """

    name: str
    peer: str
    year: int
    thread: str
    what: str

    @property
    def address(self) -> str:
        """Where the thread is."""
        return f"https://github.com/{self.thread}"


# fmt: off
LEAKS: tuple[Leak, ...] = (
    # Spans and metrics.
    Leak("third-party-span", "langfuse", 2026, "langfuse/langfuse/issues/15372",
         "The mask is not applied to spans of other instrumentations"),
    Leak("url-is-safe", "logfire", 2025, "pydantic/logfire/issues/1504",
         "`http.url` is exempt from scrubbing, and the message repeats it"),
    Leak("span-event", "Collector, redaction", 2024, "open-telemetry/opentelemetry-collector-contrib/issues/36633",
         "Attributes of span events are not looked at"),
    Leak("scope-attribute", "Collector, redaction", 2025, "open-telemetry/opentelemetry-collector-contrib/issues/37799",
         "Attributes of the instrumentation scope are not looked at"),
    Leak("not-a-string", "Collector, redaction", 2025, "open-telemetry/opentelemetry-collector-contrib/issues/37591",
         "Only strings are masked: lists and numbers stay"),
    Leak("url-credentials", "OpenTelemetry, HTTP clients", 2024, "open-telemetry/opentelemetry-python-contrib/issues/2992",
         "User, password and signatures stay in `url.full`"),
    Leak("presigned-url", "OpenTelemetry, HTTP clients", 2026, "aws-observability/aws-otel-python-instrumentation/pull/840",
         "The list of query parameters to redact lacks those of AWS' presigned URLs"),
    Leak("query-tail", "dd-trace-js", 2026, "DataDog/dd-trace-js/pull/8704",
         "What the expression does not match of a query parameter's value stays"),
    Leak("invocation-parameters", "OpenInference", 2026, "Arize-ai/openinference/pull/3773",
         "Hidden inputs are also in `llm.invocation_parameters`"),
    Leak("tool-arguments", "OpenLLMetry", 2026, "traceloop/openllmetry/pull/4466",
         "The MCP client records arguments and results although content is switched off"),
    Leak("exception-quotes-arguments", "pydantic-ai", 2026, "pydantic/pydantic-ai/pull/8403",
         "The exception event and the status quote what a validation refused"),
    Leak("repr-of-a-model", "MLflow, CrewAI", 2026, "mlflow/mlflow/pull/25845",
         "Objects are recorded by their repr, which has the API key in it"),
    Leak("keyword-argument", "OpenInference, Guardrails", 2025, "guardrails-ai/guardrails/issues/1213",
         "An API key passed as an argument is recorded with the other arguments"),
    Leak("redis-handshake", "redisotel", 2025, "redis/go-redis/issues/3516",
         "The password of the handshake is part of the statement"),
    Leak("mcp-credential", "langsmith", 2026, "langchain-ai/langsmith-sdk/pull/3372",
         "Definitions of MCP servers are recorded with their token"),
    Leak("failed-call", "litellm", 2026, "BerriAI/litellm/pull/39387",
         "The content of calls that fail is not redacted"),
    Leak("captured-header", "New Relic", 2026, "open-mercato/open-mercato/issues/2666",
         "Of all captured headers only two well-known ones are excluded"),
    Leak("raw-payload-on-failure", "langsmith", 2026, "langchain-ai/langsmith-sdk/pull/3328",
         "Where the redaction fails, the payload is uploaded as it is"),
    Leak("log-body", "Collector, redaction", 2025, "open-telemetry/opentelemetry-collector-contrib/issues/37239",
         "The body of log records is not looked at"),
    Leak("metric-attribute", "Collector, redaction", 2024, "open-telemetry/opentelemetry-collector-contrib/issues/34479",
         "Metrics and logs are not looked at"),
    # Sentry.
    Leak("query-string", "sentry-python", 2025, "getsentry/sentry-python/issues/4441",
         "The scrubber knows keys of dictionaries, and a query string is none"),
    Leak("transaction", "sentry-python", 2025, "getsentry/sentry-python/issues/4230",
         "Fields of the denylist are found in transactions"),
    Leak("transaction-without-hook", "unkey", 2026, "unkeyed/unkey/pull/6731",
         "`before_send` is not called for transactions and their spans"),
    Leak("repr-in-a-frame", "Open Chat Studio", 2026, "dimagi/open-chat-studio/issues/4404",
         "A local variable is sent by its repr, and no denylist of names reaches into that"),
    Leak("proxy-authorization", "sentry-go", 2024, "getsentry/sentry-go/pull/859",
         "`Proxy-Authorization` is not among the sensitive headers"),
    Leak("merged-after-masking", "langsmith", 2026, "langchain-ai/langsmith-sdk/pull/3313",
         "Metadata of the environment is merged in after the masking"),
    Leak("error-field", "langsmith", 2026, "langchain-ai/langsmith-sdk/pull/3100",
         "The anonymizer gets inputs and outputs, not the error"),
    Leak("deep-structure", "fast-redact", 2025, "davidmarkclements/fast-redact/issues/78",
         "A path of more than six levels redacts nothing"),
    # Logs.
    Leak("request-line", "httpx", 2026, "pydantic/httpx2/issues/767",
         "Each request is logged with its whole URL, at INFO"),
    Leak("child-logger", "litellm", 2026, "BerriAI/litellm/pull/35977",
         "A filter on one logger does not see the records of others"),
    Leak("joined-by-formatting", "Hermes Agent", 2026, "NousResearch/hermes-agent/pull/59162",
         "Template and arguments are redacted apart: what they are together is not"),
    Leak("template-masked", "fmp-data", 2026, "MehdiZare/fmp-data/pull/260",
         "The masked template has no place for its argument, and the raw one is printed"),
    Leak("traceback-in-a-log", "codex-lb", 2026, "Soju06/codex-lb/pull/2009",
         "The message is redacted, the traceback is not"),
    Leak("filter-fails-open", "eliza", 2026, "elizaOS/eliza/issues/22455",
         "Where the redaction raises, the record is logged as it is"),
    # Texts.
    Leak("marker-echoes", "logfire", 2026, "pydantic/logfire/issues/1909",
         "The mark quotes what it stands for"),
    Leak("order-decides", "Collector, redaction", 2026, "open-telemetry/opentelemetry-collector-contrib/issues/49858",
         "Overlapping patterns are applied in the order of a map: sometimes a part stays"),
    Leak("allowed-switches-off", "Collector, redaction", 2025, "open-telemetry/opentelemetry-collector-contrib/issues/43826",
         "What is allowed keeps the blocked values of others from being masked"),
    Leak("url-in-an-exception", "litellm", 2025, "BerriAI/litellm/issues/15799",
         "The exception's text has the URL with the key"),
    Leak("headers-in-a-repr", "aiohttp", 2024, "aio-libs/aiohttp/issues/8402",
         "The repr of an error has headers in it, `Authorization` among them"),
    Leak("url-of-a-failed-request", "requests", 2026, "EnergieID/entsoe-py/issues/541",
         "`raise_for_status` quotes the URL, with the key in its query"),
    Leak("invalid-header", "requests", 2026, "WeblateOrg/wlc/pull/1676",
         "An exception quotes the header that it refuses"),
    Leak("mixed-case-header", "Hermes Agent", 2026, "NousResearch/hermes-agent/issues/108807",
         "A quick look for the header's name minds its case"),
    Leak("base64-of-a-token", "hive-mind", 2026, "link-assistant/hive-mind/pull/2157",
         "A token in base64, in escaped JSON, resembles none"),
    Leak("escaped-quote", "terraform-provider-cloudtemple", 2026, "Cloud-Temple/terraform-provider-cloudtemple/pull/321",
         "The value is taken to end at an escaped quote"),
    Leak("cut-private-key", "cc-fix", 2026, "gongyijie85/cc-fix/issues/54",
         "A private key without its last line is not recognised"),
    Leak("nested-assignment", "maka", 2026, "apache/maka/pull/5434",
         "An assignment inside the value of a harmless one is not looked at"),
    Leak("token-as-user", "OpenHands", 2026, "OpenHands/software-agent-sdk/pull/4175",
         "The URLs of Git remotes are printed with their credentials"),
)
# fmt: on
