"""What the failures of one report amount to together. Only read: nothing is counted, closed or published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sentry_filters.core.backend_sessions import BackendSessions
from sentry_filters.core.backends import Backends
from sentry_filters.core.recognition import UNRELATED, Verdict
from sentry_filters.core.refusals import everything_below
from sentry_filters.core.session import Observed
from sentry_filters.evidence import Failure, FailuresOf, Response

Judged = tuple[Verdict, Failure]
Seen = tuple[Observed, Verdict, Failure]

_GRADES = ("words", "statement", "fact")
_OF_SPANS = frozenset({"span", "transaction"})  # they find their calls themselves, by when they ran


class Weighing:
    """Judges each failure of a report by its backend's policy, and all of them against each other.

    Args:
        backends: The rules.
        sessions: Knows which sessions are dead.
        held_call: Returns the one failed call that a report of a trace or this task can be about, as
            `instrument` holds it; None where it holds none, or several that differ.
    """

    def __init__(
        self,
        backends: Backends,
        sessions: BackendSessions,
        held_call: Callable[[str | None], Response | None],
    ) -> None:
        self._backends = backends
        self._recognise = backends.recognise
        self._sessions = sessions
        self._held_call = held_call

    def deciding(self, failures: Sequence[Failure]) -> list[Judged]:
        """Return what decides: one failure that is kept, else each backend's surest, the surest first."""
        judged = [(self._recognise(one), one) for one in self._backends.with_others(failures)]
        for one in judged:
            if not one[0].drop:
                return [one]
        if len(judged) < 2:
            return judged or [(UNRELATED, Failure())]
        judged.sort(key=_certainty, reverse=True)
        surest: dict[str, Judged] = {}
        for one in judged:
            surest.setdefault(self._backends.of(one[1]).provider, one)
        return list(surest.values())

    def completed(self, signal: str, expired: Sequence[Judged]) -> Sequence[Judged]:
        """Return what decides, each with the failed call that its words are about, where there is one."""
        return expired if signal in _OF_SPANS else [self._with_held_call(*one) for one in expired]

    def doubt(self, expired: Sequence[Judged]) -> tuple[str, Verdict, Failure] | None:
        """Return why a report is kept although each failure by itself would be dropped, and which says so."""
        for verdict, failure in expired:
            if verdict.grade == "words" and not self._sessions.of(failure).corroborates(failure):
                return "uncorroborated", verdict, failure
            if self._hides_another(failure, expired):
                return "contradicting_host", verdict, failure
        return None

    def is_of_another(self, error: BaseException, failures_of: FailuresOf) -> bool:
        """Say whether a refusal of the gate's came up in the handling of a failure of another kind.

        Args:
            error: What `refusal_of` recognised.
            failures_of: Finds the failed call behind an exception.
        """
        links = everything_below(error)
        if links is None:
            return True
        below = (failure for link in links for failure in failures_of(link))
        return any(one.response is not None and not self._recognise(one).drop for one in below)

    def _with_held_call(self, verdict: Verdict, failure: Failure) -> Judged:
        """Return words together with the failed call that they are about, if that is its session's end."""
        if verdict.grade != "words" or self._sessions.of(failure).corroborates(failure):
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

    def _hides_another(self, failure: Failure, expired: Sequence[Judged]) -> bool:
        """Say whether a report leads to a call of another of our backends whose session may be alive."""
        others = self._backends.others_of(failure)
        if not others:
            return False
        sure = {self._backends.of(one).provider for verdict, one in expired if verdict.grade != "words"}
        nameless = Failure(trace_id=failure.trace_id)
        lives = (self._sessions.named(one.provider, "decide") for one in others if one.provider not in sure)
        return not all(life.corroborates(nameless) for life in lives)


def urgency(seen: Seen) -> int:
    """Order what was seen by what it does to the report: it is kept, shown, dropped."""
    observed = seen[0]
    return 0 if observed.standing is None else 1 if observed.tag is not None else 2


def _certainty(judged: Judged) -> tuple[int, ...]:
    verdict, failure = judged
    grade = _GRADES.index(verdict.grade)
    response = failure.response
    if response is None:
        return (grade,)
    return (grade, response.recorded, response.body is not None)
