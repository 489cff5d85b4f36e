"""Redis in memory, and a network that fails: what the package's threads meet in a simulation.

The scripts are those of the model's store, which `tests/model/test_store.py` compares with the real server's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

import redis

from sentry_filters.redis.messages import EVERYONE, Expiry, Renewal, record_of, text_of
from sentry_filters.redis.store import TAKEN_OVER_SECONDS, Look, State
from tests.model.store import Contents, Kept, ModelStore, Named
from tests.simulation.scheduler import Scheduler, Task
from tests.simulation.turns import Turns, TurnsOverTheNetwork

if TYPE_CHECKING:
    from tests.simulation.process import Process

_SLOWEST = 0.02  # seconds of an answer, where nothing is wrong
_TIMEOUT = 1.0  # of the package's client
_NOTHING_HAPPENS = 30.0


class Server:
    """What is kept, who listens, and what is wrong.

    Args:
        scheduler: Time and chance.
        scope: `Policy.scope`.
    """

    def __init__(self, scheduler: Scheduler, scope: str) -> None:
        self._scheduler = scheduler
        self._scope = scope
        self._epochs = 0
        self._is_down = False
        self.losing = 0.0  # how likely an answer is lost, before or after the command has run
        self.away: set[object] = set()  # processes that are cut off
        self.listeners: list[Listener] = []
        self.forgotten: set[str] = set()  # expiries that were lost in memory before anybody published them
        self.turns = Turns(lambda: scheduler.now)
        self._ends: dict[str, int] = {}  # whatever is forgotten: which renewal an expiry followed
        self.unpublished: dict[tuple[str, str], float] = {}  # name and id: when another process takes it over
        self.flush()

    @property
    def is_down(self) -> bool:
        """Whether nobody reaches it."""
        return self._is_down

    @is_down.setter
    def is_down(self, is_down: bool) -> None:
        self._is_down = is_down
        for listener in self.listeners:
            listener.look_up()

    def flush(self) -> None:
        """Lose everything, as after a restart without a file."""
        self._events: dict[str, Expiry] = {}
        self.store = ModelStore(self._scope, lambda kept: self._events[kept[2]])
        self._epochs += 1
        self.turns.forget()
        self.forgotten |= {id_ for _, id_ in self.unpublished}
        self.unpublished = {}
        self.seq = 0

    @property
    def version(self) -> str:
        """The version of what is kept, an empty text where nothing is."""
        return f"{self._epochs:x}:{self.seq}" if self.seq else ""

    def reach(self, home: object) -> None:
        """Let a command of this process take its time to the server.

        Raises:
            redis.ConnectionError, redis.TimeoutError: It does not arrive.
        """
        scheduler = self._scheduler
        if home in self.away:
            scheduler.sleep(_TIMEOUT)
            self._failed(home, redis.TimeoutError("away"))
        scheduler.sleep(scheduler.random.random() * _SLOWEST)
        if self._is_down:
            self._failed(home, redis.ConnectionError("down"))
        self._perhaps_lost(home)

    def answer(self, home: object) -> None:
        """Let the answer take its time back; raises as `reach`."""
        scheduler = self._scheduler
        scheduler.sleep(scheduler.random.random() * _SLOWEST)
        if home in self.away or self._is_down:
            self._failed(home, redis.TimeoutError("away"))
        self._perhaps_lost(home)

    def _perhaps_lost(self, home: object) -> None:
        if self.losing and self._scheduler.random.random() < self.losing:
            self._scheduler.sleep(_TIMEOUT)
            self._failed(home, redis.TimeoutError("lost"))

    def _failed(self, home: object, error: Exception) -> NoReturn:
        for listener in self.listeners:
            if listener.home is home:
                listener.look_up()
        raise error

    def remember(self, expiry: Expiry) -> None:
        """Note what a claim is about, as its record would."""
        self._events.setdefault(expiry.event.id, expiry)

    def expiry_of(self, kept: Kept) -> Expiry:
        """Return what is kept as the package has it."""
        name, after, id_ = kept
        return Expiry(name=name, after=after, event=self._events[id_].event)

    def ends_of(self, ids: Iterable[str]) -> set[int]:
        """Return the stamps of the renewals that these expiries followed, of those that were ever kept."""
        return {self._ends[id_] for id_ in ids if id_ in self._ends}

    def claim(self, expiry: Expiry, begun: int | None) -> tuple[bool, Expiry | None]:
        """Write an expiry unless it is there already."""
        self.remember(expiry)
        won, winner = self.store.claim(expiry, begun)
        current = {kept[0]: kept for kept in self.contents().expiries}
        # As it is kept: who claims may know less of renewals.
        self._ends |= {id_: after for _, after, id_ in current.values()}
        if winner is not None:
            winner = self.expiry_of(current[winner.name])
        if won and begun is not None:
            self.unpublished[expiry.name, expiry.event.id] = self._scheduler.now + TAKEN_OVER_SECONDS
        self.tell()
        return won, winner

    def look(self) -> Look:
        """Return the version, and let who asks take over what was not published in time."""
        now, found = self._scheduler.now, list[Expiry]()
        if self.unpublished and min(self.unpublished.values()) <= now:
            contents = self.contents()
            kept = {(one[0], one[2]): one for one in contents.expiries}
            stamps = {name: stamp for name, stamp, _ in contents.renewals}
            for key in [key for key, until in self.unpublished.items() if until <= now]:
                one = kept.get(key)
                if one is None or one[1] < max(stamps.get(EVERYONE, 0), stamps.get(one[0], 0)):
                    del self.unpublished[key]
                else:
                    self.unpublished[key] = now + TAKEN_OVER_SECONDS
                    found.append(self.expiry_of(one))
        return Look(self.version, found, 0)

    def tell(self) -> None:
        """Send what a command has said to all who listen."""
        for said in self.store.said:
            self.seq += 1
            text = f"{self.version} {self._text(said)}"
            for listener in self.listeners:
                if listener.home not in self.away:
                    listener.hear(text)
        self.store.said.clear()

    def contents(self) -> Contents:
        """Return what is kept."""
        return self.store.contents()

    def _text(self, said: Kept | Named) -> str:
        name, number, last = said
        if last in self._events:
            return f"expiry {name} {record_of(self.expiry_of((name, number, last)))}"
        return f"renewal {name} {text_of(Renewal(name=name, stamp=number, credential=last))}"


class Link:
    """The store of one process: `sentry_filters.redis.store.Store`, over the simulated network."""

    prefix = "sentry-filters:{simulated}"
    channel = "channel"

    def __init__(self, server: Server, home: Process) -> None:
        self._server = server
        self._home = home

    def look(self) -> Look:
        """Return the version of the state, and what this process has taken over."""
        self._server.reach(self._home)
        look = self._server.look()
        if look.unpublished:
            self._perhaps_die()
        self._server.answer(self._home)
        return look

    def load(self) -> State:
        """Read everything."""
        self._server.reach(self._home)
        contents = self._server.contents()
        version = self._server.version
        expiries = [self._server.expiry_of(one) for one in contents.expiries]
        renewals = [Renewal(name=name, stamp=stamp, credential=to) for name, stamp, to in contents.renewals]
        self._server.answer(self._home)
        return State(version, expiries, renewals, 0)

    def claim(self, expiry: Expiry, begun: int | None) -> tuple[bool, Expiry | None]:
        """Write an expiry unless it is there already."""
        self._server.reach(self._home)
        won, winner = self._server.claim(expiry, begun)
        self._perhaps_die()
        self._server.answer(self._home)
        return won, winner

    def published(self, expiries: Iterable[Expiry]) -> None:
        """Note that expiries were published."""
        self._server.reach(self._home)
        for one in expiries:
            self._server.unpublished.pop((one.name, one.event.id), None)
        self._server.answer(self._home)

    def renew(self, renewal: Renewal) -> None:
        """Write a renewal unless a later one is there."""
        self._server.reach(self._home)
        self._server.store.renew(renewal)
        self._server.tell()
        self._server.answer(self._home)

    def _perhaps_die(self) -> None:
        if self._home.dies_while_claiming and len(self._home.world.alive) > 1:
            self._home.crash()


class Listener:
    """A connection that listens: `redis.client.PubSub`."""

    def __init__(self, scheduler: Scheduler, server: Server, home: object) -> None:
        self._scheduler = scheduler
        self._server = server
        self.home = home
        self._arrived: deque[dict[str, Any]] = deque()
        self._waiting: Task | None = None

    def subscribe(self, _channel: str) -> None:
        """Begin to listen."""
        self._server.reach(self.home)
        self._server.listeners.append(self)
        self._arrive({"type": "subscribe", "data": 1})

    def hear(self, text: str) -> None:
        """Take a message, which may take its time."""
        self._arrive({"type": "message", "data": text})

    def get_message(self, timeout: float) -> dict[str, Any] | None:
        """Return what has arrived, None where nothing does in time; raises where the server is gone.

        While all is well, nobody would notice that the time is over, and wait again: it waits on.
        """
        if not self._arrived:
            self._waiting = self._scheduler.current
            self._scheduler.park(_NOTHING_HAPPENS)
            self._waiting = None
            if not self._arrived and not self._server.is_down:
                self._scheduler.sleep(self._scheduler.random.random() * timeout)
        if self._server.is_down:
            raise redis.ConnectionError("down")
        return self._arrived.popleft() if self._arrived else None

    def close(self) -> None:
        """End."""
        if self in self._server.listeners:
            self._server.listeners.remove(self)

    def look_up(self) -> None:
        """Stop waiting: something has gone wrong."""
        if self._waiting is not None:
            self._scheduler.wake(self._waiting)

    def _arrive(self, message: dict[str, Any]) -> None:
        self._arrived.append(message)
        if self._waiting is not None:
            self._scheduler.wake(self._waiting)


class Client(TurnsOverTheNetwork):
    """`redis.Redis`, as far as the threads and the lease use it."""

    def __init__(self, scheduler: Scheduler, server: Server, home: object) -> None:
        super().__init__(server, home)
        self._scheduler = scheduler

    def pubsub(self) -> Listener:
        """Return a connection that listens."""
        return Listener(self._scheduler, self._server, self._home)
