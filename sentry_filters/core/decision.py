"""The one act of dropping and emitting: every signal's failures are decided here, and only here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from sentry_filters.core.backend_sessions import BackendSessions
from sentry_filters.core.backends import Backends
from sentry_filters.core.recognition import UNRELATED, Verdict
from sentry_filters.core.records import AuditTrail
from sentry_filters.core.refusals import REFUSED_BY_GATE, everything_below, refusal_of
from sentry_filters.core.session import Observed
from sentry_filters.evidence import Failure, FailuresOf, Response

_GRADES = ("words", "statement", "fact")
_OF_SPANS = frozenset({"span", "transaction"})  # they find their calls themselves, by when they ran

_Judged = tuple[Verdict, Failure]


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
        backends: The rules.
        sessions: Knows where a failure stands in its session's life; closes the gate and publishes.
        trail: Where decisions are counted and written down.
        held_call: Returns the one failed call that a report of a trace or this task can be about, as
            `instrument` holds it; None where it holds none, or several that differ.
    """

    def __init__(
        self,
        backends: Backends,
        sessions: BackendSessions,
        trail: AuditTrail,
        held_call: Callable[[str | None], Response | None],
    ) -> None:
        self._backends = backends
        self._recognise = backends.recognise
        self._sessions = sessions
        self._trail = trail
        self._held_call = held_call
        self._rehearsal: Rehearsal | None = None
        self.is_shadow = backends.is_shadow

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
            deciding = self._deciding(failures)
            verdict, failure = deciding[0]
            rehearsal = self._rehearsal_of(failures)
            if rehearsal is not None:
                rehearsal.decided(signal, drop=verdict.drop)
                return Decision(verdict)
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
        links = None if self.is_shadow else everything_below(error)  # a gate that is open refuses nothing
        if links is None:
            return False
        below = (failure for link in links for failure in failures_of(link))
        if any(one.response is not None and not self._recognise(one).drop for one in below):
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

    def _deciding(self, failures: Sequence[Failure]) -> list[_Judged]:
        """Return what decides: one failure that is kept, else each backend's surest, the surest first."""
        judged = [(self._recognise(one), one) for one in self._backends.with_others(failures)]
        for one in judged:
            if not one[0].drop:
                return [one]
        if len(judged) < 2:
            return judged or [(UNRELATED, Failure())]
        judged.sort(key=_certainty, reverse=True)
        surest: dict[str, _Judged] = {}
        for one in judged:
            surest.setdefault(self._backends.of(one[1]).provider, one)
        return list(surest.values())

    def _rehearsal_of(self, failures: Sequence[Failure]) -> Rehearsal | None:
        rehearsal = self._rehearsal
        return rehearsal if rehearsal is not None and rehearsal.owns(failures) else None

    def _expired(self, signal: str, expired: Sequence[_Judged], became: str, *, can_show: bool) -> Decision:
        """Act by the grade of the evidence: facts and statements decide, words corroborate only.

        A report of several backends' sessions is dropped only if each of them is known to be dead then.
        """
        if signal not in _OF_SPANS:
            expired = [self._with_held_call(*one) for one in expired]
        for verdict, failure in expired:  # before any of them has consequences
            doubt = self._doubt(verdict, failure, expired)
            if doubt is not None:
                return self._kept(signal, doubt, verdict, failure)
        seen = [(self._observed(*one, can_show=can_show), *one) for one in expired]
        observed, verdict, failure = min(seen, key=_urgency)
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

    def _doubt(self, verdict: Verdict, failure: Failure, expired: Sequence[_Judged]) -> str | None:
        """Return why a report is kept although each failure by itself would be dropped."""
        if self._is_words(verdict, failure) and not self._sessions.of(failure).corroborates(failure):
            return "uncorroborated"
        return "contradicting_host" if self._hides_another(failure, expired) else None

    def _with_held_call(self, verdict: Verdict, failure: Failure) -> _Judged:
        """Return words together with the failed call that they are about, if that is its session's end."""
        if not self._is_words(verdict, failure) or self._sessions.of(failure).corroborates(failure):
            return verdict, failure
        held = self._held_call(failure.trace_id)
        stated = None if failure.response is None else failure.response.status
        if held is None or stated not in (None, held.status):
            return verdict, failure
        fact = replace(failure, response=held)
        by_fact = self._recognise(fact)
        is_same = by_fact.grade == "fact" and self._backends.of(fact) is self._backends.of(failure)
        ends = by_fact.drop and is_same and self._sessions.of(fact).announces(fact)
        return (by_fact, fact) if ends else (verdict, failure)

    def _is_words(self, verdict: Verdict, failure: Failure) -> bool:
        nameless = failure.session is None and self._backends.of(failure).scope == "session"
        return verdict.grade == "words" or nameless

    def _hides_another(self, failure: Failure, expired: Sequence[_Judged]) -> bool:
        """Say whether a report leads to a call of another of our backends whose session may be alive."""
        others = self._backends.others_of(failure)
        if not others:
            return False
        sure = {
            self._backends.of(one).provider for verdict, one in expired if not self._is_words(verdict, one)
        }
        nameless = Failure(trace_id=failure.trace_id)
        lives = (self._sessions.named(one.provider, "decide") for one in others if one.provider not in sure)
        return not all(life.corroborates(nameless) for life in lives)

    def _observed(self, verdict: Verdict, failure: Failure, *, can_show: bool) -> Observed:
        life = self._sessions.of(failure)
        if self._is_words(verdict, failure):
            return life.corroborated(failure, can_show=can_show)
        return life.observe(failure, verdict, can_show=can_show)

    def _kept(self, signal: str, reason: str, verdict: Verdict, failure: Failure) -> Decision:
        kept = Verdict(drop=False, reason=reason, grade=verdict.grade)
        self.note(signal, "keep", reason, failure, recognised=kept)
        return Decision(kept)


def _urgency(seen: tuple[Observed, Verdict, Failure]) -> int:
    """Order what was seen by what it does to the report: it is kept, shown, dropped."""
    observed = seen[0]
    return 0 if observed.standing is None else 1 if observed.tag is not None else 2


def _certainty(judged: _Judged) -> tuple[int, bool, bool, bool]:
    verdict, failure = judged
    grade = _GRADES.index(verdict.grade)
    response = failure.response
    if response is None:
        return (grade, False, False, False)
    return (grade, True, response.recorded, response.body is not None)
