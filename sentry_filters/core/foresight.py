"""Where a failure would stand if it were reported now: the answer of `Lifecycle.observe`, noted nowhere."""

from __future__ import annotations

from sentry_filters.core.clocks import failed
from sentry_filters.core.knowledge import Knowledge
from sentry_filters.core.session import Observed, Standing
from sentry_filters.core.states import Due
from sentry_filters.evidence import Failure


def foreseen(
    known: Knowledge, failure: Failure, *, listening: bool, is_words: bool, can_show: bool
) -> Observed:
    """Return where a failure would stand; nothing is noted. The caller holds the lock of `known`.

    Args:
        known: What is known of the sessions.
        failure: A recognised failure.
        listening: Whether somebody has subscribed.
        is_words: Whether it only counts since its session is known to be dead.
        can_show: Whether its report can be shown in Sentry.
    """
    name = failure.session
    if is_words:
        expiry = known.dead(name, failure.trace_id)
        shown = can_show and known.would_show(expiry, name, None, listening=listening)
        return Observed(Standing.REPEAT, expiry, tag="unhandled" if shown else None)
    step = known.foreseen(name, failed(failure, can_show=can_show))
    if step.standing is None:
        return Observed(None, None, step.reason)
    expiry, runs = known.expiry_in(step.state)
    if step.reason is not None:
        return Observed(step.standing, expiry, step.reason, step.reason if Due.SHOW in step.due else None)
    asked = can_show and runs and step.standing is not Standing.STALE
    shown = asked and known.would_show(expiry, name, step, listening=listening)
    return Observed(step.standing, expiry, tag="unhandled" if shown else None)
