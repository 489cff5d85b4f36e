"""A policy as Sentry Relay's PII configuration: its `piiConfig`, or Sentry's advanced data scrubbing."""

from __future__ import annotations

import json

from sentry_filters.core import Policy
from sentry_filters.redaction import REDACTED
from sentry_filters.targets.export import NO_SESSIONS, Export, Family, families, redaction_remarks, remarks
from sentry_filters.targets.keys import key_patterns
from sentry_filters.targets.regexes import for_rust, group_count

# Relay allows a compiled expression 262,144 bytes; these take less than a third of it.
_KINDS_IN_A_RULE = 24
# `$string` reaches what Sentry has marked as data. What it has marked as "maybe" wants to be named.
_TEXTS = (
    "$string", "contexts.*.*", "culprit", "request.url", "tags.*", "$frame.module", "$span.description",
)  # fmt: skip


def relay_config(policy: Policy) -> Export:
    """Return the configuration as JSON; Relay's format has no place for remarks.

    Raises:
        ValueError: One of `policy.secret_kinds` is invalid.
    """
    found, missing = families(policy, for_rust, at_most=_KINDS_IN_A_RULE)
    # Relay applies rules in the order of their names: the special before the general.
    rules = {
        _named(f"{place:02}-{family.name}"): _pattern_rule(family) for place, family in enumerate(found, 1)
    }
    keys = "|".join(f"(?:{pattern})" for pattern in key_patterns(policy))
    config = {
        "rules": {_named("00-keys"): _redacting({"type": "redact_pair", "keyPattern": keys}), **rules},
        "applications": {
            _all_but(policy): [_named("00-keys")],
            **{selector: list(rules) for selector in _TEXTS},
        },
    }
    text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
    return Export(text=text, remarks=(*_remarks(policy), *missing))


def _pattern_rule(family: Family) -> dict[str, object]:
    groups = list(range(1, group_count(family.pattern) + 1))
    return _redacting({"type": "pattern", "pattern": family.pattern, "replaceGroups": groups})


def _redacting(rule: dict[str, object]) -> dict[str, object]:
    return {**rule, "redaction": {"method": "replace", "text": REDACTED}}


def _named(name: str) -> str:
    return f"sentry-filters-{name}"


def _all_but(policy: Policy) -> str:
    """Return a selector of everything but the keys that the policy keeps."""
    quoted = [key.replace("'", "''") for key in sorted(policy.kept_keys)]
    kept = [f"**.'{key}'" for key in quoted]
    return f"(** && !({' || '.join(kept)}))" if kept else "**"


def _remarks(policy: Policy) -> list[str]:
    found = remarks(f"""\
- PII rules drop no event: an expired session's events pass, without secrets. Drop them with an inbound filter
  (sentry-filters export inbound).
- {NO_SESSIONS}
- Out of reach of any PII rule, by Sentry's own schema: transaction, logger, fingerprint, modules,
  logentry.message (the template; logentry.formatted is reached), contexts.os.name, exception type and module,
  thread names, breadcrumb category, span op, and of frames function, filename, abs_path and source lines.
- Keys of objects that hold a secret stay; so do attachments, minidumps, replays, logs and metrics: the rules
  are meant for events and transactions.
- A text that is nothing but the name of a secret key is taken for one and goes.
""")
    found += redaction_remarks(policy)
    if policy.kept_keys:
        found.append(
            "kept_keys: kept in exactly the spelling of the policy, and not where a text holds them."
        )
    if policy.secret_kinds:
        found += remarks("""\
- secret_kinds: translated, but not compiled here; Relay ignores a rule that it cannot compile. Try them with
  sentry_relay.processing.validate_pii_config.
""")
    return found
