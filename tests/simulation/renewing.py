"""Another world: processes that renew one credential, with the parts of `guard.auth`, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

from sentry_filters.core.policy import Policy
from sentry_filters.core.refresh_asking import RefreshRefused
from sentry_filters.core.renewals import Renewals
from sentry_filters.core.session import SessionExpired
from sentry_filters.evidence import Response
from tests.simulation.judge import Judge
from tests.simulation.process import Process
from tests.simulation.server import Server
from tests.simulation.world import Account, World

_PATIENCE = 10.0  # seconds that a caller waits for a renewal
_REST = 75.0  # longer than a dead holder's lease, and than the pause after two tries, together
_AT_WORK = 15.0  # seconds in which each process has to have worked, at the end


@cache
def _policy() -> Policy:
    return Policy(provider="P", hosts={"h"}, renewal_grace=0.0)


class Worker(Process):
    """A process whose calls go through one holder of the credential."""

    renewing: Renewing

    def begin(self) -> None:
        """Make the parts, as a guard and its `auth` do."""
        super().begin()
        names = (lambda credential: credential, lambda _credential: None)
        self.renewals = Renewals(self._policy, self.life, self.gate, self.trail, names, self.shared)
        refresh = self.renewing.refresh
        self.renewer = self.renewals.renewer(
            lambda: refresh(self), lambda: self.renewing.stored[self.renewing.account.name], 0.0, _PATIENCE
        )
        self.worked_at = self.failed_at = 0.0


class Renewing(World[Worker]):
    """One simulation; see `World`."""

    scope = "process"
    listening = True

    def __init__(self, seed: int, log: list[str] | None = None) -> None:
        super().__init__(seed, log)
        self.account = Account("u0")
        self.accounts = [self.account]
        self.stored = {self.account.name: self.account.sign_in()}  # where `load` of each process reads it
        self.server = Server(self.scheduler, self.scope)
        self.judge = Judge(self)
        self.has_ended = False  # the session itself: `refresh` is refused
        self.was_refused = False  # at any time; or a new credential was, at once
        self.is_away = False  # the token endpoint
        self.slowest = 2.0  # seconds of a renewal
        self._flying: list[Process] = []
        self._wrong: list[str] = []

    def refresh(self, process: Process) -> str:
        """What the application gives: asks the token endpoint, which accepts the old credential no more."""
        scheduler, flying = self.scheduler, self._flying
        if process in flying:
            self._wrong.append(f"process {process.number} asks twice at once")
        if flying and self.is_calm:
            self._wrong.append(f"processes {flying[0].number} and {process.number} ask at once")
        self.note(f"process {process.number} asks for a credential")
        flying.append(process)
        try:
            scheduler.sleep(scheduler.random.random() * self.slowest)
            if self.is_away:
                raise OSError("the token endpoint is away")
            if self.has_ended:
                self.was_refused = True
                raise RefreshRefused
            self.stored[self.account.name] = self.account.sign_in()
            self.note(f"it is {self.account.credential}")
            scheduler.sleep(scheduler.random.random() * 0.1)
            return self.stored[self.account.name]
        finally:
            flying.remove(process)

    def sign_in_soon(self, process: Process, event: SessionExpired) -> None:
        """A handler was told: somebody signs in after a while."""
        if not self.was_refused:  # kept until the end: what a handler raises does not come out
            self._wrong.append(f"process {process.number} asks for a sign-in that nobody needs: {event}")

        def later() -> None:
            self.scheduler.sleep(self.scheduler.random.choice((0.0, 1.0, 5.0)))
            if not process.gate.is_open:
                self.sign_in(process)

        self.scheduler.spawn(later, process, "sign-in")

    def sign_in(self, process: Process) -> None:
        """Sign in, and let a process know."""
        assert isinstance(process, Worker)
        before, self.has_ended = self.stored[self.account.name], False
        self.stored[self.account.name] = credential = self.account.sign_in()
        self.note(f"process {process.number} signs in: {credential}")
        self.scheduler.spawn(lambda: process.renewals.signed_in(credential, before), process, "sign-in")

    def join(self) -> None:
        """Start a process."""
        process = Worker(self, _policy(), len(self.processes))
        process.renewing = self
        self.processes.append(process)

        def live() -> None:
            process.begin()
            for number in range(self.scheduler.random.randint(1, 3)):
                name = f"caller {number} of {process.number}"
                self.scheduler.spawn(lambda: self._work(process), process, name)

        self.scheduler.spawn(live, process, f"main of {process.number}")

    def _script(self) -> None:
        scheduler, chance = self.scheduler, self.scheduler.random
        for _ in range(chance.randint(1, 3)):
            self.join()
        for _ in range(chance.randint(1, 5)):
            scheduler.sleep(chance.uniform(1.0, 20.0))
            what = chance.choice(tuple(TROUBLES)) if chance.random() < 0.6 else "credential ends"
            process = chance.choice(self.alive)
            self.note(f"{what}: process {process.number}")
            TROUBLES[what](self, process)
        self.note("all is well again")
        self.server.is_down, self.server.losing, self.is_away, self.slowest = False, 0.0, False, 2.0
        self.server.away.clear()
        for process in self.alive:
            process.cannot_start_threads = False
        scheduler.sleep(_REST)
        if self.has_ended:
            self.judge.violated("nobody was asked to sign in")
        self._all_work("after the storm")
        self.account.credential = None
        self.note("the credential ends")
        scheduler.sleep(_AT_WORK)
        self._all_work("after the end of the last credential")
        self.is_over = True

    def _all_work(self, when: str) -> None:
        """Who is alive works with the newest credential, and nothing else has happened."""
        if self._wrong:
            self.judge.violated(self._wrong[0])
        recent = self.scheduler.now - _AT_WORK / 2
        for process in self.alive:
            if process.worked_at < recent or not process.gate.is_open:
                self.judge.violated(f"{when}, process {process.number} does not work")
            if process.failed_at >= recent:
                self.judge.violated(f"{when}, calls of process {process.number} fail")
            self.judge.no_faults(process)

    # What an application does

    def _work(self, process: Worker) -> None:
        scheduler, chance, renewer = self.scheduler, self.scheduler.random, process.renewer
        while not self.is_over:
            scheduler.sleep(chance.random() * 3.0)
            if not process.gate.is_open:
                process.gate.wait(chance.uniform(0.1, 5.0))
                continue
            flight = renewer.before()
            if flight is not None:
                flight.wait()
            try:
                sent = renewer.sendable()
            except (RuntimeError, OSError):
                continue  # the session is over, or nobody could be asked
            if sent is not None:
                self._call(process, sent)

    def _call(self, process: Worker, sent: str) -> None:
        began = self.scheduler.now
        if self._answered(process, sent, began):
            return
        facts = Response(status=401, session=sent, started_at=began, began=began, recorded=True)
        flight = process.renewer.after(sent)
        if flight is not None:
            flight.wait()
        again = process.renewer.instead_of(sent, facts)
        if again is not None:
            began = self.scheduler.now
            if self._answered(process, again, began):
                return
            sent, self.was_refused = again, True  # so soon after it was made: this one cannot be renewed
        process.failed_at = self.scheduler.now
        self.judge.rejected(sent)
        process.failed(sent, began, can_show=False)

    def _answered(self, process: Worker, sent: str, began: float) -> bool:
        self.scheduler.sleep(self.scheduler.random.random())
        if sent != self.account.credential:
            self.note(f"401 in process {process.number}: {sent}")
            return False
        process.renewer.worked(sent)
        process.succeeded(sent, began)
        process.worked_at = self.scheduler.now
        return True


def _credential_ends(world: Renewing, process: Worker) -> None:
    world.account.credential = None


def _session_ends(world: Renewing, process: Worker) -> None:
    world.account.credential = None
    world.has_ended = True


def _endpoint(world: Renewing, process: Worker) -> None:
    world.is_away = not world.is_away


def _slow(world: Renewing, process: Worker) -> None:
    world.is_calm = False  # longer than a lease
    world.slowest = 50.0
    world.account.credential = None


def _crash(world: Renewing, process: Worker) -> None:
    if len(world.alive) > 1:
        world.is_calm = False
        process.crash()


def _holder_crashes(world: Renewing, process: Worker) -> None:
    if len(world.alive) > 1 and world._flying:
        world.is_calm = False
        world._flying[0].crash()


def _join(world: Renewing, process: Worker) -> None:
    world.join()


def _cut(world: Renewing, process: Worker) -> None:
    world.is_calm = False
    world.server.away ^= {process}


def _down(world: Renewing, process: Worker) -> None:
    world.is_calm = False
    world.server.is_down = not world.server.is_down


def _flush(world: Renewing, process: Worker) -> None:
    world.is_calm = False
    world.server.flush()


def _lossy(world: Renewing, process: Worker) -> None:
    world.is_calm = False
    world.server.losing = world.scheduler.random.choice((0.0, 0.2))


def _threads(world: Renewing, process: Worker) -> None:
    world.is_calm = False
    process.cannot_start_threads = not process.cannot_start_threads


TROUBLES: Mapping[str, Callable[[Renewing, Worker], None]] = MappingProxyType(
    {
        act.__name__[1:].replace("_", " "): act
        for act in (
            *(_credential_ends, _session_ends, _endpoint, _slow, _crash, _holder_crashes, _join, _cut, _down),
            *(_flush, _lossy, _threads),
        )
    }
)
"""Each by its name."""
