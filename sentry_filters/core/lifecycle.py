"""The session's life, as one pure function: from what is known and what happens to what is known and due.

It has no clocks, locks, threads or SDKs: `core/sessions.py` is the shell around it that does. `tests/model/`
runs this very function, for several processes, over every order of events.
"""

from __future__ import annotations

from dataclasses import replace

from sentry_filters.core.session import Standing
from sentry_filters.core.states import (
    UNRENEWED_CALLS,
    Adopted,
    Asked,
    Due,
    Elapsed,
    Event,
    Expiry,
    Failed,
    Process,
    Published,
    Renewal,
    RenewalAsked,
    Renewed,
    Rule,
    State,
    Step,
    Succeeded,
)

SHOWN_AGAIN_AFTER = 3600.0
"""Seconds after which the use of an old credential is shown once more."""


def renewals_of(
    scope: str, credential: str | None, replaces: str | None = None
) -> tuple[tuple[str | None, str | None], ...]:
    """Return what a sign-in renews: pairs of a session, None for all, and the credential it now has."""
    if scope == "process" or credential is None:
        return ((None, credential),)
    mine: tuple[tuple[str | None, str | None], ...] = ((credential, credential),)
    return mine if replaces in (None, credential) else (*mine, (replaces, credential))


def transition(rule: Rule, state: State, event: Event) -> Step:
    """Return what is known and due after `event`; pure, total, never raises."""
    match event:
        case Failed():
            return _failed(rule, state, event)
        case Succeeded():
            return _succeeded(rule, state, event)
        case Renewed():
            return _renewed(state, event)
        case Adopted():
            return _adopted(state, event)
        case RenewalAsked():
            return Step(_with(state, asked_after=state.covering.stamp if event.pending else None))
        case Asked():
            return _asked(state, event)
        case _:  # `Elapsed` or `Published`: mypy says so if another event is added
            return _told(state, event)


def _failed(rule: Rule, state: State, event: Failed) -> Step:
    began = min(event.now, event.reported if event.began is None else event.began)
    renewal = state.covering
    if began < state.succeeded:
        return Step(state, reason="contradicting_success")
    if _precedes(rule, event, renewal):
        return Step(state, standing=Standing.STALE)
    expiry = state.running
    if expiry is not None:
        return _repeat(rule, state, expiry, event.now, began)
    if _names_another(state):
        return _old_credential(state, event)
    return _ended(rule, state, event, began)


def _ended(rule: Rule, state: State, event: Failed, began: float) -> Step:
    beside = state.beside
    # A report that knows no start is of the same calls as often as not: nothing is published twice.
    may_be_same = event.began is None or state.session.name is None
    if beside is not None and (may_be_same or began <= beside.found):
        # Only a named session takes it over: the same expiry, seen first by a signal without its credential.
        joined = state if state.session.name is None else _with(state, expiry=replace(beside, told=True))
        return Step(joined, standing=Standing.REPEAT)
    after = state.covering.stamp
    if state.session.asked_after == after:  # whether this is its end is known when that is answered
        return Step(state, reason="renewal_pending")
    first = Expiry(
        id=rule.expiry_id(state.session.name, after),
        after=after,
        failed=began,
        found=event.now,
        told=not rule.healing_window,
    )
    then = Due.PUBLISH if first.told else Due.WAIT
    several = rule.scope == "process" and state.crowded and state.session.name is not None
    due = (Due.CLOSE, then, Due.WARN) if several else (Due.CLOSE, then)
    return Step(_with(state, expiry=first), due, Standing.FIRST)


def _precedes(rule: Rule, event: Failed, renewal: Renewal) -> bool:
    if event.began is None:
        return event.reported < renewal.at + rule.renewal_grace
    return event.began < renewal.at


def _names_another(state: State) -> bool:
    """Say whether the latest sign-in named another credential; that this one recovered since is not one.

    A credential that first appeared after that sign-in, and worked, is a newer one that nobody named: its
    client has healed itself. One that never worked may be old all the same.
    """
    everyones = state.process.renewal.credential
    named = state.covering.credential if everyones is None else everyones
    if state.session.name is None or named in (None, state.session.name):
        return False
    return min(state.seen, state.succeeded) < state.covering.at


def _old_credential(state: State, event: Failed) -> Step:
    if event.can_show and event.now - state.session.shown >= SHOWN_AGAIN_AFTER:
        return Step(_with(state, shown=event.now), (Due.SHOW,), Standing.STALE, "old_credential")
    return Step(state, standing=Standing.STALE, reason="old_credential")


def _repeat(rule: Rule, state: State, expiry: Expiry, now: float, began: float) -> Step:
    late = not expiry.told and now >= expiry.found + rule.healing_window  # nobody woke up to tell it
    if not late and began <= expiry.failed:
        return Step(state, standing=Standing.REPEAT)
    calls = max(expiry.calls, min(expiry.calls + 1, UNRENEWED_CALLS))
    again = replace(expiry, failed=max(began, expiry.failed), told=expiry.told or late, calls=calls)
    due = (Due.PUBLISH,) if late else ()
    if again.told and _is_unrenewed(rule, again, now):
        again, due = replace(again, calls=UNRENEWED_CALLS + 1), (*due, Due.UNRENEWED)  # once
    return Step(_with(state, expiry=again), due, Standing.REPEAT)


def _is_unrenewed(rule: Rule, expiry: Expiry, now: float) -> bool:
    """Say whether work goes on with a dead session as if nobody had been told of its end."""
    since_told = now - expiry.found - rule.healing_window
    return expiry.calls == UNRENEWED_CALLS and since_told >= rule.unrenewed_after


def _succeeded(rule: Rule, state: State, event: Succeeded) -> Step:
    """Another's success ends an expiry only in its healing window: that is what the window is for."""
    mine, expiry = event.credential == state.session.name, state.running
    step = _used(state, event) if mine and rule.scope == "process" else Step(state)
    if expiry is None or event.began <= expiry.failed:
        return step
    if mine or (rule.scope == "process" and not expiry.told):
        stamp = max(event.stamp, state.covering.stamp + 1)
        recovered = _with(step.state, renewal=Renewal(stamp, event.began))
        return Step(recovered, (Due.RECOVERED, *step.due))
    return step


def _used(state: State, event: Succeeded) -> Step:
    """Two credentials that take turns, without a sign-in between, are in use at the same time."""
    used = state.process.used
    if event.began < state.process.renewal.at or used[-1:] == (event.credential,):
        return Step(state)
    due = (Due.WARN,) if event.credential in used else ()
    process = replace(state.process, used=(*used[-1:], event.credential))
    return Step(replace(state, process=process), due)


def _renewed(state: State, event: Renewed) -> Step:
    new = event.renewal
    known = state.process.renewal if event.everyone else state.session.renewal
    if new.stamp == known.stamp and known.credential is None:
        new = replace(known, credential=new.credential)  # the name comes after what followed it
    elif new.stamp <= known.stamp:
        return Step(state)
    due = () if new.stamp == known.stamp else (Due.OPEN_ALL if event.everyone else Due.OPEN,)
    if event.everyone:
        used = state.process.used if not due else ()
        return Step(replace(state, process=Process(new, used)), due)
    return Step(_with(state, renewal=new), due)


def _adopted(state: State, event: Adopted) -> Step:
    known = state.session.expiry
    if known is not None and known.after > event.after:
        return Step(state)
    if known is not None and known.id == event.id:
        adopted = replace(known, after=event.after, told=True, handled=known.handled is not False)
    else:
        failed = event.now if known is None else max(event.now, known.failed)
        adopted = Expiry(event.id, event.after, failed, event.now, told=True, handled=True, shown=True)
    after = _with(state, expiry=adopted)
    return Step(after, (Due.CLOSE,) if after.running is not None else ())


def _told(state: State, event: Elapsed | Published) -> Step:
    expiry = state.session.expiry
    if expiry is None or expiry.id != event.id:
        return Step(state)
    if isinstance(event, Published):
        # Who was told may have failed before it is known that he was.
        handled = event.handled and expiry.handled is not False
        return Step(_with(state, expiry=replace(expiry, told=True, handled=handled)))
    if expiry.told or state.running is None:
        return Step(state)
    return Step(_with(state, expiry=replace(expiry, told=True)), (Due.PUBLISH,))


def _asked(state: State, event: Asked) -> Step:
    expiry = state.running
    if expiry is None or expiry.shown or (event.listening if expiry.handled is None else expiry.handled):
        return Step(state)
    return Step(_with(state, expiry=replace(expiry, shown=True)), (Due.SHOW,))


def _with(state: State, **changes: object) -> State:
    return replace(state, session=replace(state.session, **changes))  # type: ignore[arg-type]
