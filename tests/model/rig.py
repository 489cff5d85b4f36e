"""One process of the model: the package's own `Lifecycle`, `Exchange` and `Replica`, stopped at will.

A process is a value, `Local`. The rig puts it into the real parts, lets one thing happen, and takes it out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal, NamedTuple, cast

from sentry_filters.core import clocks, knowledge, sessions
from sentry_filters.core.backends import Backends
from sentry_filters.core.counters import Counters
from sentry_filters.core.gate import SchedulerGate
from sentry_filters.core.policy import Policy
from sentry_filters.core.recognition import Verdict
from sentry_filters.core.records import AuditTrail
from sentry_filters.core.session import SessionExpired
from sentry_filters.core.sessions import Lifecycle
from sentry_filters.core.states import Process, Session
from sentry_filters.evidence import Failure, Response
from sentry_filters.redis.exchange import Exchange
from sentry_filters.redis.messages import EVERYONE, UNNAMED, Expiry, Renewal
from sentry_filters.redis.replica import Replica
from tests.model.store import Contents, Kept, ModelStore, Named

SECOND = 1_000_000
Job = tuple[Any, ...]
"""What the speaker is to do: ("claim", kept, begun) or ("renew", named)."""


class Local(NamedTuple):
    """All that one process knows."""

    process: Process = Process()
    sessions: tuple[Session, ...] = ()
    uses: tuple[tuple[str, float, float], ...] = ()
    running: tuple[tuple[str, str | None], ...] = ()
    latest: tuple[tuple[str | None, str], ...] = ()
    gate: tuple[tuple[str, str | None], ...] = ()
    waiting: tuple[tuple[str, str | None, int, float], ...] = ()
    expiries: tuple[Kept, ...] = ()
    renewals: tuple[Named, ...] = ()
    unsettled: frozenset[str] = frozenset()
    jobs: tuple[Job, ...] = ()


class Outcome(NamedTuple):
    """What one thing led to.

    Args:
        local: The process afterwards.
        published: The ids that it published, in order.
        dropped: Whether the failure was dropped, None where none was decided.
        tag: Under which tag it was shown.
        closed: Whether the gate is closed for the session concerned.
        store: What the store keeps afterwards.
        said: What the store published.
    """

    local: Local
    published: tuple[str, ...]
    dropped: bool | None = None
    tag: str | None = None
    closed: bool = False
    store: Contents = Contents()
    said: tuple[Kept | Named, ...] = ()


class _Clock:
    """The model's time, for the modules that ask for it."""

    now = 0.0

    def time(self) -> float:
        return self.now

    monotonic = time


class _Bus:
    def __init__(self, *, listening: bool) -> None:
        self.is_listening = listening
        self.published: list[str] = []

    def publish(self, event: SessionExpired) -> bool:
        self.published.append(event.id)
        return True


class _NoAlarms:
    def after(self, seconds: float, alarm: Callable[[], None]) -> None:
        """The explorer says when it is over."""


class _Plain:
    def redact(self, text: str) -> str:
        return text


class Rig:
    """The real parts.

    Args:
        scope: `Policy.scope`.
        window: Whether there is a healing window.
        listening: Whether the application subscribed.
        transition: In place of the transition function.
    """

    def __init__(
        self, scope: Literal["process", "session"], *, window: bool, listening: bool, transition: Any
    ) -> None:
        self.clock = _Clock()
        clocks.time = sessions.time = self.clock  # type: ignore[assignment, attr-defined]  # of this process only
        knowledge.transition = transition  # type: ignore[attr-defined]
        self.policy = Policy(
            provider="P",
            hosts={"h"},
            scope=scope,
            healing_window=1.0 if window else 0.0,
            renewal_grace=0.0,
        )
        self.replica = Replica()
        self.jobs: list[Job] = []
        self.gate = SchedulerGate(self.policy.scope)
        self.bus = _Bus(listening=listening)
        trail = AuditTrail(Backends(self.policy), Counters(), _Plain())
        self.life = Lifecycle(self.policy, self.gate, self.bus, trail, _Plain(), self)  # type: ignore[arg-type]
        self.life._teller._alarms = _NoAlarms()  # type: ignore[assignment]
        self.exchange = Exchange(self.replica, self.life)
        self.store = ModelStore(scope, self.expiry)
        self._events: dict[tuple[str, str | None], SessionExpired] = {}
        self._counts = trail.counters

    # `SharedSessions`, as `RedisSessions` has it, with a list in place of the threads

    key = b""

    def expiry_id(self, session: str | None, after: int) -> str:
        return f"!{session or UNNAMED}{after}"

    def announce(self, event: SessionExpired, after: int, begun_at: float) -> None:
        kept = (event.session or UNNAMED, after, event.id)
        self.replica.found(self.expiry(kept))
        self.jobs.append(("claim", kept, round(begun_at * SECOND)))

    def renewed(self, session: str | None, stamp: int, credential: str | None) -> None:
        self._say(Renewal(name=session or EVERYONE, stamp=stamp, credential=credential))

    def recovered(self, session: str | None, stamp: int) -> None:
        self._say(Renewal(name=session or UNNAMED, stamp=stamp))

    def _say(self, renewal: Renewal) -> None:
        self.replica.merge_renewal(renewal)
        self.jobs.append(("renew", (renewal.name, renewal.stamp, renewal.credential)))

    # What can happen

    def fails(self, local: Local, now: float, credential: str | None, began: float) -> Outcome:
        """A call failed that is recognised, and Sentry asks what becomes of the report."""
        self._restore(local, now)
        response = Response(status=401, session=credential, started_at=began, began=began)
        observed = self.life.observe(
            Failure(provider="P", response=response, at=now), Verdict(drop=True, reason="r"), can_show=True
        )
        dropped = observed.standing is not None and observed.tag is None
        return self._outcome(dropped=dropped, tag=observed.tag, closed=not self.gate.is_open_for(credential))

    def succeeds(self, local: Local, now: float, credential: str, began: float) -> Outcome:
        """A call succeeded."""
        self._restore(local, now)
        self.life.succeeded(credential, began)
        return self._outcome(closed=not self.gate.is_open_for(credential))

    def renews(self, local: Local, now: float, credential: str | None) -> Outcome:
        """The application signs in."""
        self._restore(local, now)
        self.life.renew(credential)
        return self._outcome(closed=not self.gate.is_open_for(credential))

    def elapses(self, local: Local, now: float) -> Outcome:
        """The healing windows are over."""
        self._restore(local, now)
        for id_, name, _, _ in local.waiting:
            self.life._teller.elapsed(id_, name)
        return self._outcome()

    def hears(self, local: Local, now: float, message: Kept | Named) -> Outcome:
        """A message of the channel arrives."""
        self._restore(local, now)
        self.exchange._apply(self.expiry(cast("Kept", message)) if is_expiry(message) else _renewal(message))
        return self._outcome()

    def looks(self, local: Local, now: float, contents: Contents) -> Outcome:
        """The process compares with the store."""
        self._restore(local, now, contents)
        self.exchange.synchronise(self.store)  # type: ignore[arg-type]
        return self._outcome()

    def speaks(self, local: Local, now: float, contents: Contents, how: str) -> Outcome:
        """The speaker does its first job: `well`, `alone` without the store, or `unheard`: no answer."""
        self._restore(local, now, contents)
        kind, what, *more = self.jobs.pop(0)
        if kind == "renew":
            if how != "alone":
                self.store.renew(_renewal(what))
        elif how == "well":
            self.exchange.claim(self.store, self.expiry(what), *more)  # type: ignore[arg-type]
        else:
            if how == "unheard":
                self.store.claim(self.expiry(what), *more)
            self.exchange.publish_alone(self.expiry(what))
        return self._outcome()

    def expiry(self, kept: Kept) -> Expiry:
        """Return an expiry of the model as the package has it."""
        name, after, id_ = kept
        return Expiry(name=name, after=after, event=self._event(id_, None if name == UNNAMED else name))

    # In and out

    def _event(self, id_: str, session: str | None) -> SessionExpired:
        found = self._events.get((id_, session))
        if found is None:
            found = self._events[id_, session] = SessionExpired(
                source="s", reason="r", provider="P", operation="o", status=401, session=session,
                confirmed=True, at=datetime.fromtimestamp(0, UTC), trace_id=None, id=id_,
            )  # fmt: skip
        return found

    def _restore(self, local: Local, now: float, contents: Contents = Contents()) -> None:  # noqa: B008 - a value
        self.clock.now = now
        known = self.life._known
        known._process = knowledge._Link(local.process)
        known._sessions = OrderedDict((one.name, knowledge._Link(one)) for one in local.sessions)
        known._uses = OrderedDict((name, knowledge._Use(*use)) for name, *use in local.uses)
        known._running = OrderedDict(local.running)
        known._latest = OrderedDict(local.latest)
        known._ended = None
        stamps = [local.process.renewal.stamp, *(one.renewal.stamp for one in local.sessions)]
        known.latest_stamp = max(stamps)
        events = (self._event(*one) for one in local.gate)
        self.gate._closed_by = OrderedDict((self.gate._key(one.id, one.session), one) for one in events)
        self.life._teller._waiting = {
            id_: (event, partial(self.announce, event, after, begun))
            for id_, name, after, begun in local.waiting
            for event in [self._event(id_, name)]
        }
        self.replica._expiries = OrderedDict((one[0], self.expiry(one)) for one in local.expiries)
        self.replica._renewals = OrderedDict((one[0], _renewal(one)) for one in local.renewals)
        self.replica._unsettled = set(local.unsettled)
        self.jobs[:] = local.jobs
        self.bus.published.clear()
        self.exchange.missed()
        self.store.restore(contents)

    def _outcome(self, **about: Any) -> Outcome:
        known = self.life._known
        waiting = self.life._teller._waiting
        local = Local(
            process=known._process.latest().value,
            sessions=tuple(sorted((one.latest().value for one in known._sessions.values()), key=_by_name)),
            uses=tuple(sorted((name, use.first, use.succeeded) for name, use in known._uses.items())),
            running=tuple(known._running.items()),
            latest=tuple(sorted(known._latest.items(), key=str)),
            gate=tuple((one.id, one.session) for one in self.gate._closed_by.values()),
            waiting=tuple(
                (id_, event.session, *cast("partial[None]", tell).args[1:])
                for id_, (event, tell) in sorted(waiting.items())
            ),
            expiries=tuple(
                sorted((one.name, one.after, one.event.id) for one in self.replica._expiries.values())
            ),
            renewals=tuple(
                sorted(
                    ((one.name, one.stamp, one.credential) for one in self.replica._renewals.values()),
                    key=str,
                )
            ),
            unsettled=frozenset(self.replica._unsettled),
            jobs=tuple(self.jobs),
        )
        faults = self._counts.get("faults")
        assert not faults, "the package took note of a fault of its own"
        published = tuple(self.bus.published)
        return Outcome(local, published, store=self.store.contents(), said=tuple(self.store.said), **about)


def _by_name(session: Session) -> str:
    return session.name or UNNAMED


def is_expiry(message: Kept | Named) -> bool:
    return str(message[2]).startswith("!")


def _renewal(named: Any) -> Renewal:
    name, stamp, credential = named
    return Renewal(name=name, stamp=stamp, credential=credential)
