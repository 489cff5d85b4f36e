"""What every query must answer about the replay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tests.audit.replay.known import OLD, OURS, REFUSED, Decided, decided, expired, totals
from tests.audit.replay.parts import PARTS
from tests.audit.replay.rows import Known

_BY_SIGNAL = ("exported", "dropped", "demoted", "withheld")


def answers(processes: Mapping[str, str]) -> dict[str, Known]:
    """Return what is known of each query's answer, by the query's name.

    Args:
        processes: The processes' names in the ledger, by the parts' names.
    """
    return {**_invariants(processes), **_of_decisions(), **_of_sessions(processes), **_of_counters()}


def _invariants(processes: Mapping[str, str]) -> dict[str, Known]:
    counts = totals()
    signals = sorted({signal for counter, signal, _ in counts if counter == "seen"})
    hidden = [one for one in expired() if not one.part.listens and not one.part.sentry]
    nothing = Known(keys=(), sums=(), rows=())
    return {
        "drops_without_event": nothing,
        "third_party_dropped": nothing,
        "violations": Known(
            keys=("invariant", "app_release", "processes"),
            sums=("times",),
            rows=[
                (f"{OLD}_in_use", one.part.release, 1, one.count)
                for one in decided()
                if one.reason == OLD and one.verdict != "demote"
            ],
        ),
        "old_credential_in_use": Known(
            keys=("process", "app_release", "named_operation"),
            sums=("failures", "shown"),
            rows=[
                (
                    *(processes[one.part.name], one.part.release, one.operation),
                    *(one.count, one.count if one.verdict == "keep" else 0),
                )
                for one in decided()
                if one.reason == OLD
            ],
        ),
        "refused_by_gate": Known(
            keys=("app_release", "signal", "verdict"),
            sums=("reports", "sessions", "unexplained"),
            rows=[
                (part.release, "event", "drop", part.refusals_reported, 1, 0)
                for part in PARTS
                if part.refusals_reported
            ],
        ),
        "dead_sessions_hidden": Known(
            keys=("process", "app_release", "operation"),
            sums=("failures_dropped",),
            rows=[
                (processes[one.part.name], one.part.release, "chat_completions", one.failures)
                for one in hidden
            ],
        ),
        "reconciliation": Known(
            keys=("signal",),
            sums=("seen", *_BY_SIGNAL, "difference"),
            rows=[
                (signal, *(_count(counts, name, signal) for name in ("seen", *_BY_SIGNAL)), 0)
                for signal in signals
            ],
        ),
    }


def _of_decisions() -> dict[str, Known]:
    return {
        "drops_by_rule_and_hour": Known(
            keys=("signal", "reason"),
            sums=("failures", "announced", "repeats", "late"),
            rows=[
                (one.signal, one.reason, one.count, *_if(one, "first", "repeat", "stale"))
                for one in decided()
                if one.verdict == "drop"
            ]
            + [
                ("event", REFUSED, part.refusals_reported, 0, 0, 0)
                for part in PARTS
                if part.refusals_reported
            ],
        ),
        "kept_unauthorized": Known(
            keys=("reason", "named_provider", "named_host", "named_operation", "http_status"),
            sums=("failures",),
            rows=[
                (
                    *(one.reason, one.provider or "unknown", one.host or "unknown"),
                    *(one.operation, one.status, one.count),
                )
                for one in decided()
                if one.verdict == "keep" and one.status in (401, 403)
            ],
        ),
        "recognised_by_grade": Known(
            keys=("evidence", "was_confirmed", "verdict", "reason"),
            sums=("failures", "announced"),
            rows=[
                (
                    *(one.grade or "unknown", int(one.grade == "fact"), one.verdict, one.reason),
                    *(one.count, *_if(one, "first")),
                )
                for one in decided()
                if one.standing is not None
            ],
        ),
        "failures_by_minute": Known(
            keys=(),
            sums=("dropped", "demoted", "kept", "announced"),
            rows=[_if(one, "drop", "demote", "keep", "first") for one in decided()],
        ),
        "failures_by_release": Known(
            keys=("app_release", "sessions_expired", "processes"),
            sums=("failures", "dropped", "demoted", "kept", "late"),
            rows=[
                (
                    *(one.part.release, *_in_release(one.part.release), one.count),
                    *_if(one, "drop", "demote", "keep", "stale"),
                )
                for one in decided()
            ],
        ),
        "demotions": Known(
            keys=("signal", "reason", "named_operation", "http_status", "app_release"),
            sums=("demoted", "without_expiry", "traces", "traces_with_kept_failures"),
            # A trace holds one call; Sentry's events have traces of their own.
            rows=[
                ("span", reason, "chat_completions", 401, part.release, calls, 0, calls, 0)
                for part in PARTS
                for reason, calls in (
                    (OURS, part.first_calls + part.late_calls + part.second_calls),
                    (OLD, part.old_calls),
                )
                if calls
            ],
        ),
    }


def _of_sessions(processes: Mapping[str, str]) -> dict[str, Known]:
    of_sessions = Counter(
        (one.part.name, one.expiry if one.signal != "report" else None)
        for one in decided()
        for _ in range(one.count)
        if one.standing is not None
    )
    return {
        "sessions_to_renewal": Known(
            keys=(
                "process",
                "app_release",
                "operation",
                "http_status",
                "confirmed",
                "handled",
                "shown",
                "renewed",
                "recovered",
            ),
            sums=("failures",),
            rows=[
                (
                    *(processes[one.part.name], one.part.release, "chat_completions", 401, 1),
                    *(int(one.part.listens), int(one.part.sentry and not one.part.listens)),
                    *(int(one.renewed), 0, one.failures),
                )
                for one in expired()
            ],
        ),
        "renewal_times": Known(
            keys=("waited",),
            sums=("sessions", "unhandled"),
            rows=[
                ("1 less than a minute" if one.renewed else "5 not yet", 1, int(not one.part.listens))
                for one in expired()
            ],
        ),
        # A session's name is a fingerprint that each process makes anew; a report names none.
        "storms": Known(keys=("failures",), sums=(), rows=[(count,) for count in of_sessions.values()]),
    }


def _of_counters() -> dict[str, Known]:
    counts = totals()
    return {
        "overview": Known(
            keys=(),
            sums=(
                *("seen", *_BY_SIGNAL, "redactions", "sessions_expired", "renewals", "calls_saved"),
                *("difference", "lost", "third_party_dropped", "old_credential", "refusals_dropped"),
            ),
            rows=[
                (
                    *(
                        _count(counts, name)
                        for name in ("seen", *_BY_SIGNAL, "redactions", "session_expired")
                    ),
                    *(_count(counts, name) for name in ("renewals", "refused")),
                    *(0, 0, 0),
                    sum(one.count for one in decided() if one.reason == OLD),
                    sum(part.refusals_reported for part in PARTS),
                )
            ],
        ),
        "redactions_by_kind": Known(
            keys=("kind", "signal", "processes"),
            sums=("redactions",),
            rows=[
                (kind, signal, sum(1 for part in PARTS if part.secrets), count)
                for (counter, signal, kind), count in counts.items()
                if counter == "redactions"
            ],
        ),
        "withheld_by_cause": Known(
            keys=("signal", "cause", "processes"),
            sums=("items",),
            rows=[
                (signal, cause, 1, count)
                for (counter, signal, cause), count in counts.items()
                if counter == "withheld"
            ],
        ),
        "sharing": Known(
            keys=("happened", "processes"),
            sums=("times",),
            rows=[
                (event, sum(1 for part in PARTS if part.shares), count)
                for (counter, _, event), count in counts.items()
                if counter == "shared"
            ],
        ),
        "lost": Known(
            keys=("counter", "cause", "processes"),
            sums=("times",),
            rows=[
                (counter, place, 1, count)
                for (counter, _, place), count in counts.items()
                if counter == "faults"
            ],
        ),
        "calls_saved": Known(
            keys=("app_release",),
            sums=("calls_saved", "sessions_expired", "renewals"),
            rows=[
                (part.release, part.refused, sum(1 for one in expired() if one.part is part), part.renewals)
                for part in PARTS
            ],
        ),
    }


def _if(one: Decided, *values: str) -> tuple[int, ...]:
    """Return its count in the place of its verdict or standing, 0 in the others."""
    return tuple(one.count if value in (one.verdict, one.standing) else 0 for value in values)


def _in_release(release: str) -> tuple[int, int]:
    sessions = sum(1 for one in expired() if one.part.release == release)
    return sessions, sum(1 for part in PARTS if part.release == release)


def _count(counts: Mapping[tuple[str, str, str], int], counter: str, signal: str | None = None) -> int:
    return sum(count for key, count in counts.items() if key[0] == counter and signal in (None, key[1]))
