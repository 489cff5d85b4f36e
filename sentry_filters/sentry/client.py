"""What the application has set up at this moment: its active spans, and its release."""

from __future__ import annotations

import sys

import sentry_sdk


def current_spans() -> tuple[tuple[str, str], ...]:
    """Return trace id and span id of the active OpenTelemetry span and of Sentry's, where there are any.

    OpenTelemetry is asked only where the application has loaded it; this never loads it.
    """
    spans = []
    trace = sys.modules.get("opentelemetry.trace")
    if trace is not None:
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            spans.append((f"{context.trace_id:032x}", f"{context.span_id:016x}"))
    scope = sentry_sdk.get_current_scope()
    span = scope.span or getattr(scope, "streamed_span", None)
    if span is not None:
        ids = (span.trace_id, span.span_id)
        if ids not in spans:
            spans.append(ids)
    return tuple(spans)


def current_release() -> str | None:
    """Return the release that Sentry was set up with, None before that or where there is none."""
    release = sentry_sdk.get_client().options.get("release")
    return release if isinstance(release, str) else None
