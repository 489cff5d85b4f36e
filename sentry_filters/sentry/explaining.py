"""From an exception or an event to the failures in it, as `before_send` finds them, and to why it is kept."""

from __future__ import annotations

from collections.abc import Mapping

from sentry_filters.core import Explainer, Explanation, Step, Weighing
from sentry_filters.evidence import FailuresOf
from sentry_filters.sentry.evidence import failures_of_event, raised_in, refused_event

_LONGEST = 100


class EventExplainer:
    """Explains what `before_send` would decide; it never raises, and leaves no trace.

    Args:
        explainer: Explains failures.
        weighing: Says whether a refusal of the gate is about another failure, too.
        failures_of: Finds the failed call behind an exception.
        is_shadow: Whether the gate refuses nothing.
    """

    def __init__(
        self, explainer: Explainer, weighing: Weighing, failures_of: FailuresOf, *, is_shadow: bool
    ) -> None:
        self._explainer = explainer
        self._weighing = weighing
        self._failures_of = failures_of
        self._is_shadow = is_shadow

    def explain(self, reported: object, hint: object = None) -> Explanation:
        """Say why `reported` would be kept or dropped; see `SessionGuard.explain`."""
        report = Step("report", "something that cannot be read")
        try:
            report = Step("report", self._named(reported, hint))
            event, hint = _as_event(reported, hint)
            if event is None:
                return self._explainer.unread(report, "unrelated")
            refused = refused_event(event, hint)
            if (
                refused is not None
                and not self._is_shadow
                and not self._weighing.is_of_another(refused, self._failures_of)
            ):
                return self._explainer.of_refusal(report)
            return self._explainer.of_failures(report, failures_of_event(event, hint, self._failures_of))
        except Exception:  # noqa: BLE001 - as in `before_send`: what cannot be read is kept
            return self._explainer.unread(report, "fault")

    def _named(self, reported: object, hint: object) -> str:
        if isinstance(reported, BaseException):
            return f"an exception, {self._type_of(reported)}"
        if not isinstance(reported, Mapping):
            return f"{self._type_of(reported)}, which is neither an exception nor an event"
        error = raised_in(hint) if isinstance(hint, Mapping) else None
        if error is None:
            return "an event by itself: the exception, and calls that instrument saw, are not in it"
        return f"an event, with its exception, {self._type_of(error)}"

    def _type_of(self, value: object) -> str:
        kind = type(value)
        return self._explainer.line(f"{kind.__module__}.{kind.__qualname__}"[:_LONGEST])


def _as_event(reported: object, hint: object) -> tuple[Mapping[str, object] | None, Mapping[str, object]]:
    """Return the event and the hint as `before_send` gets them; no event for what is none."""
    if isinstance(reported, BaseException):
        return {}, {"exc_info": (type(reported), reported, reported.__traceback__)}
    known = hint if isinstance(hint, Mapping) else {}
    return (reported, known) if isinstance(reported, Mapping) else (None, known)
