"""Breadth first over every order of events of a small world; states are remembered by their hash.

A world is processes that call a backend, sign in, and share what they find through one store, whose messages
arrive in any order, twice or never. What has to hold is said here once more, apart from the code that is run:
`_expected` for one failure, `_promises` for what all come to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from tests.model.rig import SECOND, Local, Outcome, Rig, is_expiry
from tests.model.store import Contents
from tests.model.world import (
    BEGINS,
    BUDGET,
    CRASHES,
    DEATHS,
    FLAKES,
    FLUSHES,
    LOSSES,
    PARTITIONS,
    RENEWALS,
    REPEATS,
    UNHEARD,
    Configuration,
    Proc,
    World,
)

EVERYONE = "*"


class Violation(AssertionError):
    """Something does not hold; the message says what, and in which state."""


class Explorer:
    """Explores one configuration with one transition function."""

    def __init__(self, configuration: Configuration, transition: Any) -> None:
        self.of = configuration
        self._rig = Rig(
            configuration.scope,
            window=configuration.window, listening=configuration.listening, transition=transition,
        )  # fmt: skip
        self._locals: list[Local] = []
        self._stores: list[Contents] = []
        self._procs: list[Proc] = []
        self._numbers: dict[object, int] = {}
        self._memo: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self._quiet: set[int] = set()

    def run(self, most: int) -> tuple[int, bool]:
        """Return how many states there are, at most about `most`, and whether those were all.

        Raises:
            Violation: Something does not hold.
        """
        world = self._first()
        seen = {hash(world)}
        layer = [world]
        while layer:
            after = []
            for world in layer:
                if self._is_quiet(world):
                    self._promises(world)
                for successor in self._successors(world):
                    mark = hash(successor)
                    if mark not in seen:
                        seen.add(mark)
                        after.append(successor)
                if len(seen) >= most:
                    return len(seen), False
            layer = after
        return len(seen), True

    # Numbers in place of values

    def _first(self) -> World:
        self._number(self._locals, Local())
        self._number(self._stores, Contents())
        proc = self._number(self._procs, self._new())
        return World(
            (proc,) * self.of.processes, 0, 1, (False,) * len(self.of.credentials),
            tuple(int(getattr(self.of, name)) for name in BUDGET),
        )  # fmt: skip

    def _new(self) -> Proc:
        none = (-1.0,) * len(self.of.credentials)
        unseen = (math.inf,) * len(none)
        return Proc(own=none, succeeded=none, seen=unseen, failed=none, old=(False,) * len(none))

    def _number(self, values: list[Any], value: Any) -> int:
        key = (id(values), value)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(values)
            values.append(value)
        return number

    def _act(
        self, act: Callable[..., Outcome], local: int, now: int, *about: Any, store: int | None = None
    ) -> Any:
        """Let the rig do something, or remember what came of it: an `Outcome`, with numbers in it."""
        key = (act.__name__, local, now, about, store)
        found = self._memo.get(key)
        if found is None:
            given = about if store is None else (self._stores[store], *about)
            out = act(self._locals[local], float(now), *given)
            found = self._memo[key] = (
                self._number(self._locals, out.local), out.published, out.dropped, out.tag, out.closed,
                None if store is None else self._number(self._stores, out.store), out.said,
            )  # fmt: skip
        return found

    # What can happen

    def _successors(self, world: World) -> Iterator[World]:
        left = world.left
        for credential, dead in enumerate(world.dead):
            if left[DEATHS] and not dead:
                yield self._spent(world, DEATHS)._replace(dead=_put(world.dead, credential, True))
        if left[FLUSHES] and world.store:
            empty = self._number(self._stores, Contents())
            yield self._spent(world, FLUSHES)._replace(store=empty, calm=False)
        for place, number in enumerate(world.procs):
            if place and world.procs[place - 1] == number:
                continue  # the same process, by symmetry
            proc = self._procs[number]
            yield from self._calls(world, place, proc)
            yield from self._messages(world, place, proc)
            yield from self._store(world, place, proc)
            if self._locals[proc.local].waiting:
                yield self._after(world, place, proc, self._act(self._rig.elapses, proc.local, world.clock))

    def _calls(self, world: World, place: int, proc: Proc) -> Iterator[World]:
        left = world.left
        if left[BEGINS] and len(proc.calls) < self.of.at_once:
            for credential, dead in enumerate(world.dead):
                calling = proc._replace(calls=(*proc.calls, (credential, world.clock, dead)))
                yield self._with(self._spent(world, BEGINS), place, calling)._replace(clock=world.clock + 1)
        for call in proc.calls:
            credential, began, was_dead = call
            answered = proc._replace(calls=tuple(one for one in proc.calls if one is not call))
            dead = world.dead[credential]
            if was_dead or dead:
                yield self._failed(world, place, answered, credential, began)
            elif left[FLAKES]:
                yield self._failed(self._spent(world, FLAKES), place, answered, credential, began)
            if not (was_dead and dead) and self.of.credentials[credential] is not None:
                yield self._succeeded(world, place, answered, credential, began)
        if left[RENEWALS]:
            for name in self.of.signs_in:
                yield self._renewed(self._spent(world, RENEWALS), place, proc, name)

    def _messages(self, world: World, place: int, proc: Proc) -> Iterator[World]:
        for message in proc.inbox:
            without = proc._replace(inbox=tuple(one for one in proc.inbox if one is not message))
            yield self._heard(world, place, without, message)
            if world.left[REPEATS]:
                yield self._heard(self._spent(world, REPEATS), place, proc, message)
            if world.left[LOSSES]:
                yield self._with(self._spent(world, LOSSES), place, without)

    def _store(self, world: World, place: int, proc: Proc) -> Iterator[World]:
        if self._locals[proc.local].jobs:
            yield self._spoke(world, place, proc, "well" if proc.up else "alone")
            if proc.up and world.left[UNHEARD]:
                yield self._spoke(self._spent(world, UNHEARD)._replace(calm=False), place, proc, "unheard")
        if (proc.up and not world.calm) or (world.left[LOSSES] != self.of.losses and proc.up):
            yield self._looked(world, place, proc)
        if proc.up and world.left[PARTITIONS]:
            away = proc._replace(up=False, inbox=())
            yield self._with(self._spent(world, PARTITIONS), place, away)._replace(calm=False)
        if not proc.up:
            yield self._with(world, place, proc._replace(up=True))
        if world.left[CRASHES] and proc.local:
            gone = tuple(sorted({*world.gone, *proc.published}))
            anew = self._with(self._spent(world, CRASHES), place, self._new())
            yield anew._replace(calm=False, gone=gone)

    # One thing each, and what has to hold of it

    def _failed(self, world: World, place: int, proc: Proc, credential: int, began: int) -> World:
        name = self.of.credentials[credential]
        result = self._act(self._rig.fails, proc.local, world.clock, name, float(began))
        before, local = self._locals[proc.local], self._locals[result[0]]
        _, published, dropped, tag, closed, _, _ = result
        proc = _saw(proc, credential, began)
        expected = self._expected(proc, before, credential, began)
        untouched = not published and (local.gate, local.jobs, local.waiting) == (
            before.gate, before.jobs, before.waiting,
        )  # fmt: skip
        first = not self._closed(before, name) and expected == "dead"
        holds = {
            "kept": not dropped and tag is None and untouched,
            "stale": dropped and untouched,
            "old_credential": untouched and tag == (None if proc.old[credential] else "old_credential"),
            "dead": closed and (dropped or tag == "unhandled"),
        }[expected]
        if first:
            ours = {id_ for id_, _ in local.gate} - {id_ for id_, _ in before.gate}
            told = {id_ for id_, *_ in local.waiting} if self.of.window else {job[1][2] for job in local.jobs}
            holds = holds and bool(ours) and ours <= told
        known = (name is None and not first) or any(session == name for _, session in before.gate)
        if expected == "dead" and known and not before.waiting:
            holds = holds and local.jobs == before.jobs  # it repeats the running one
        if not holds:
            raise Violation(f"{name}, begun at {began}, is {expected}, not {result} in {self.show(world)}")
        if expected == "dead":
            latest = max(proc.failed[credential], float(began))
            proc = proc._replace(failed=_put(proc.failed, credential, latest))
        elif tag is not None:
            proc = proc._replace(old=_put(proc.old, credential, True))
        if tag != "unhandled":
            return self._after(world, place, proc, result)
        ids = {id_ for id_, session in local.gate if self.of.scope == "process" or session == name}
        if ids <= {*proc.shown}:
            raise Violation(f"{ids} shown twice in {self.show(world)}")
        proc = proc._replace(shown=tuple(sorted({*proc.shown, *ids})))
        shown = tuple(sorted({*world.shown, *ids}))
        return self._after(world, place, proc, result)._replace(shown=shown)

    def _closed(self, local: Local, name: str | None) -> bool:
        if self.of.scope == "process":
            return bool(local.gate)
        return any(session == name for _, session in local.gate)

    def _expected(self, proc: Proc, before: Local, credential: int, began: float) -> str:
        """What section 4 says of a failure, by what this process has been told."""
        name = self.of.credentials[credential]
        if proc.succeeded[credential] > began:
            return "kept"
        moment, named = proc.everyone
        own = proc.own[credential]
        if began < max(own, moment):
            return "stale"
        if any(session == name for _, session in before.gate):
            return "dead"  # it repeats, or another process found it
        newer = min(proc.seen[credential], proc.succeeded[credential]) > max(own, moment)
        return "dead" if newer or None in (name, named) or name == named else "old_credential"

    def _succeeded(self, world: World, place: int, proc: Proc, credential: int, began: int) -> World:
        name = self.of.credentials[credential]
        result = self._act(self._rig.succeeds, proc.local, world.clock, name, float(began))
        before, local = self._locals[proc.local], self._locals[result[0]]
        latest = max(proc.succeeded[credential], float(began))
        proc = _saw(proc, credential, began)
        proc = proc._replace(succeeded=_put(proc.succeeded, credential, latest))
        for _, session in {*before.gate} - {*local.gate}:
            if session == name and began <= proc.failed[credential]:
                raise Violation(f"{name} recovered by a call begun at {began} in {self.show(world)}")
            if session != name:  # within the healing window
                proc = self._owned(proc, session, began)
        return self._after(world, place, proc, result)

    def _renewed(self, world: World, place: int, proc: Proc, name: str | None) -> World:
        result = self._act(self._rig.renews, proc.local, world.clock, name)
        if result[4]:
            raise Violation(f"closed after a sign-in with {name} in {self.show(world)}")
        everyone = self.of.scope == "process" or name is None
        moment = float(world.clock)
        proc = proc._replace(everyone=(moment, name)) if everyone else self._owned(proc, name, moment)
        dead = tuple(
            ended and name not in (None, one)
            for ended, one in zip(world.dead, self.of.credentials, strict=True)
        )
        return self._after(world, place, proc, result)._replace(clock=world.clock + 1, dead=dead)

    def _heard(self, world: World, place: int, proc: Proc, message: Any) -> World:
        result = self._act(self._rig.hears, proc.local, world.clock, message)
        return self._after(world, place, self._told(proc, message), result)

    def _looked(self, world: World, place: int, proc: Proc) -> World:
        result = self._act(self._rig.looks, proc.local, world.clock, store=world.store)
        for contents in (self._stores[world.store], self._stores[result[5]]):
            for message in (*contents.renewals, *contents.expiries):
                proc = self._told(proc, message)
        return self._after(world, place, proc, result)

    def _spoke(self, world: World, place: int, proc: Proc, how: str) -> World:
        result = self._act(self._rig.speaks, proc.local, world.clock, how, store=world.store)
        before, after = self._locals[proc.local], self._locals[result[0]]
        if how == "well" and before.jobs[0][0] == "claim":
            proc = self._answered(proc, self._stores[result[5]], before, after)
        return self._after(world, place, proc, result)

    def _answered(self, proc: Proc, contents: Contents, before: Local, after: Local) -> Proc:
        """A claim's answer tells of the expiry that won, or of all renewals that this process missed."""
        known = {session.expiry.id for session in after.sessions if session.expiry is not None}
        for message in contents.expiries:
            if message in after.expiries or message[2] in known:
                proc = self._told(proc, message)
        for renewal in contents.renewals:
            if renewal in after.renewals and renewal not in before.renewals:
                proc = self._told(proc, renewal)
        return proc

    def _told(self, proc: Proc, message: Any) -> Proc:
        if message in self._locals[proc.local].renewals:
            return proc  # its own, come back
        name, stamp, credential = message
        moment = -(-stamp // SECOND)
        if not is_expiry(message) and name == EVERYONE:
            return proc._replace(everyone=(float(moment), credential)) if moment > proc.everyone[0] else proc
        return self._owned(proc, None if name == "-" else name, moment)

    def _owned(self, proc: Proc, name: str | None, moment: float) -> Proc:
        if name not in self.of.credentials:
            return proc
        place = self.of.credentials.index(name)
        return proc._replace(own=_put(proc.own, place, max(proc.own[place], float(moment) or -1.0)))

    def _after(self, world: World, place: int, proc: Proc, result: tuple[Any, ...]) -> World:
        """Put a process back; what it said is on its way to everyone."""
        local, published, _, _, _, store, said = result
        for id_ in published:
            others = {one for number in world.procs for one in self._procs[number].published}
            if id_ in proc.published or (world.calm and id_ in {*others, *world.gone}):
                raise Violation(f"{id_} published twice in {self.show(world)}")
        if published:
            proc = proc._replace(published=tuple(sorted({*proc.published, *published})))
        world = self._with(world, place, proc._replace(local=local), said)
        return world if store is None else world._replace(store=store)

    def _with(self, world: World, place: int, proc: Proc, said: tuple[Any, ...] = ()) -> World:
        procs = list(world.procs)
        procs[place] = self._number(self._procs, proc)
        if said:
            for one, number in enumerate(procs):
                hearing = self._procs[number]
                if hearing.up:
                    inbox = tuple(sorted({*hearing.inbox, *said}, key=str))
                    procs[one] = self._number(self._procs, hearing._replace(inbox=inbox))
        return world._replace(procs=tuple(sorted(procs)))

    def _spent(self, world: World, what: int) -> World:
        return world._replace(left=_put(world.left, what, world.left[what] - 1))

    # What all come to

    def _is_quiet(self, world: World) -> bool:
        procs = [self._procs[number] for number in world.procs]
        return not any(proc.inbox or proc.calls or self._locals[proc.local].jobs for proc in procs)

    def _promises(self, world: World) -> None:
        """From where nothing is on its way: all is told, and a sign-in opens, an end closes, everywhere."""
        key = hash((world.procs, world.store, world.gone, world.shown))
        if key in self._quiet:
            return
        self._quiet.add(key)
        world = self._settled(world._replace(calm=False))
        self._all_told(world)
        if len({bool(self._locals[self._procs[number].local].gate) for number in world.procs}) > 1:
            raise Violation(f"the gates disagree in {self.show(world)}")
        new = next(name for name in reversed(self.of.credentials) if name is not None)
        place = self.of.credentials.index(new)
        world = self._settled(self._renewed(world, 0, self._procs[world.procs[0]], new))
        self._gates(world, new, open_=True, why="after a sign-in")
        last = len(world.procs) - 1
        began = world.clock
        world = world._replace(clock=began + 1)
        world = self._settled(self._failed(world, last, self._procs[world.procs[last]], place, began))
        self._gates(world, new, open_=False, why="after an end")
        self._all_told(world)
        began = world.clock + 1
        world = world._replace(clock=began + 1)
        world = self._settled(self._succeeded(world, last, self._procs[world.procs[last]], place, began))
        self._gates(world, new, open_=True, why="after a success")

    def _settled(self, world: World) -> World:
        """All reach the store again, and everything arrives, until nothing changes."""
        for _ in range(12):
            before = world
            for place in range(len(world.procs)):
                proc = self._procs[world.procs[place]]
                world = self._with(world, place, proc._replace(up=True, inbox=()))
            for place in range(len(world.procs)):
                world = self._worked(world, place)
            if world == before:
                return world
        raise Violation(f"no rest in {self.show(world)}")

    def _worked(self, world: World, place: int) -> World:
        proc = self._procs[world.procs[place]]
        step = world
        if self._locals[proc.local].waiting:
            step = self._after(world, place, proc, self._act(self._rig.elapses, proc.local, world.clock))
        elif self._locals[proc.local].jobs:
            step = self._spoke(world, place, proc, "well")
        else:
            step = self._looked(world, place, proc)
        return step

    def _all_told(self, world: World) -> None:
        procs = [self._procs[number] for number in world.procs]
        told = {*world.gone, *(id_ for proc in procs for id_ in proc.published)}
        told = told if self.of.listening else set(world.shown)
        hidden = {id_ for proc in procs for id_, _ in self._locals[proc.local].gate} - told
        if hidden:
            raise Violation(f"{hidden} hidden in {self.show(world)}")

    def _gates(self, world: World, name: str, *, open_: bool, why: str) -> None:
        for number in world.procs:
            gate = self._locals[self._procs[number].local].gate
            is_open = not gate if self.of.scope == "process" else all(session != name for _, session in gate)
            if is_open is not open_:
                raise Violation(f"{'closed' if open_ else 'open'} {why} in {self.show(world)}")

    def show(self, world: World) -> str:
        """Return a state as text, with values in place of numbers."""
        procs = [self._procs[number] for number in world.procs]
        return "\n".join([str(world), *(f"{proc} {self._locals[proc.local]}" for proc in procs)])


def _saw(proc: Proc, credential: int, began: int) -> Proc:
    first = min(proc.seen[credential], float(began))
    return proc._replace(seen=_put(proc.seen, credential, first))


def _put(values: tuple[Any, ...], place: int, value: Any) -> tuple[Any, ...]:
    return (*values[:place], value, *values[place + 1 :])
