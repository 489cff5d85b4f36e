"""The keys under which instrumentation puts prompts and completions."""

from __future__ import annotations

from sentry_filters.redaction.regex import compile_regex

# OpenTelemetry's conventions old and new, Sentry's, OpenLLMetry's, OpenInference's, the AI SDK's. Counts,
# roles, models and finish reasons beside them stay.
CONTENT_KEY = (
    r"(?:gen_ai\.(?:(?:input|output|request|response)\.messages|system_instructions|prompt|completion"
    r"|tool\.(?:input|output|definitions|call\.(?:arguments|result))|response\.(?:text|tool_calls|object)"
    r"|request\.available_tools|event\.content|embeddings\.input|(?:user|assistant|system|tool|choice)\.message)"
    r"|ai\.(?:prompt|response\.(?:text|object|toolCalls)|toolCall\.(?:args|result)|input_messages|responses)"
    r"|llm\.(?:prompts?|completions?|input_messages|output_messages|request\.messages)"
    r"|traceloop\.entity\.(?:input|output)|(?:input|output)\.value|tool\.(?:parameters|output)|mcp\.tool\.result\.content)"
)
_KEY = compile_regex(rf"{CONTENT_KEY}(?:$|[._\-].*|s$)", captures=False)
_ABOUT_CONTENT = (
    ".role",
    ".finish_reason",
    ".name",
    ".id",
    ".type",
    ".tool_call_id",
    ".length",
    ".count",
    "_tokens",
    "_id",
    ".template_id",
)


def is_content_key(key: str) -> bool:
    """Whether a prompt or a completion stands under `key`."""
    if len(key) < 8 or "." not in key or key.endswith(_ABOUT_CONTENT):
        return False
    return _KEY.match(key.encode("utf-8", "replace")) is not None
