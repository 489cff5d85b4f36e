"""One simulated process: the package's own gate, bus, lifecycle, exchange, replica and threads."""

from __future__ import annotations

import copy
import copyreg
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sentry_filters.core.backends import Backends
from sentry_filters.core.bus import EventBus
from sentry_filters.core.counters import Counters
from sentry_filters.core.gate import SchedulerGate
from sentry_filters.core.policy import Policy
from sentry_filters.core.recognition import Verdict
from sentry_filters.core.records import AuditTrail
from sentry_filters.core.session import SessionExpired
from sentry_filters.core.sessions import Lifecycle
from sentry_filters.evidence import Failure, Response
from sentry_filters.redis.sessions import RedisSessions
from tests.simulation.scheduler import Task
from tests.simulation.server import Client, Link

if TYPE_CHECKING:
    from tests.simulation.world import World

_EXPIRED = Verdict(drop=True, reason="backend_session_expired", confirmed=True, grade="fact")


class Sessions(RedisSessions):
    """`RedisSessions` whose network is simulated."""

    link: Callable[[], tuple[Client, Link]]

    def _connect(self) -> Any:
        return self.link()

    def _client(self) -> Any:
        return _NoClient()


class _NoClient:
    def close(self) -> None:
        """It was never open."""


class Bus(EventBus):
    """A bus that remembers what it published, and whether all who listen will get it."""

    def __init__(self, process: Process) -> None:
        super().__init__(process.trouble)
        self.published: dict[str, bool] = {}
        self.twice: list[str] = []
        self.told: list[SessionExpired] = []

    def publish(self, event: SessionExpired) -> bool:
        if event.id in self.published:
            self.twice.append(event.id)
        handled = super().publish(event)
        self.published[event.id] = handled
        self.told.append(event)
        return handled


class _Plain:
    def redact(self, text: str) -> str:
        return text


@contextmanager
def _the_same(*kinds: type) -> Iterator[None]:
    """Let copies hold the same object of these kinds, in the block."""
    for kind in kinds:
        copyreg.pickle(kind, lambda _one: "itself")
    try:
        yield
    finally:
        for kind in kinds:
            del copyreg.dispatch_table[kind]


class Process:
    """What one process of the application is made of.

    Args:
        world: The world that it is in.
        policy: The guard's.
        number: For people.
    """

    def __init__(self, world: World[Any], policy: Policy, number: int) -> None:
        self.world = world
        self.number = number
        self.is_dead = False
        self.clock_is_ahead = 0.0
        self.cannot_start_threads = False
        self.dies_while_claiming = False
        self.interrupts: list[Callable[[], None]] = []
        self.tasks: list[Task] = []
        self.resets: list[Callable[[], None]] = []
        self.handled: list[SessionExpired] = []
        self.openings = 0
        self.has_begun = False
        self._policy = policy

    def begin(self) -> None:
        """Make the parts, as a guard does; to be called in a task of this process."""
        policy = self._policy
        self.counters = Counters()
        self.gate = SchedulerGate(policy.scope)
        self.bus = Bus(self)
        self.trail = AuditTrail(Backends(policy), self.counters, _Plain())
        self.shared = Sessions("redis://simulated", namespace="fleet", key="k" * 16)
        self.shared.link = self._link
        self.life = Lifecycle(policy, self.gate, self.bus, self.trail, _Plain(), self.shared)
        if self.world.listening:
            self.bus.subscribe(self._handle)
        self.gate.on_open(self._opened)
        self.shared.attach(self.life)
        self.has_begun = True

    def failed(self, credential: str | None, began: float, *, can_show: bool) -> None:
        """A call with this credential was answered with 401, and the application reports that."""
        openings, now = self.openings, self.world.scheduler.now
        failure = Failure(
            provider=self._policy.provider,
            response=Response(status=401, session=credential, started_at=began, began=began, recorded=True),
            at=now + self.clock_is_ahead,
        )
        observed = self.life.observe(failure, _EXPIRED, can_show=can_show)
        self.world.judge.decided(self, credential, began, observed, opened=self.openings != openings)

    def succeeded(self, credential: str, began: float) -> None:
        """A call with this credential succeeded."""
        self.life.succeeded(credential, began)

    def renewed(self, credential: str | None, replaces: str | None) -> None:
        """The application has signed in, and says so."""
        self.life.renew(credential, replaces)
        self.world.judge.renewed(self, credential)

    def crash(self) -> None:
        """End at once, wherever its threads are."""
        self.is_dead = True
        self.world.scheduler.kill(self)

    def forked(self, number: int) -> Process:
        """Return a child: all that there is, in whatever state it was, without the threads."""
        world = self.world
        kept = [world, world.scheduler, world.server, world.judge, self._policy]
        kept += [task for process in world.processes for task in process.tasks]
        with _the_same(ContextVar, MappingProxyType, weakref.finalize, weakref.ref):
            child = copy.deepcopy(self, {id(one): one for one in kept})
        child.number = number
        child.tasks, child.interrupts = [], []
        child.bus.published, child.bus.told, child.handled = {}, [], []
        return child

    def begin_as_child(self) -> None:
        """What the package does in a child before anything else; to be called in a task of the child."""
        for reset in self.resets:
            reset()

    def trouble(self, kind: str) -> None:
        """Count what happened to a handler."""
        self.counters.add("subscribers", kind)

    def _link(self) -> tuple[Client, Link]:
        scheduler, server = self.world.scheduler, self.world.server
        return Client(scheduler, server, self), Link(server, self)

    @property
    def ids_that_close(self) -> set[str]:
        """The ids of the expiries for which the gate is closed."""
        return {event.id for event in self.gate._closed_by.values()}

    def _handle(self, event: SessionExpired) -> None:
        self.handled.append(event)
        self.world.sign_in_soon(self, event)

    def _opened(self) -> None:
        self.openings += 1
