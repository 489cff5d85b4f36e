"""What leaked where, as others published it: facts and addresses, none of their code or text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Leak:
    """One published leak.

    Args:
        name: What our test of it is called.
        peer: Whose it is.
        what: What left, and why it was not removed.
        thread: The issue or pull request that says so, on GitHub.
        year: When it was published.
    """

    name: str
    peer: str
    what: str
    thread: str
    year: int

    @property
    def address(self) -> str:
        """Where the thread is."""
        return f"https://github.com/{self.thread}"


LEAKS: tuple[Leak, ...] = (
    # Spans.
    Leak(
        "third-party-span",
        "langfuse",
        "The mask is not applied to spans of other instrumentations",
        "langfuse/langfuse/issues/15372",
        2026,
    ),
    Leak(
        "url-is-safe",
        "logfire",
        "`http.url` is exempt from scrubbing, and the message repeats it",
        "pydantic/logfire/issues/1504",
        2025,
    ),
    Leak(
        "span-event",
        "Collector, redaction",
        "Attributes of span events are not looked at",
        "open-telemetry/opentelemetry-collector-contrib/issues/36633",
        2024,
    ),
    Leak(
        "scope-attribute",
        "Collector, redaction",
        "Attributes of the instrumentation scope are not looked at",
        "open-telemetry/opentelemetry-collector-contrib/issues/37799",
        2025,
    ),
    Leak(
        "not-a-string",
        "Collector, redaction",
        "Only strings are masked: lists and numbers stay",
        "open-telemetry/opentelemetry-collector-contrib/issues/37591",
        2025,
    ),
    Leak(
        "url-credentials",
        "OpenTelemetry, HTTP clients",
        "User, password and signatures stay in `url.full`",
        "open-telemetry/opentelemetry-python-contrib/issues/2992",
        2024,
    ),
    Leak(
        "presigned-url",
        "OpenTelemetry, HTTP clients",
        "The list of query parameters to redact lacks those of AWS' presigned URLs",
        "aws-observability/aws-otel-python-instrumentation/pull/840",
        2026,
    ),
    Leak(
        "query-tail",
        "dd-trace-js",
        "What the expression does not match of a query parameter's value stays",
        "DataDog/dd-trace-js/pull/8704",
        2026,
    ),
    Leak(
        "invocation-parameters",
        "OpenInference",
        "Hidden inputs are also in `llm.invocation_parameters`",
        "Arize-ai/openinference/pull/3773",
        2026,
    ),
    Leak(
        "tool-arguments",
        "OpenLLMetry",
        "The MCP client records arguments and results although content is switched off",
        "traceloop/openllmetry/pull/4466",
        2026,
    ),
    Leak(
        "exception-quotes-arguments",
        "pydantic-ai",
        "The exception event and the status quote what a validation refused",
        "pydantic/pydantic-ai/pull/8403",
        2026,
    ),
    Leak(
        "repr-of-a-model",
        "MLflow, CrewAI",
        "Objects are recorded by their repr, which has the API key in it",
        "mlflow/mlflow/pull/25845",
        2026,
    ),
    Leak(
        "keyword-argument",
        "OpenInference, Guardrails",
        "An API key passed as an argument is recorded with the other arguments",
        "guardrails-ai/guardrails/issues/1213",
        2025,
    ),
    Leak(
        "redis-handshake",
        "redisotel",
        "The password of the handshake is part of the statement",
        "redis/go-redis/issues/3516",
        2025,
    ),
    Leak(
        "mcp-credential",
        "langsmith",
        "Definitions of MCP servers are recorded with their token",
        "langchain-ai/langsmith-sdk/pull/3372",
        2026,
    ),
    Leak(
        "failed-call",
        "litellm",
        "The content of calls that fail is not redacted",
        "BerriAI/litellm/pull/39387",
        2026,
    ),
    Leak(
        "captured-header",
        "New Relic",
        "Of all captured headers only two well-known ones are excluded",
        "open-mercato/open-mercato/issues/2666",
        2026,
    ),
    Leak(
        "raw-payload-on-failure",
        "langsmith",
        "Where the redaction fails, the payload is uploaded as it is",
        "langchain-ai/langsmith-sdk/pull/3328",
        2026,
    ),
    Leak(
        "log-body",
        "Collector, redaction",
        "The body of log records is not looked at",
        "open-telemetry/opentelemetry-collector-contrib/issues/37239",
        2025,
    ),
    Leak(
        "metric-attribute",
        "Collector, redaction",
        "Metrics and logs are not looked at",
        "open-telemetry/opentelemetry-collector-contrib/issues/34479",
        2024,
    ),
    # Sentry.
    Leak(
        "query-string",
        "sentry-python",
        "The scrubber knows keys of dictionaries, and a query string is none",
        "getsentry/sentry-python/issues/4441",
        2025,
    ),
    Leak(
        "transaction",
        "sentry-python",
        "Fields of the denylist are found in transactions",
        "getsentry/sentry-python/issues/4230",
        2025,
    ),
    Leak(
        "transaction-without-hook",
        "unkey",
        "`before_send` is not called for transactions and their spans",
        "unkeyed/unkey/pull/6731",
        2026,
    ),
    Leak(
        "repr-in-a-frame",
        "Open Chat Studio",
        "A local variable is sent by its repr, and no denylist of names reaches into that",
        "dimagi/open-chat-studio/issues/4404",
        2026,
    ),
    Leak(
        "proxy-authorization",
        "sentry-go",
        "`Proxy-Authorization` is not among the sensitive headers",
        "getsentry/sentry-go/pull/859",
        2024,
    ),
    Leak(
        "merged-after-masking",
        "langsmith",
        "Metadata of the environment is merged in after the masking",
        "langchain-ai/langsmith-sdk/pull/3313",
        2026,
    ),
    Leak(
        "error-field",
        "langsmith",
        "The anonymizer gets inputs and outputs, not the error",
        "langchain-ai/langsmith-sdk/pull/3100",
        2026,
    ),
    Leak(
        "deep-structure",
        "fast-redact",
        "A path of more than six levels redacts nothing",
        "davidmarkclements/fast-redact/issues/78",
        2025,
    ),
    # Logs.
    Leak(
        "request-line",
        "httpx",
        "Each request is logged with its whole URL, at INFO",
        "pydantic/httpx2/issues/767",
        2026,
    ),
    Leak(
        "child-logger",
        "litellm",
        "A filter on one logger does not see the records of others",
        "BerriAI/litellm/pull/35977",
        2026,
    ),
    Leak(
        "joined-by-formatting",
        "Hermes Agent",
        "Template and arguments are redacted apart: what they are together is not",
        "NousResearch/hermes-agent/pull/59162",
        2026,
    ),
    Leak(
        "template-masked",
        "fmp-data",
        "The masked template has no place for its argument, and the raw one is printed",
        "MehdiZare/fmp-data/pull/260",
        2026,
    ),
    Leak(
        "traceback-in-a-log",
        "codex-lb",
        "The message is redacted, the traceback is not",
        "Soju06/codex-lb/pull/2009",
        2026,
    ),
    Leak(
        "filter-fails-open",
        "eliza",
        "Where the redaction raises, the record is logged as it is",
        "elizaOS/eliza/issues/22455",
        2026,
    ),
    # Text.
    Leak(
        "marker-echoes",
        "logfire",
        "The mark quotes what it stands for",
        "pydantic/logfire/issues/1909",
        2026,
    ),
    Leak(
        "order-decides",
        "Collector, redaction",
        "Overlapping patterns are applied in the order of a map: sometimes a part stays",
        "open-telemetry/opentelemetry-collector-contrib/issues/49858",
        2026,
    ),
    Leak(
        "allowed-switches-off",
        "Collector, redaction",
        "What is allowed keeps the blocked values of others from being masked",
        "open-telemetry/opentelemetry-collector-contrib/issues/43826",
        2025,
    ),
    Leak(
        "url-in-an-exception",
        "litellm",
        "The exception's text has the URL with the key",
        "BerriAI/litellm/issues/15799",
        2025,
    ),
    Leak(
        "headers-in-a-repr",
        "aiohttp",
        "The repr of an error has headers in it, `Authorization` among them",
        "aio-libs/aiohttp/issues/8402",
        2024,
    ),
    Leak(
        "url-of-a-failed-request",
        "requests",
        "`raise_for_status` quotes the URL, with the key in its query",
        "EnergieID/entsoe-py/issues/541",
        2026,
    ),
    Leak(
        "invalid-header",
        "requests",
        "An exception quotes the header that it refuses",
        "WeblateOrg/wlc/pull/1676",
        2026,
    ),
    Leak(
        "mixed-case-header",
        "Hermes Agent",
        "A quick look for the header's name minds its case",
        "NousResearch/hermes-agent/issues/108807",
        2026,
    ),
    Leak(
        "base64-of-a-token",
        "hive-mind",
        "A token in base64, in escaped JSON, resembles none",
        "link-assistant/hive-mind/pull/2157",
        2026,
    ),
    Leak(
        "escaped-quote",
        "terraform-provider-cloudtemple",
        "The value is taken to end at an escaped quote",
        "Cloud-Temple/terraform-provider-cloudtemple/pull/321",
        2026,
    ),
    Leak(
        "cut-private-key",
        "cc-fix",
        "A private key without its last line is not recognised",
        "gongyijie85/cc-fix/issues/54",
        2026,
    ),
    Leak(
        "nested-assignment",
        "maka",
        "An assignment inside the value of a harmless one is not looked at",
        "apache/maka/pull/5434",
        2026,
    ),
    Leak(
        "token-as-user",
        "OpenHands",
        "The URLs of Git remotes are printed with their credentials",
        "OpenHands/software-agent-sdk/pull/4175",
        2026,
    ),
)
