"""A policy as patterns for Sentry's inbound filter "Error Message", one a line."""

from __future__ import annotations

from sentry_filters.core import Policy
from sentry_filters.evidence import conventions
from sentry_filters.targets.export import NO_SESSIONS, Export

_FORMS = (conventions.API_ERROR, conventions.STREAMING + conventions.API_ERROR, conventions.RETURNED_HTTP)
_WILDCARDS = frozenset("*?[]{}!\\")


def inbound_patterns(policy: Policy) -> Export:
    """Return patterns that match where a message begins, or after an exception's type and a colon.

    A bare `*401*` would hide every rejected key of a user's own, so each pattern has the provider's label.

    Raises:
        ValueError: The provider's label has a character that is a wildcard in globs, or more than one line.
    """
    if len(policy.provider.splitlines()) != 1:
        raise ValueError(
            f"invalid provider {policy.provider!r} for an inbound filter, which has a pattern in each line;"
            " expected a label of one line"
        )
    if found := sorted(_WILDCARDS.intersection(policy.provider)):
        raise ValueError(
            f"invalid provider {policy.provider!r} for an inbound filter: {' '.join(found)} is a wildcard"
            " there; expected a label without wildcards"
        )
    statements = [f"{policy.provider}{form}{status}" for status in sorted(policy.statuses) for form in _FORMS]
    lines = [f"{start}{statement}*" for statement in statements for start in ("", "*: ")]
    return Export(text="\n".join(lines) + "\n", remarks=_remarks(policy))


def _remarks(policy: Policy) -> tuple[str, ...]:
    codes = ", ".join(sorted(policy.not_session_codes)) or "none"
    return (
        (
            "Text without tags is words, which the Python filter keeps until it knows that their session is"
            " dead. This filter knows of no session and drops them all the same, the first failure and what"
            " a message only quotes included."
        ),
        (
            "A message is all that the filter sees: no tags, no host, no typed cause. What carries the"
            " failure in its tags only passes, and so does a statement with other words before it (an"
            " exception's type apart)."
        ),
        f"A body's code cannot veto: our own backend's failures with one of these are dropped, too: {codes}.",
        f"Sentry ignores case here: a provider that is spelt {policy.provider.lower()!r} is dropped, too.",
        "A third party's failure that is quoted behind our own, in one message, is dropped with it.",
        "Transactions, spans and logs pass (Sentry has a filter of its own for log messages).",
        NO_SESSIONS,
    )
