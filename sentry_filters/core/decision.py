"""The one act of dropping and emitting: every signal's failures are decided here, and only here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from sentry_filters.core.policy import Policy
from sentry_filters.core.recognition import UNRELATED, Verdict, recognise
from sentry_filters.core.records import AuditTrail
from sentry_filters.core.refusals import REFUSED_BY_GATE, everything_below, refusal_of
from sentry_filters.core.session import Observed, Standing
from sentry_filters.core.sessions import Lifecycle
from sentry_filters.evidence import Failure, FailuresOf

_GRADES = ("words", "statement", "fact")


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a report.

    Args:
        verdict: Whether it is dropped, and why.
        tag: The value of the tag `session_expired` under which Sentry keeps the report all the same, since
            dropping it would hide what somebody has to act on: `unhandled`, `old_credential`; else None.
        shadowed: Whether it would be dropped, and shadow mode alone keeps it.
        expiry: The id of the running expiry that it is about, None where there is none.
    """

    verdict: Verdict
    tag: str | None = None
    shadowed: bool = False
    expiry: str | None = None

    @property
    def drop(self) -> bool:
        """Whether the report is dropped."""
        return self.verdict.drop and self.tag is None

    @property
    def recognised(self) -> bool:
        """Whether it is dropped, or would be without shadow mode."""
        return self.drop or self.shadowed


class Rehearsal(Protocol):
    """Reports that a check makes itself: they are recognised, and have no consequences."""

    def owns(self, failures: Sequence[Failure]) -> bool:
        """Say whether the check made this report."""

    def decided(self, signal: str, *, drop: bool) -> None:
        """Take note of what would have been decided."""


class Decider:
    """Decides failures by a policy and acts on what it finds. Thread-safe; never raises.

    Args:
        policy: The rule.
        lifecycle: Knows where a failure stands in its session's life; closes the gate and publishes.
        trail: Where decisions are counted and written down.
    """

    def __init__(self, policy: Policy, lifecycle: Lifecycle, trail: AuditTrail) -> None:
        self._policy = policy
        self._lifecycle = lifecycle
        self._trail = trail
        self._rehearsal: Rehearsal | None = None
        self.is_shadow = policy.mode == "shadow"

    def decide(
        self,
        signal: str,
        failures: Sequence[Failure],
        *,
        can_show: bool = False,
        demotes: bool = False,
    ) -> Decision:
        """Decide about one report, and publish and close the gate where it is a session's first failure.

        Args:
            signal: What kind of report it is.
            failures: What it says; more than one where an exception group reports several. All of them
                have to be our expired session.
            can_show: Whether this signal can show a dead session to a person where nobody listens.
            demotes: Whether the report stays without the marks of the failure, instead of being dropped.

        Returns:
            The decision; a fault of our own keeps the report.
        """
        try:
            verdict, failure = self._verdict(failures)
            rehearsal = self._rehearsal_of(failures)
            if rehearsal is not None:
                rehearsal.decided(signal, drop=verdict.drop)
                return Decision(verdict)
            if not verdict.drop:
                self.note(signal, "keep", verdict.reason, failure)
                return Decision(verdict)
            became = "demote" if demotes else "drop"
            return self._expired(signal, failure or failures[0], verdict, became, can_show=can_show)
        except Exception as error:  # noqa: BLE001 - an internal fault neither drops a report nor reaches the application
            self._trail.fault("decide", error)
            return Decision(Verdict(drop=False, reason="fault"))

    def refused(self, signal: str, error: BaseException, failures_of: FailuresOf) -> bool:
        """Decide about a report of the gate's own refusal: dropped, and counted as `refused_by_gate`.

        It is no decision about a failure, so it closes and publishes nothing.

        Args:
            signal: What kind of report it is.
            error: What `refusal_of` recognised.
            failures_of: Finds the failed call behind an exception.

        Returns:
            Whether it is dropped. False where the refusal came up in the handling of a failed call that is
            not our expired session: the report is about that one, too.
        """
        links = None if self.is_shadow else everything_below(error)  # a gate that is open refuses nothing
        if links is None:
            return False
        below = (failure for link in links for failure in failures_of(link))
        if any(one.response is not None and not recognise(one, self._policy).drop for one in below):
            return False
        refusal = refusal_of(error)
        self._trail.refused(signal, "drop", REFUSED_BY_GATE, None if refusal is None else refusal.event)
        return True

    def note(
        self,
        signal: str,
        verdict: str,
        reason: str,
        failure: Failure | None,
        observed: Observed | None = None,
        recognised: Verdict | None = None,
    ) -> None:
        """Count a decision, and record it where it is about a failure; see `AuditTrail.decided`."""
        if self._rehearsal_of(() if failure is None else (failure,)) is not None:
            return
        if self.is_shadow and verdict != "keep":
            verdict = f"would_{verdict}"
        self._trail.counters.add("decisions", signal, verdict, reason)
        if failure is None or reason == UNRELATED.reason:
            return
        if observed is None and verdict != "keep":  # what became of a report by an earlier decision
            observed = self._lifecycle.standing_of(failure.session)
        self._trail.decided(signal, verdict, reason, failure, observed, recognised)

    @contextmanager
    def rehearsing(self, rehearsal: Rehearsal) -> Iterator[None]:
        """Only recognise, in the block, what `rehearsal` made; everything else is decided as always."""
        self._rehearsal = rehearsal
        try:
            yield
        finally:
            self._rehearsal = None

    def _verdict(self, failures: Sequence[Failure]) -> tuple[Verdict, Failure | None]:
        """Return the verdict that counts, and the failure it is about: one that is kept, else the surest."""
        judged = [(recognise(failure, self._policy), failure) for failure in failures]
        kept = (one for one in judged if not one[0].drop)
        return next(kept, max(judged, key=_certainty, default=(UNRELATED, None)))

    def _rehearsal_of(self, failures: Sequence[Failure]) -> Rehearsal | None:
        rehearsal = self._rehearsal
        return rehearsal if rehearsal is not None and rehearsal.owns(failures) else None

    def _expired(
        self, signal: str, failure: Failure, verdict: Verdict, became: str, *, can_show: bool
    ) -> Decision:
        """Act by the grade of the evidence: facts and statements decide, words corroborate only."""
        nameless = self._policy.scope == "session" and failure.session is None
        if verdict.grade != "words" and not nameless:
            observed = self._lifecycle.observe(failure, verdict, can_show=can_show)
        elif self._lifecycle.corroborates(failure):
            observed = self._lifecycle.corroborated(failure, can_show=can_show)
        else:
            observed = Observed(None, None, "uncorroborated")
        if observed.standing is None:
            kept = Verdict(drop=False, reason=observed.reason or verdict.reason, grade=verdict.grade)
            self.note(signal, "keep", kept.reason, failure, recognised=kept)
            return Decision(kept)
        if observed.tag is not None:
            self.note(signal, "keep", observed.tag, failure, observed, verdict)
        else:
            self.note(signal, became, observed.reason or verdict.reason, failure, observed, verdict)
        if observed.reason is not None:
            verdict = replace(verdict, reason=observed.reason)
        return self._applied(verdict, observed)

    def _applied(self, verdict: Verdict, observed: Observed) -> Decision:
        """Return the decision that the policy's mode makes of a verdict to drop."""
        if self.is_shadow:
            return Decision(replace(verdict, drop=False), shadowed=observed.tag is None)
        stale = observed.standing is Standing.STALE
        return Decision(verdict, observed.tag, expiry=None if stale else observed.expiry)


def _certainty(judged: tuple[Verdict, Failure]) -> tuple[int, bool, bool, bool]:
    verdict, failure = judged
    grade = _GRADES.index(verdict.grade)
    response = failure.response
    if response is None:
        return (grade, False, False, False)
    return (grade, True, response.recorded, response.body is not None)
