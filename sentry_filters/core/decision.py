"""The one act of dropping and emitting: every signal's failures are decided here, and only here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from sentry_filters.core.backend_sessions import BackendSessions
from sentry_filters.core.known_hosts import KnownHosts
from sentry_filters.core.recognition import UNRELATED, Verdict
from sentry_filters.core.records import AuditTrail
from sentry_filters.core.refusals import REFUSED_BY_GATE, refusal_of
from sentry_filters.core.session import Observed
from sentry_filters.core.weighing import Judged, Weighing, urgency
from sentry_filters.evidence import Failure, FailuresOf


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a report.

    Args:
        verdict: Whether it is dropped, and why.
        tag: The value of the tag `session_expired` under which Sentry keeps the report all the same, since
            dropping it would hide what somebody has to act on: `unhandled`, `old_credential`; else None.
        shadowed: Whether it would be dropped, and shadow mode alone keeps it.
        expiry: The id of the expiry that it is about, which may be over by now; None where there is none.
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
    """Decides failures by their backend's policy and acts on what it finds. Thread-safe; never raises.

    Args:
        sessions: Knows where a failure stands in its session's life; closes the gate and publishes.
        trail: Where decisions are counted and written down.
        weighing: Says what the failures of a report amount to.
        known_hosts: Watches whose hosts failures come from.
        is_shadow: Whether everything is kept, and counted as it would be dropped.
    """

    def __init__(
        self,
        sessions: BackendSessions,
        trail: AuditTrail,
        weighing: Weighing,
        known_hosts: KnownHosts,
        *,
        is_shadow: bool,
    ) -> None:
        self._sessions = sessions
        self._trail = trail
        self._weighing = weighing
        self._known_hosts = known_hosts
        self._rehearsal: Rehearsal | None = None
        self.is_shadow = is_shadow

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
            deciding = self._weighing.deciding(failures)
            verdict, failure = deciding[0]
            rehearsal = self._rehearsal_of(failures)
            if rehearsal is not None:
                rehearsal.decided(signal, drop=verdict.drop)
                return Decision(verdict)
            self._known_hosts.decided(verdict, failure)
            if not verdict.drop:
                self.note(signal, "keep", verdict.reason, failure)
                return Decision(verdict)
            became = "demote" if demotes else "drop"
            return self._expired(signal, deciding, became, can_show=can_show)
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
        # A gate that is open refuses nothing.
        if self.is_shadow or self._weighing.is_of_another(error, failures_of):
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
            observed = self._sessions.of(failure).standing_of(failure.session)
        self._trail.decided(signal, verdict, reason, failure, observed, recognised)

    @contextmanager
    def rehearsing(self, rehearsal: Rehearsal) -> Iterator[None]:
        """Only recognise, in the block, what `rehearsal` made; everything else is decided as always."""
        self._rehearsal = rehearsal
        try:
            yield
        finally:
            self._rehearsal = None

    def _rehearsal_of(self, failures: Sequence[Failure]) -> Rehearsal | None:
        rehearsal = self._rehearsal
        return rehearsal if rehearsal is not None and rehearsal.owns(failures) else None

    def _expired(self, signal: str, expired: Sequence[Judged], became: str, *, can_show: bool) -> Decision:
        """Act by the grade of the evidence: facts and statements decide, words corroborate only.

        A report of several backends' sessions is dropped only if each of them is known to be dead then.
        """
        expired = self._weighing.completed(signal, expired)
        doubt = self._weighing.doubt(expired)
        if doubt is not None:  # before any of them has consequences
            return self._kept(signal, *doubt)
        seen = [(self._observed(*one, can_show=can_show), *one) for one in expired]
        observed, verdict, failure = min(seen, key=urgency)
        reason = observed.reason or verdict.reason
        if observed.standing is None:
            return self._kept(signal, reason, verdict, failure)
        if observed.tag is not None:
            self.note(signal, "keep", observed.tag, failure, observed, verdict)
        else:
            self.note(signal, became, reason, failure, observed, verdict)
        if reason != verdict.reason:
            verdict = replace(verdict, reason=reason)
        return self._applied(verdict, observed)

    def _applied(self, verdict: Verdict, observed: Observed) -> Decision:
        """Return the decision that the policies' mode makes of a verdict to drop."""
        if self.is_shadow:
            return Decision(replace(verdict, drop=False), shadowed=observed.tag is None)
        return Decision(verdict, observed.tag, expiry=observed.expiry)

    def _observed(self, verdict: Verdict, failure: Failure, *, can_show: bool) -> Observed:
        life = self._sessions.of(failure)
        if verdict.grade == "words":
            return life.corroborated(failure, can_show=can_show)
        return life.observe(failure, verdict, can_show=can_show)

    def _kept(self, signal: str, reason: str, verdict: Verdict, failure: Failure) -> Decision:
        kept = Verdict(drop=False, reason=reason, grade=verdict.grade)
        self.note(signal, "keep", reason, failure, recognised=kept)
        return Decision(kept)
