"""Explains what would be decided about a report, by the parts that decide, and leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from sentry_filters.core.backend_sessions import BackendSessions
from sentry_filters.core.backends import Backends
from sentry_filters.core.explanation import Explanation, Step
from sentry_filters.core.facts import Facts
from sentry_filters.core.reasons import BACKEND, GRADE, REASONS, SESSION, STATUS, STEPS, VERDICT, VETO
from sentry_filters.core.recognition import Verdict
from sentry_filters.core.records import Labels
from sentry_filters.core.refusals import REFUSED_BY_GATE
from sentry_filters.core.session import Observed, Standing
from sentry_filters.core.weighing import Judged, Weighing, urgency
from sentry_filters.evidence import Failure

_SIGNAL = "event"
_PASSED: Mapping[str, str] = MappingProxyType(
    {
        STATUS: "The status can be that of an expired session.",
        VETO: "Nothing contradicts: neither provider, host, operation, body, credential nor exception.",
        BACKEND: "It is an LLM call of this backend.",
    }
)
_GRADES: Mapping[str, str] = MappingProxyType(
    {
        "fact": "fact: a response of one of the policy's hosts says so, and no body contradicts it.",
        "statement": "statement: the application says so, by its five tags or by a message of that form.",
        "words": "words: they count only while that session is known to be dead.",
    }
)
_STANDINGS: Mapping[Standing | None, str] = MappingProxyType(
    {
        Standing.FIRST: "It would be the session's first: the gate closes, one SessionExpired is published.",
        Standing.REPEAT: "It repeats the failure of a session that is known to be dead.",
        Standing.STALE: "It is a late failure of a session that has been renewed since.",
    }
)


class Explainer:
    """Takes a report through the steps of a decision, and says what each of them finds.

    Args:
        backends: The rules.
        sessions: Knows where a failure stands in its session's life.
        weighing: Says what the failures of a report amount to.
        labels: Cleans what is said.
    """

    def __init__(
        self, backends: Backends, sessions: BackendSessions, weighing: Weighing, labels: Labels
    ) -> None:
        self._backends = backends
        self._sessions = sessions
        self._weighing = weighing
        self._labels = labels

    def of_failures(self, report: Step, failures: Sequence[Failure]) -> Explanation:
        """Explain a report by the failures in it.

        Args:
            report: What was given.
            failures: What it says.
        """
        deciding: Sequence[Judged] = self._weighing.deciding(failures)
        verdict, failure = deciding[0]
        if not verdict.drop:
            return self._kept(report, deciding, verdict, failure)
        deciding = self._weighing.completed(_SIGNAL, deciding)
        doubt = self._weighing.doubt(deciding)
        if doubt is not None:
            reason, verdict, failure = doubt
            return self._kept(report, deciding, replace(verdict, reason=reason), failure)
        seen = [(self._foreseen(*one), *one) for one in deciding]
        return self._recognised(report, deciding, *min(seen, key=urgency))

    def of_refusal(self, report: Step) -> Explanation:
        """Explain a report of the gate's own refusal."""
        only, reason = self._backends.only, REASONS[REFUSED_BY_GATE]
        return Explanation(
            verdict="drop",
            reason=REFUSED_BY_GATE,
            backend="" if only is None else only.provider,
            steps=(report, Step(reason.step, f"drop ({REFUSED_BY_GATE}): {reason}")),
        )

    def unread(self, report: Step, reason: str) -> Explanation:
        """Explain why something is kept that no failure is found in: `unrelated` or `fault`."""
        only, why = self._backends.only, REASONS[reason]
        steps = (report, Step(why.step, str(why)), Step(VERDICT, f"keep ({reason})"))
        backend = "" if only is None else only.provider
        return Explanation(verdict="keep", reason=reason, backend=backend, steps=steps)

    def line(self, text: str) -> str:
        """Return a text without secrets, in a form that cannot control a terminal."""
        return self._labels.of_line(text)

    def _kept(
        self, report: Step, deciding: Sequence[Judged], verdict: Verdict, failure: Failure
    ) -> Explanation:
        reason = REASONS[verdict.reason]
        at = STEPS.index(reason.step)
        return Explanation(
            verdict="keep",
            reason=verdict.reason,
            backend=self._backends.provider_of(failure),
            # Evidence that something contradicts has no grade.
            grade=verdict.grade if at >= STEPS.index(GRADE) else None,
            steps=(
                *self._opening(report, deciding),
                *(Step(name, text) for name, text in _PASSED.items() if STEPS.index(name) < at),
                Step(reason.step, str(reason)),
                Step(VERDICT, f"keep ({verdict.reason})"),
            ),
        )

    def _recognised(
        self,
        report: Step,
        deciding: Sequence[Judged],
        observed: Observed,
        verdict: Verdict,
        failure: Failure,
    ) -> Explanation:
        reason = observed.tag or observed.reason or verdict.reason
        is_shown = observed.standing is None or observed.tag is not None
        is_shadow = self._backends.is_shadow and not is_shown
        return Explanation(
            verdict="keep" if is_shown or is_shadow else "drop",
            reason=reason,
            backend=self._backends.provider_of(failure),
            grade=verdict.grade,
            confirmed=verdict.confirmed,
            tag=observed.tag,
            is_shadow=is_shadow,
            steps=(
                *self._opening(report, deciding),
                *(Step(name, text) for name, text in _PASSED.items()),
                Step(GRADE, _GRADES[verdict.grade]),
                Step(SESSION, _of_session(observed, reason)),
                Step(VERDICT, _concluded(observed, reason, is_shadow=is_shadow)),
            ),
        )

    def _opening(self, report: Step, deciding: Sequence[Judged]) -> Iterator[Step]:
        yield report
        for _, failure in deciding:
            policy = self._backends.of(failure)
            facts = Facts(failure, policy, self._labels.of_line)
            yield Step("evidence", f"judged by the policy of {policy.provider}:", tuple(facts.lines()))

    def _foreseen(self, verdict: Verdict, failure: Failure) -> Observed:
        is_words = verdict.grade == "words"
        return self._sessions.of(failure).foreseen(failure, is_words=is_words, can_show=True)


def _of_session(observed: Observed, reason: str) -> str:
    known = REASONS[reason]
    return str(known) if known.step == SESSION else _STANDINGS[observed.standing]


def _concluded(observed: Observed, reason: str, *, is_shadow: bool) -> str:
    if observed.standing is None:
        return f"keep ({reason})"
    if observed.tag is not None:
        return f"keep ({reason}), tagged session_expired={observed.tag}"
    return f"keep: shadow mode keeps what would be dropped ({reason})" if is_shadow else f"drop ({reason})"
