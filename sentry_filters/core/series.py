"""The series that alerts watch exist at 0 from the start, so that a first count is seen as a change."""

from __future__ import annotations

from collections.abc import Iterator

from sentry_filters.core.counters import Counters
from sentry_filters.core.policy import Policy

_DECIDING = ("event", "log", "metric", "report", "span", "transaction")
_SHOWING = ("event", "report")
_REDACTED = (
    "attachment", "check_in", "client_report", "event", "log", "metric", "other", "profile", "session",
    "span", "transaction",
)  # fmt: skip


def declare_series(counters: Counters, policy: Policy) -> None:
    """Let the series that alerts watch exist at 0; see `Counters.declare`.

    Args:
        counters: Where they are declared.
        policy: Whose `source` the expiries carry.
    """
    for name, *labels in _watched(policy.source):
        counters.declare(name, *labels)


def _watched(source: str) -> Iterator[tuple[str, ...]]:
    for invariant in ("drop_without_event", "third_party_dropped"):
        yield "violations", invariant
    for confirmed in ("false", "true"):
        for handled in ("false", "true"):
            yield "session_expired", source, confirmed, handled
    for signal in _DECIDING:
        yield "decisions", signal, "drop", "backend_session_expired"
    for signal in _SHOWING:
        yield "decisions", signal, "keep", "unhandled"
    for signal in _REDACTED:
        yield "withheld", signal, "fault"
    yield from (
        ("withheld", "log", "interrupted"),
        ("withheld", "metric", "series"),
        ("withheld", "other", "unknown_item_type"),
        ("withheld", "span", "interrupted"),
    )
    for cause in ("closed", "forked_while_writing", "no_thread", "queue_full", "refused"):
        yield "audit_lost", cause
    yield ("renewals",)
    yield ("refused",)
