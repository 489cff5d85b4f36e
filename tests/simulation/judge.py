"""What has to hold in every simulated world: DESIGN's promises of a session's life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentry_filters.core.session import Observed, Standing

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World


_OF_THE_APPLICATION = ("old_credential_in_use", "renewed_in_vain", "working_session_halted")
"""What simulated applications may do wrong: they sign in when they like, with what may not work."""


class Violation(AssertionError):
    """Something does not hold."""


class Judge:
    """Follows what happens, and says what must not.

    Args:
        world: The world.
    """

    def __init__(self, world: World[Any]) -> None:
        self._world = world
        self.nobody_signs_in = False
        self.latest_news = 0.0  # when a call met an end for the first time, or somebody signed in
        self._rejected: set[str] = set()
        self._met: set[str] = set()  # credentials whose calls have failed for good since they ended
        self._renewals: dict[Process, list[tuple[float, str | None]]] = {}
        self._shown: set[str] = set()

    # What happens

    def rejected(self, credential: str) -> None:
        """The backend has answered a call with this credential with 401."""
        self._rejected.add(credential)

    def ended(self, credential: str | None) -> None:
        """The session of this credential has ended, which no call has met yet."""
        self._met.discard(credential or "")

    def renewed(self, process: Process, credential: str | None) -> None:
        """`session_renewed` has returned in a process."""
        world = self._world
        self.latest_news = world.scheduler.now
        self._renewals.setdefault(process, []).append((world.scheduler.now, credential))

    @property
    def has_met_the_end(self) -> bool:
        """Whether calls have met the end of all sessions that have ended."""
        world = self._world
        return all(
            one.credential == world.stored[one.name] or world.stored[one.name] in self._met
            for one in world.accounts
        )

    def decided(
        self, process: Process, credential: str | None, began: float, observed: Observed, *, opened: bool
    ) -> None:
        """A report was decided about."""
        standing, gate = observed.standing, process.gate
        self._world.note(f"process {process.number}: {credential} begun {began - 1e6:.3f} is {observed}")
        # One that names no credential is of the process's only account.
        credentials = self._world.stored.values() if credential is None else {credential}
        if standing in (Standing.FIRST, Standing.REPEAT) and not self._met.issuperset(credentials):
            self._met.update(credentials)
            self.latest_news = self._world.scheduler.now
        if observed.tag is not None and observed.expiry is not None:
            self._shown.add(observed.expiry)
        dropped = standing is not None and observed.tag is None
        is_dead = dropped and standing is not Standing.STALE and observed.reason is None
        if is_dead and gate.is_open_for(credential) and not opened:
            self.violated(f"process {process.number} dropped a report while its gate was open")
        renewals = self._renewals.get(process, ())
        if standing is Standing.FIRST and any(
            began < moment and self._covers(renewed, credential) for moment, renewed in renewals
        ):
            self.violated(f"process {process.number} found a session's end in a call from before its renewal")

    def _covers(self, renewed: str | None, credential: str | None) -> bool:
        return self._world.scope == "process" or renewed == credential

    # What has to be true at the end

    def at_rest(self, when: str) -> None:
        """Nothing is wrong any more, and all had time: the gates agree, and all is told."""
        alive = self._world.alive
        for credential in self._credentials():
            states = {process.gate.is_open_for(credential) for process in alive}
            if len(states) > 1:
                self.violated(f"{when}, the gates disagree about {credential}")
        self._all_told(when)

    def all_open(self) -> None:
        """A sign-in of all opens all gates."""
        self.at_rest("after the sign-in")
        for process in self._world.alive:
            for account in self._world.accounts:
                if account.credential is not None and not process.gate.is_open_for(account.credential):
                    self.violated(f"process {process.number} is closed after the sign-in")

    def all_closed(self) -> None:
        """An end that a call has met closes all gates."""
        self.at_rest("after the end")
        for process in self._world.alive:
            for credential in self._world.stored.values():
                if process.gate.is_open_for(credential):
                    self.violated(f"process {process.number} is open after the end of {credential}")
        if not self.has_met_the_end:
            self.violated("nobody has met the end")

    def whole(self) -> None:
        """What has to hold of the whole."""
        world = self._world
        everywhere: list[str] = []
        for process in world.processes:
            if process.bus.twice:
                self.violated(f"process {process.number} published an expiry twice: {process.bus.twice}")
            everywhere += process.bus.published
            for event in process.bus.told:
                if event.session is not None and event.session not in self._rejected:
                    self.violated(f"an expiry of {event.session}, which nobody has rejected")
            if not process.is_dead:
                self.no_faults(process)
        if world.is_calm and len(everywhere) != len(set(everywhere)):
            self.violated(f"an expiry was published twice: {sorted(everywhere)}")

    def no_faults(self, process: Process) -> None:
        """Nothing has gone wrong in the package itself."""
        for what in ("faults", "violations"):
            found = process.counters.get(what)
            if found - sum(process.counters.get(what, name) for name in _OF_THE_APPLICATION):
                self.violated(f"process {process.number}: {what} {dict(process.counters.counts())}")

    def _all_told(self, when: str) -> None:
        world = self._world
        # Two faults at once, as docs/redis.md says: who won dies, and Redis forgets what is to be published.
        told = {id_ for process in world.processes for id_ in process.bus.published} | world.server.forgotten
        told |= self._shown
        for process in world.alive:
            hidden = process.ids_that_close - told
            # A failure that names no session and one that does may have been found at once: one end, two ids.
            ends = world.server.ends_of(hidden)
            is_known = world.scope == "process" and (
                not process.ids_that_close.isdisjoint(told)
                or (bool(ends) and ends <= world.server.ends_of(told))
            )
            if hidden and not is_known:
                self.violated(
                    f"{when}, process {process.number} is closed by {hidden}, of which nobody was told"
                )
            due = [id_ for id_, handled in process.bus.published.items() if handled]
            called = [event.id for event in process.handled]
            if world.listening and [id_ for id_ in called if id_ in due] != due:
                self.violated(
                    f"{when}, the handler of process {process.number} was called for {called}, not {due}"
                )

    def _credentials(self) -> set[str | None]:
        if self._world.scope == "process":
            return {None}
        return {one for account in self._world.accounts for one in account.all_given}

    def violated(self, what: str) -> None:
        """Say what must not be."""
        raise Violation(f"seed {self._world.seed}: {what}")
