"""A policy as the configuration of an OpenTelemetry Collector: processors, and pipelines to put them into."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from sentry_filters.core import Policy
from sentry_filters.redaction import REDACTED
from sentry_filters.targets.collector.conditions import log_conditions, span_conditions
from sentry_filters.targets.collector.ottl import Joined, literal
from sentry_filters.targets.export import NO_SESSIONS, Export, Family, families, redaction_remarks, remarks
from sentry_filters.targets.keys import key_patterns
from sentry_filters.targets.regexes import for_go

_WIDTH = 110
_ALL_KINDS = 1000
# Go's expansion: what bounds the secret stays.
_REPLACEMENT = f"${{1}}{REDACTED}"
# Each context in a group of its own: one group of both would run for span events only.
_TEXTS = (
    ("trace", (("span", ("span.name", "span.status.message")), ("spanevent", ("spanevent.name",)))),
    ("log", (("log", ("log.body",)),)),
)
_FILTERED = "filter/session_expired, "
_PIPELINES = """\
# A skeleton: put the processors into your own pipelines, in this order, before whatever batches or exports.
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [{filtered_spans}transform/redact, redaction/secrets]
      exporters: [otlp]
    logs:
      receivers: [otlp]
      processors: [{filtered_logs}transform/redact, redaction/secrets]
      exporters: [otlp]
    metrics:
      receivers: [otlp]
      processors: [redaction/secrets]
      exporters: [otlp]
"""


def collector_config(policy: Policy) -> Export:
    """Return the configuration as YAML, which begins with comments on what it cannot express.

    Raises:
        ValueError: One of `policy.secret_kinds` is invalid.
    """
    found, missing = families(policy, for_go, at_most=_ALL_KINDS)
    lost = (*_remarks(policy), *missing)
    spans, logs = span_conditions(policy), log_conditions(policy)
    parts = [
        _head(policy, lost),
        "processors:",
        *([_filter(spans, logs)] if spans or logs else ()),
        _transform(found),
        _redaction(policy, found),
        _PIPELINES.format(filtered_spans=_FILTERED if spans else "", filtered_logs=_FILTERED if logs else ""),
    ]
    return Export(text="\n".join(parts), remarks=lost)


def _head(policy: Policy, lost: Iterable[str]) -> str:
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
        *(f"- {remark}" for remark in lost),
    ]
    return "\n".join(_comment(line) for line in lines)


def _filter(spans: Sequence[tuple[str, str]], logs: Sequence[tuple[str, str]]) -> str:
    lines = [
        _comment("Drops our expired session's failures. A condition that fails keeps the record.", "  "),
        "  filter/session_expired:",
        "    error_mode: ignore",
    ]
    for signal, record, conditions in (("traces", "span", spans), ("logs", "log_record", logs)):
        if conditions:
            lines += [f"    {signal}:", f"      {record}:"]
        for what, condition in conditions:
            lines += _entry(what, _folded(condition, " " * 10), " " * 8)
    return "\n".join(lines)


def _transform(found: Sequence[Family]) -> str:
    lines = [
        _comment("Removes secrets from names, status texts and bodies that are text.", "  "),
        "  transform/redact:",
        # An error must not let a record pass as it is; this drops the payload with it.
        "    error_mode: propagate",
    ]
    for signal, contexts in _TEXTS:
        lines.append(f"    {signal}_statements:")
        for context, paths in contexts:
            lines += [f"      - context: {context}", "        statements:"]
            for path in paths:
                for family in found:
                    lines += _entry(family.name, _scalar(_replacing(path, family)), " " * 10)
    return "\n".join(lines)


def _replacing(path: str, family: Family) -> str:
    condition = f" where IsString({path})" if path == "log.body" else ""
    return f"replace_pattern({path}, {literal(family.pattern)}, {literal(_REPLACEMENT)}){condition}"


def _redaction(policy: Policy, found: Iterable[Family]) -> str:
    lines = [
        _comment(
            "Masks secrets in the attributes of resources, scopes, spans, span events, logs and data"
            " points, and in bodies that are maps. What is masked is counted in redaction.masked.count.",
            "  ",
        ),
        "  redaction/secrets:",
        "    allow_all_keys: true",
        "    redact_all_types: true",
        "    summary: info",
        "    blocked_key_patterns:",
        *(f"      - {_scalar(pattern)}" for pattern in key_patterns(policy)),
        "    blocked_values:",
    ]
    for family in found:
        lines += _entry(family.name, _scalar(family.pattern), " " * 6)
    return "\n".join([*lines, ""])


# The little of YAML that the configuration needs.


def _entry(what: str, value: str, indent: str) -> list[str]:
    """Return the lines of a list's entry, and above it what it is."""
    return [_comment(what, indent), f"{indent}- {value}"]


def _scalar(text: str) -> str:
    """Return `text` as a quoted scalar; a Collector takes `$$` for a dollar."""
    escaped = text.replace("$", "$$")
    if escaped.isprintable():
        return "'" + escaped.replace("'", "''") + "'"
    return literal(escaped)


def _folded(condition: str, indent: str) -> str:
    """Return `condition` as a folded scalar, a line for each clause."""
    clauses = condition.clauses if isinstance(condition, Joined) else (condition,)
    return "\n".join((">-", *(indent + clause.replace("$", "$$") for clause in clauses)))


def _comment(text: str, indent: str = "") -> str:
    """Return `text` as lines of comment; what could end a line early becomes a blank."""
    text = "".join(character if character.isprintable() else " " for character in text)
    lines = textwrap.wrap(text, _WIDTH - len(indent) - 2, subsequent_indent="  ", break_long_words=False)
    return "\n".join(f"{indent}# {line}" for line in lines)


def _remarks(policy: Policy) -> list[str]:
    found = remarks(f"""\
- {NO_SESSIONS}
- It knows a single record, and no session. It drops what the application's own code states: a record with all
  of the five tags, or one with wire text under a domain tag, which begins the message and has nothing but the
  body behind it. The Python filter drops words, too, where it knows that their session is dead: wire text
  anywhere else, fewer tags, an HTTP client's span with nothing but status, host and path. Here all of these
  stay.
- With not_session_codes = () a body has nothing to say, and an HTTP client's span is dropped by status, host
  and path; by 401 only, since a 403 needs a body that was read. What contradicts it elsewhere in its trace is
  not seen: where a client renews the session inside the call, the span of its first attempt is lost.
- On spans only the domain of the policy counts, and on spans with an HTTP status no statement.
- The spans above keep their copied exception and ERROR status; no session.expired event is added.
- Of a body's code the filter sees what the status text, the log's text or exception.message quotes; one of
  not_session_codes anywhere in it, in any spelling, keeps the record.
- A body counts as JSON where it is an object of texts, numbers, true, false and null, or of such objects, and
  the whole text has less than 4,000 characters.
- A text with more than one statement of a failed API call is kept, also where all of them are ours; and so is
  any other tag, URL, path or status that the policy does not name, where the Python filter passes over it.
- Metrics are not dropped: a data point counts many calls. Their attributes are masked.
- The redaction processor masks a secret with the character before it and the words that belong to its form
  (Bearer), by ****; in names and texts the mark is {REDACTED}. A map or a list among the attributes becomes
  text where something in it is masked.
- Secrets stay in the keys of attributes, links, trace state, log event names, scope names, metric
  descriptions and exemplars.
- Sentry's events do not pass here: see sentry-filters export inbound and relay.
""")
    found += redaction_remarks(policy)
    if policy.scope == "session":
        found.append("scope = 'session': no span or log record is dropped, since none names its session.")
    elif policy.publish_on == "confirmed":
        found.append("publish_on = 'confirmed': what is only stated is not dropped, so no log record is.")
    if policy.span_action == "demote":
        found.append("span_action = 'demote': no span is dropped, and none is demoted.")
    if policy.kept_keys:
        found.append(
            "kept_keys: masked all the same where their words are secret; no expression can except them."
        )
    return found
