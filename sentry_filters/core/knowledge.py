"""What one process knows of its sessions: bounded, and changed in steps that nothing can split."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from sentry_filters.core.lifecycle import transition
from sentry_filters.core.states import (
    NEVER,
    Asked,
    Due,
    Event,
    Expiry,
    Failed,
    Process,
    RenewalAsked,
    Rule,
    Session,
    State,
    Step,
)

# Sessions that are remembered; the oldest are forgotten first, and count as new again.
MOST_SESSIONS = 10_000

Value = TypeVar("Value")


class _Link(Generic[Value]):
    """A value and what replaced it. The latest is found from any link, so none has to be up to date.

    `dict.setdefault` replaces in one step: a signal handler or finalizer that decides in the middle of a
    decision of its own thread, which no lock keeps out, is either before it or after it.
    """

    __slots__ = ("_next", "value")

    def __init__(self, value: Value) -> None:
        self.value = value
        self._next: dict[None, _Link[Value]] = {}

    def latest(self) -> _Link[Value]:
        """Return the last link."""
        link = self
        while link._next:
            link = link._next[None]
        return link

    def replace(self, value: Value) -> bool:
        """Put `value` behind this link, unless another is there."""
        new = _Link(value)
        return self._next.setdefault(None, new) is new


@dataclass(slots=True)
class _Use:
    """When the first call of a credential began whose end is known, and the latest that succeeded."""

    first: float
    succeeded: float = NEVER


class Knowledge:
    """Applies the transition function, and remembers what it returns.

    Its owner holds a re-entrant lock round every call, which keeps other threads out.

    Args:
        rule: What the policy says.

    Attributes:
        latest_stamp: The latest stamp of any renewal.
    """

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self.latest_stamp = 0
        self._process = _Link(Process())
        self._sessions: OrderedDict[str | None, _Link[Session]] = OrderedDict()
        self._uses: OrderedDict[str, _Use] = OrderedDict()
        # Ids of the expiries that nothing has ended yet, each with the session that it was found in.
        self._running: OrderedDict[str, str | None] = OrderedDict()
        self._latest: OrderedDict[str | None, str] = OrderedDict()  # of each of these sessions
        self._ended: str | None = None
        self._traces: OrderedDict[str, str] = OrderedDict()

    def apply(self, name: str | None, event: Event) -> Step:
        """Let `event` happen to the session of this name."""
        if isinstance(event, Failed) and name is not None:
            self._use(name, event.reported if event.began is None else event.began)
        while True:
            process, session = self._process.latest(), self._link(name)
            before = self._state(name, process.value, session.value)
            step = transition(self._rule, before, event)
            after = step.state
            if after.process is not before.process and not process.replace(after.process):
                continue
            if after.session is before.session or session.replace(after.session):
                if after is not before:
                    self._changed(name, after)
                return step

    def foreseen(self, name: str | None, event: Failed) -> Step:
        """Return what `apply` would, and remember nothing."""
        return transition(self._rule, self.state(name), event)

    def would_show(self, expiry: str | None, name: str | None, step: Step | None, *, listening: bool) -> bool:
        """Say whether Sentry would be shown a failure of this expiry, since nobody hears of it.

        Args:
            expiry: The expiry that it belongs to.
            name: The failure's own session.
            step: What is foreseen of the failure, None where it changes nothing.
            listening: Whether somebody has subscribed.
        """
        home = self.home(expiry, name)
        state = step.state if step is not None and home == name else self.state(home)
        return Due.SHOW in transition(self._rule, state, Asked(listening)).due

    def state(self, name: str | None) -> State:
        """Return what is known of the session of this name."""
        link = self._sessions.get(name)
        session = Session(name) if link is None else link.latest().value
        return self._state(name, self._process.latest().value, session)

    def renewing(self, name: str | None, *, pending: bool) -> None:
        """Note that a session's renewal is asked for; one in a process is that of all."""
        names = (name, None) if self._rule.scope == "process" else (name,)
        for one in dict.fromkeys(names):
            self.apply(one, RenewalAsked(pending))

    def succeeded(self, credential: str, began: float) -> bool:
        """Remember when the latest call of this credential that succeeded began.

        Returns:
            Whether `Succeeded` may change something: an expiry runs, or another credential was in use before.
        """
        use = self._use(credential, began)
        use.succeeded = max(use.succeeded, began)
        if self._running:
            return True
        return self._rule.scope == "process" and self._process.latest().value.used[-1:] != (credential,)

    # Running expiries

    def began(self, expiry: str, name: str | None) -> None:
        """Note that an expiry runs, found in the session of this name."""
        self._running[expiry] = name
        self._latest[name] = expiry
        for bounded in (self._running, self._latest):
            while len(bounded) > MOST_SESSIONS:
                bounded.popitem(last=False)

    def end(self, *expiries: str) -> tuple[str, ...]:
        """Note that these expiries are over; return those that ran."""
        ended = tuple(expiry for expiry in expiries if expiry in self._running)
        for expiry in ended:
            self._running.pop(expiry, None)
            self._ended = expiry
        return ended

    def running(self, name: str | None, *, everyone: bool) -> tuple[str, ...]:
        """Return the ids of the running expiries of this session, or of all."""
        if everyone:
            return tuple(self._running)
        latest = self._latest.get(name)
        return () if latest is None or latest not in self._running else (latest,)

    def runs(self, expiry: str, name: str | None) -> bool:
        """Say whether this expiry, found in the session of this name, runs by what is known of renewals."""
        running = self.state(name).running
        return running is not None and running.id == expiry

    def homes(self, expiries: Collection[str]) -> list[str | None]:
        """Return the sessions that these expiries were found in, as far as they run."""
        running = dict(self._running)
        return [running[expiry] for expiry in expiries if expiry in running]

    def failed_in(self, trace_id: str, name: str) -> None:
        """Note that a call of this session failed in this trace."""
        self._traces[trace_id] = name
        while len(self._traces) > MOST_SESSIONS:
            self._traces.popitem(last=False)

    def dead(self, name: str | None, trace_id: str | None) -> str | None:
        """Return the id of the running expiry of the session that is spoken of, None where it lives.

        Args:
            name: The session, None where it is not named: then it is the process's, or, where sessions are
                told apart, the one whose call failed last in the same trace.
            trace_id: The trace.
        """
        if self._rule.scope == "process":
            expiries = (self.expiry_of(one) for one in (name, None))
            return next((expiry for expiry, runs in expiries if runs), None)
        spoken_of = name or self._traces.get(trace_id or "")
        expiry = None if spoken_of is None else self.state(spoken_of).running
        return None if expiry is None else expiry.id

    def home(self, expiry: str | None, otherwise: str | None) -> str | None:
        """Return the session that a running expiry was found in."""
        return otherwise if expiry is None else self._running.get(expiry, otherwise)

    def expiry_of(self, name: str | None) -> tuple[str | None, bool]:
        """Return the id of the expiry that a failure of this session belongs to, and whether it runs."""
        return self.expiry_in(self.state(name))

    def expiry_in(self, state: State) -> tuple[str | None, bool]:
        """As `expiry_of`, of a state that is at hand."""
        name = state.session.name
        expiry = state.running or (state.beside if name is None else None)
        if expiry is not None:
            return expiry.id, True
        if state.session.expiry is not None:
            return state.session.expiry.id, False
        return (self._ended if name is None else None), False

    def _use(self, credential: str, began: float) -> _Use:
        """Remember when the first call of this credential began."""
        use = self._uses.get(credential)
        if use is None:
            use = self._uses.setdefault(credential, _Use(began))
            while len(self._uses) > MOST_SESSIONS:
                self._uses.popitem(last=False)
        use.first = min(use.first, began)
        return use

    def _state(self, name: str | None, process: Process, session: Session) -> State:
        use = None if name is None else self._uses.get(name)
        succeeded, seen = (NEVER, NEVER) if use is None else (use.succeeded, use.first)
        if self._rule.scope == "session" or not self._running:
            return State(process, session, None, False, succeeded, seen)  # noqa: FBT003 - often: keywords cost
        latest = next(reversed(self._running.values()), None)
        beside = self._beside(name, latest, process)
        return State(process, session, beside, latest is not None and latest != name, succeeded, seen)

    def _beside(self, name: str | None, latest: str | None, process: Process) -> Expiry | None:
        other = self._sessions.get(latest if name is None else None)
        if other is None or other.latest().value.name == name:
            return None
        return State(process, other.latest().value).running

    def _link(self, name: str | None) -> _Link[Session]:
        link = self._sessions.get(name)
        if link is None:
            link = self._sessions.setdefault(name, _Link(Session(name)))
            while len(self._sessions) > MOST_SESSIONS:
                self._sessions.popitem(last=False)
        return link.latest()

    def _changed(self, name: str | None, after: State) -> None:
        """Start from the latest links from now on."""
        stamps = (self.latest_stamp, after.process.renewal.stamp, after.session.renewal.stamp)
        self.latest_stamp = max(stamps)
        self._process = self._process.latest()
        link = self._sessions.get(name)
        if link is not None:
            self._sessions[name] = link.latest()
