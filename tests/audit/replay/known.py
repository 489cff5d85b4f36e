"""What the replay comes to, worked out from its parts alone: nothing here asks the package."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.audit.replay.parts import PARTS, Part

OURS = "backend_session_expired"
OLD = "old_credential"
REFUSED = "refused_by_gate"
SOURCE = "llm_provider.openhuman_backend"
HOST = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A number of decisions of one kind.

    Args:
        part: Who decided.
        signal: As in the ledger; so are the following.
        verdict: …
        reason: …
        count: How many.
        standing: None for what is not ours.
        grade: On what evidence it was recognised; None for what is not ours, or follows an earlier decision.
        expiry: Which of the part's expiries, from 1; None for what is not ours.
        provider: …
        host: …
        operation: …
        status: …
    """

    part: Part
    signal: str
    verdict: str
    reason: str
    count: int
    standing: str | None = None
    grade: str | None = None
    expiry: int | None = None
    provider: str | None = "OpenHuman"
    host: str | None = HOST
    operation: str = "chat_completions"
    status: int = 401


@dataclass(frozen=True, kw_only=True)
class Expired:
    """One expiry.

    Args:
        part: Where.
        number: From 1.
        renewed: Whether a renewal ended it.
        failures: How many decisions belong to it.
    """

    part: Part
    number: int
    renewed: bool
    failures: int


def decided() -> list[Decided]:
    """Return all decisions that are about a failure; what has none is only counted."""
    return [one for part in PARTS for one in _of_part(part) if one.count]


def expired() -> list[Expired]:
    """Return all expiries."""
    return [
        Expired(
            part=part,
            number=number,
            renewed=part.renewals >= number,
            failures=sum(one.count for one in decided() if one.part is part and one.expiry == number),
        )
        for part in PARTS
        for number in (1, 2)
        if (part.first_calls, part.second_calls)[number - 1]
    ]


def totals() -> Counter[tuple[str, str, str]]:
    """Return all counters by name, signal and further label, of `decisions` verdict/reason."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for one in decided():
        counts["decisions", one.signal, f"{one.verdict}/{one.reason}"] += one.count
    for part in PARTS:
        events = part.healthy + part.secrets + part.unredactable if part.sentry else 0
        counts["decisions", "event", "keep/unrelated"] += events
        for (signal, outcome), count in outcomes(part).items():
            counts[outcome, signal, _CAUSES.get(signal, "fault") if outcome == "withheld" else ""] += count
            counts["seen", signal, ""] += count
        for signal in ("event", "span", "log"):
            counts["redactions", signal, "github-personal"] += part.secrets
        counts["faults", "", "boundary"] += part.unredactable
        counts["decisions", "event", f"drop/{REFUSED}"] += part.refusals_reported
        counts["refused", "", ""] += part.refused
        # What was demoted follows the decision about the call.
        counts["violations", "", f"{OLD}_in_use"] += sum(
            one.count
            for one in decided()
            if one.part is part and one.reason == OLD and one.verdict != "demote"
        )
        counts["renewals", "", ""] += part.renewals
    counts["session_expired", "", SOURCE] += len(expired())
    counts["shared", "", "claimed"] += sum(1 for one in expired() if one.part.shares)
    return +counts


def outcomes(part: Part) -> Counter[tuple[str, str]]:
    """Return what became of the items that one process saw, by signal and outcome."""
    calls = _calls(part)
    shown = int(part.sentry and not part.listens) + int(part.sentry and part.old_calls > 0)
    reported = part.third_party_calls + part.third_party_reports + part.server_errors
    told = sum(one.count for one in decided() if one.part is part)
    told += sum(1 for one in expired() if one.part is part) + part.renewals  # each renewal ends at most one
    told += part.refusals_reported
    ours_in_sentry, ours_in_logs = calls * part.sentry - shown, calls * part.logs
    return +Counter(
        {
            ("event", "exported"): part.healthy + part.secrets + reported + shown,
            ("event", "dropped"): ours_in_sentry + part.refusals_reported,
            ("event", "withheld"): part.unredactable,
            ("other", "withheld"): part.unknown_items,
            ("span", "exported"): part.healthy + part.secrets + part.third_party_calls,
            ("span", "dropped"): calls,
            ("span", "demoted"): calls,
            ("log", "exported"): part.healthy + part.secrets + told,
            ("log", "dropped"): ours_in_logs,
        }
    )


_CAUSES = {"other": "unknown_item_type"}


def _calls(part: Part) -> int:
    return part.first_calls + part.late_calls + part.old_calls + part.second_calls


def _of_part(part: Part) -> Iterator[Decided]:
    for number, count in ((1, part.first_calls), (2, part.second_calls)):
        yield from _first_call(part, number, min(count, 1))
        yield from _calls_decided(part, number, "repeat", max(0, count - 1))
    yield from _calls_decided(part, 1, "stale", part.late_calls)
    yield from _old_credential(part)
    yield Decided(
        part=part,
        signal="report",
        verdict="drop",
        reason=OURS,
        standing="repeat",
        grade="statement",
        expiry=1,
        count=part.reports,
        host=None,
        operation="chat",
    )
    yield from _kept(part)


def _first_call(part: Part, number: int, count: int) -> Iterator[Decided]:
    """The application hears of the failure first, in Sentry, then its log, then its spans."""
    first, *repeats = _calls_decided(part, number, "repeat", count)
    shown = part.sentry and not part.listens
    yield Decided(
        part=part,
        signal=first.signal,
        verdict="keep" if shown else "drop",
        reason="unhandled" if shown else OURS,
        standing="first",
        grade=first.grade,
        expiry=number,
        count=count,
    )
    yield from repeats


def _calls_decided(part: Part, number: int, standing: str, count: int) -> Iterator[Decided]:
    signals = ["event"] * part.sentry + ["log"] * part.logs + ["span"]
    told = [(signal, "drop") for signal in signals]
    for signal, verdict in [*told, ("span", "demote")]:
        yield Decided(
            part=part,
            signal=signal,
            verdict=verdict,
            reason=OURS,
            standing=standing,
            grade="fact",
            expiry=number,
            count=count,
        )


def _old_credential(part: Part) -> Iterator[Decided]:
    """Sentry keeps the first one."""
    for one in _calls_decided(part, 1, "stale", part.old_calls):
        kept = int(one.signal == "event" and one.count > 0)
        yield replace(one, reason=OLD, count=one.count - kept)
        yield replace(one, reason=OLD, verdict="keep", count=kept)


def _kept(part: Part) -> Iterator[Decided]:
    calls, reports = part.third_party_calls, part.third_party_reports
    yield Decided(
        part=part, signal="event", verdict="keep", reason="other_provider", count=calls, provider="OpenAI"
    )
    yield Decided(
        part=part, signal="span", verdict="keep", reason="contradicting_host", count=calls, provider=None
    )
    yield Decided(
        part=part,
        signal="report",
        verdict="keep",
        reason="other_provider",
        count=reports,
        provider="OpenAI",
        host=None,
        operation="chat",
        status=403,
    )
    yield Decided(
        part=part,
        signal="report",
        verdict="keep",
        reason="other_status",
        count=part.server_errors,
        host=None,
        operation="chat",
        status=500,
    )
