"""The healthy span's short cut never lets by what the careful way would redact."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from otel.clean import Cleaner
from sentry_filters import Redactor
from tests.otel.canary import secret

_KEYS = [
    "gen_ai.request.model",
    "password",
    "name",
    "value",
    "http.request.header.authorization",
    "session.id",
    "n",
]
_TEXTS = [
    "gpt-4o",
    "password",
    "hunter2-x9!",
    "Authorization",
    "Bearer",
    secret(1),
    secret(2)[:20],
    "",
    "812",
    "key:",
]
_VALUES = st.one_of(st.sampled_from(_TEXTS), st.integers(), st.booleans(), st.tuples(st.sampled_from(_TEXTS)))
_RESOURCE = Resource({})
_REDACTOR = Redactor()


def a_span(name: str, attributes: dict[str, object]) -> ReadableSpan:
    context = SpanContext(1, 2, is_remote=False)
    return ReadableSpan(name, context, resource=_RESOURCE, attributes=attributes)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(_TEXTS), st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=4))
def test_clean_by_the_short_cut_is_clean_by_the_redactor(name: str, attributes: dict[str, object]) -> None:
    cleaner = Cleaner(_REDACTOR)
    span = a_span(name, attributes)
    for _ in range(2):  # the second time, keys and texts are remembered
        if cleaner.is_clean_span(span, dict(attributes)):  # type: ignore[arg-type]
            assert _REDACTOR.redact(name) == name
            assert _REDACTOR.redact_value(attributes) == attributes


def test_a_text_that_was_clean_is_looked_at_again_when_a_credential_becomes_known() -> None:
    redactor = Redactor()
    cleaner = Cleaner(redactor)
    span = a_span("call", {"gen_ai.response.id": "blue-heron-4711"})
    assert cleaner.span(span) is span
    redactor.register("blue-heron-4711")
    assert (cleaner.span(span).attributes or {})["gen_ai.response.id"] == "[REDACTED]"
