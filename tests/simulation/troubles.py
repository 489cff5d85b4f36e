"""What may go wrong, or merely happen, in a simulated world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.fleet import Fleet
    from tests.simulation.process import Process
    from tests.simulation.world import Account

Trouble = Callable[["Fleet", "Process", "Account"], None]


def session_ends(fleet: Fleet, process: Process, account: Account) -> None:
    """The backend accepts the credential no more."""
    fleet.end(account)


def flake(fleet: Fleet, process: Process, account: Account) -> None:
    """The backend answers some calls with 401 although the session lives."""
    account.flaky_until = fleet.scheduler.now + fleet.scheduler.random.uniform(0.0, 2.0)


def sign_in(fleet: Fleet, process: Process, account: Account) -> None:
    """Somebody signs in whom nobody has asked to."""
    fleet.sign_in(process, account)


def interrupt(fleet: Fleet, process: Process, account: Account) -> None:
    """A signal's handler, or a finalizer, reports a failed call in the middle of something else."""
    process.interrupts.append(partial(_report_at_once, fleet, process, account))


def crash(fleet: Fleet, process: Process, account: Account) -> None:
    """A process is killed."""
    if len(fleet.alive) > 1:
        fleet.is_calm = False
        process.crash()


def die_while_claiming(fleet: Fleet, process: Process, account: Account) -> None:
    """A process will be killed between its next claim and the answer."""
    if len(fleet.alive) > 1:
        fleet.is_calm = False
        process.dies_while_claiming = True


def join(fleet: Fleet, process: Process, account: Account) -> None:
    """Another process starts."""
    fleet.is_calm = False
    fleet.join()


def fork(fleet: Fleet, process: Process, account: Account) -> None:
    """A process forks, in whatever its threads are doing."""
    if not process.has_begun:
        return  # nobody has that guard yet
    fleet.is_calm = False
    child = process.forked(len(fleet.processes))
    child.cannot_start_threads = False  # without any, a process says so, and carries on alone for good
    fleet.processes.append(child)

    def live() -> None:
        child.begin_as_child()
        fleet.work(child)

    fleet.scheduler.spawn(live, child, f"main of {child.number}")


def clock(fleet: Fleet, process: Process, account: Account) -> None:
    """A process's clock is set."""
    fleet.is_calm = False
    process.clock_is_ahead = fleet.scheduler.random.choice((-3600.0, -5.0, 0.0, 5.0, 250.0))


def threads(fleet: Fleet, process: Process, account: Account) -> None:
    """A process can start no more threads, or can again."""
    fleet.is_calm = False
    process.cannot_start_threads = not process.cannot_start_threads


def cut(fleet: Fleet, process: Process, account: Account) -> None:
    """A process is cut off from the server, or reaches it again."""
    fleet.is_calm = False
    fleet.server.away ^= {process}


def down(fleet: Fleet, process: Process, account: Account) -> None:
    """The server goes away, or comes back."""
    fleet.is_calm = False
    fleet.server.is_down = not fleet.server.is_down


def flush(fleet: Fleet, process: Process, account: Account) -> None:
    """The server loses what it has kept."""
    fleet.is_calm = False
    fleet.server.flush()


def lossy(fleet: Fleet, process: Process, account: Account) -> None:
    """Commands or their answers are lost, or no more."""
    fleet.is_calm = False
    fleet.server.losing = fleet.scheduler.random.choice((0.0, 0.2))


def _report_at_once(fleet: Fleet, process: Process, account: Account) -> None:
    credential = fleet.stored[account.name]
    if account.credential != credential:
        fleet.judge.rejected(credential)
        fleet.note(f"interrupt in process {process.number}: {credential}")
        process.failed(credential, fleet.scheduler.now - 0.5, can_show=False)


TROUBLES: Mapping[str, Trouble] = MappingProxyType(
    {
        act.__name__.replace("_", " "): act
        for act in (
            *(session_ends, flake, sign_in, interrupt, crash, die_while_claiming, join, fork, clock),
            *(threads, cut, down, flush, lossy),
        )
    }
)
"""Each by its name."""
