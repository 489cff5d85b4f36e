"""A policy as the configuration of an OpenTelemetry Collector: processors, and pipelines to put them into."""

from __future__ import annotations

from collections.abc import Iterable

from sentry_filters.core import Policy
from sentry_filters.redaction import REDACTED
from sentry_filters.targets.collector.conditions import log_conditions, span_conditions
from sentry_filters.targets.collector.ottl import text
from sentry_filters.targets.collector.yaml import comment, folded, scalar
from sentry_filters.targets.export import Export
from sentry_filters.targets.families import Family, families
from sentry_filters.targets.keys import key_patterns
from sentry_filters.targets.regexes import for_go
from sentry_filters.targets.remarks import left_out, of_redaction, of_sessions

__all__ = ["collector"]

_ALL_KINDS = 1000
# Go's expansion: what bounds the secret stays.
_REPLACEMENT = f"${{1}}{REDACTED}"
# Each context in a group of its own: one group of both would run for span events only.
_TEXTS = (
    ("trace", (("span", ("span.name", "span.status.message")), ("spanevent", ("spanevent.name",)))),
    ("log", (("log", ("log.body",)),)),
)
_PIPELINES = """\
# A skeleton: put the processors into your own pipelines, in this order, before whatever batches or exports.
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [{filtered}transform/redact, redaction/secrets]
      exporters: [otlp]
    logs:
      receivers: [otlp]
      processors: [filter/session_expired, transform/redact, redaction/secrets]
      exporters: [otlp]
    metrics:
      receivers: [otlp]
      processors: [redaction/secrets]
      exporters: [otlp]
"""


def collector(policy: Policy) -> Export:
    """Return the configuration as YAML, with what it cannot say in its head.

    Raises:
        ValueError: One of `policy.secret_kinds` is faulty.
    """
    found = tuple(families(policy, for_go, at_most=_ALL_KINDS))
    known = tuple(family for family in found if family.pattern)
    remarks = (*_remarks(policy), *left_out(found))
    spans = span_conditions(policy)
    parts = [
        _head(policy, remarks),
        "processors:",
        _filter(spans, log_conditions(policy)),
        _transform(known),
        _redaction(policy, known),
        _PIPELINES.format(filtered="filter/session_expired, " if spans else ""),
    ]
    return Export(text="\n".join(parts), remarks=remarks)


def _head(policy: Policy, remarks: Iterable[str]) -> str:
    lines = [
        (
            f"The policy of {policy.provider!r} for an OpenTelemetry Collector (contrib or k8s distribution,"
            " 0.136 or later: filter, transform and redaction processors). Written by `sentry-filters export"
            " collector`."
        ),
        (
            "No Collector has run this: it keeps to the documented syntax. For the catalogue, the expressions"
            " are tested on Go's own regexp, the conditions on a reading of the documentation. Try it with"
            " `otelcol-contrib validate --config=FILE` before you trust it."
        ),
        "What it cannot do, or does otherwise than the Python filter:",
        *(f"- {remark}" for remark in remarks),
    ]
    return "\n".join(comment(line) for line in lines)


def _filter(spans: Iterable[tuple[str, str]], logs: Iterable[tuple[str, str]]) -> str:
    lines = [
        comment("Drops our expired session's failures. A condition that errs keeps the record.", "  "),
        "  filter/session_expired:",
        "    error_mode: ignore",
    ]
    for signal, record, conditions in (("traces", "span", spans), ("logs", "log_record", logs)):
        listed = list(conditions)
        if not listed:
            continue
        lines += [f"    {signal}:", f"      {record}:"]
        for what, condition in listed:
            lines += [comment(what, "        "), f"        - {folded(condition, ' ' * 10)}"]
    return "\n".join(lines)


def _transform(found: Iterable[Family]) -> str:
    lines = [
        comment("Removes secrets from names, status texts and bodies that are text.", "  "),
        "  transform/redact:",
        # An error must not let a record pass as it is; this drops the payload with it.
        "    error_mode: propagate",
    ]
    listed = list(found)
    for signal, contexts in _TEXTS:
        lines.append(f"    {signal}_statements:")
        for context, paths in contexts:
            lines += [f"      - context: {context}", "        statements:"]
            for path in paths:
                for family in listed:
                    lines += [
                        comment(family.name, "          "),
                        f"          - {scalar(_replacing(path, family))}",
                    ]
    return "\n".join(lines)


def _replacing(path: str, family: Family) -> str:
    condition = f" where IsString({path})" if path == "log.body" else ""
    return f"replace_pattern({path}, {text(family.pattern)}, {text(_REPLACEMENT)}){condition}"


def _redaction(policy: Policy, found: Iterable[Family]) -> str:
    lines = [
        comment(
            "Masks secrets in the attributes of resources, scopes, spans, span events, logs and data"
            " points, and in bodies that are maps. What is masked is counted in redaction.masked.count.",
            "  ",
        ),
        "  redaction/secrets:",
        "    allow_all_keys: true",
        "    redact_all_types: true",
        "    summary: info",
        "    blocked_key_patterns:",
        *(f"      - {scalar(pattern)}" for pattern in key_patterns(policy)),
        "    blocked_values:",
    ]
    for family in found:
        lines += [comment(family.name, "      "), f"      - {scalar(family.pattern)}"]
    return "\n".join([*lines, ""])


def _remarks(policy: Policy) -> tuple[str, ...]:
    remarks = [
        of_sessions(),
        (
            "A chat span carries no status. It is dropped when its own tags or its status text name the"
            " failure; else only its HTTP child is, and the chat span stays."
        ),
        "The spans above keep their copied exception and ERROR status; no session.expired event is added.",
        (
            "Of a body's code the filter sees what the status text, the log's text or exception.message"
            " quotes; one of not_session_codes anywhere in it keeps the record."
        ),
        "A text with more than one statement of a failed API call is kept, also where all of them are ours.",
        "An empty provider tag, a URL that is none and an HTTP status that is none keep the record.",
        "Metrics are not dropped: a data point counts many calls. Their attributes are masked.",
        (
            "The redaction processor masks a secret with the character before it and the words that belong to"
            f" its form (Bearer), by ****; in names and texts the mark is {REDACTED}. A map or a list"
            " among the attributes becomes text where something in it is masked."
        ),
        (
            "Secrets stay in the keys of attributes, links, trace state, log event names, scope names, metric"
            " descriptions and exemplars."
        ),
        "Sentry's events do not pass here: see sentry-filters export inbound and relay.",
        *of_redaction(policy),
    ]
    if policy.span_action == "demote":
        remarks.append("span_action = 'demote': no span is dropped, and none is demoted.")
    if policy.kept_keys:
        remarks.append(
            "kept_keys: masked all the same where their words are secret; no expression can except them."
        )
    return tuple(remarks)
