"""The world: processes that call a backend and sign in, what goes wrong with them, and what comes after."""

from __future__ import annotations

from functools import cache
from typing import Literal

from sentry_filters.core.policy import Policy
from sentry_filters.core.session import SessionExpired
from tests.simulation.judge import Judge
from tests.simulation.process import Process
from tests.simulation.server import Server
from tests.simulation.troubles import TROUBLES
from tests.simulation.world import Account, World

_LONGEST_CALL = 3.0  # seconds
_REST = 7.0  # after the latest news: longer than any look, healing window and call
_RECOVERY = 20.0  # longer than any back-off, and than it takes until somebody takes over from the dead
_MOST_REST = 300.0  # until each session's end has been met by a call
_UNNAMED = 0.1  # how likely a failure is also reported without its credential


@cache
def _policy(scope: Literal["process", "session"], window: float) -> Policy:
    return Policy(provider="P", hosts={"h"}, scope=scope, healing_window=window, renewal_grace=0.0)


class Fleet(World[Process]):
    """One simulation; see `World`."""

    def __init__(self, seed: int, log: list[str] | None = None) -> None:
        super().__init__(seed, log)
        chance = self.scheduler.random
        self.scope = chance.choice(("process", "process", "session"))
        self.listening = chance.random() < 0.85
        self.window = chance.choice((0.0, 0.0, 0.0, 2.0))
        self.trouble = chance.choice((0.0, 0.3, 1.0))  # how much of it
        self.policy = _policy(self.scope, self.window)
        users = chance.randint(2, 3) if self.scope == "session" else 1
        self.accounts = [Account(f"u{number}") for number in range(users)]
        self.server = Server(self.scheduler, self.scope)
        self.judge = Judge(self)
        self.longest_idle = 2.0  # seconds between a caller's calls

    # What the script lets happen

    def _script(self) -> None:
        scheduler, chance = self.scheduler, self.scheduler.random
        for account in self.accounts:
            self.stored[account.name] = account.sign_in()
        for _ in range(chance.randint(1, 4)):
            self.join()
        for _ in range(chance.randint(1, 6)):
            scheduler.sleep(chance.uniform(0.0, 8.0))
            self._something(
                chance.choice(tuple(TROUBLES)) if chance.random() < self.trouble else "session ends"
            )
        self._heal()
        self._come_to_rest(_REST if self.is_calm else _RECOVERY)
        self.judge.at_rest("after the storm")
        self._all_sign_in()
        self._come_to_rest()
        self.judge.all_open()
        self._all_end()
        self._come_to_rest()
        self.judge.all_closed()
        self.judge.whole()
        self.is_over = True

    def _something(self, what: str) -> None:
        chance = self.scheduler.random
        process, account = chance.choice(self.alive), chance.choice(self.accounts)
        self.note(f"{what}: process {process.number}, {account.name}")
        TROUBLES[what](self, process, account)

    def _heal(self) -> None:
        self.note("all is well again")
        self.longest_idle = 5.0
        self.server.is_down, self.server.losing = False, 0.0
        self.server.away.clear()
        for process in self.alive:
            process.clock_is_ahead, process.cannot_start_threads = 0.0, False
            process.dies_while_claiming = False
            process.interrupts.clear()

    def _come_to_rest(self, rest: float = _REST) -> None:
        scheduler, judge = self.scheduler, self.judge
        until, judge.latest_news = scheduler.now + _MOST_REST, scheduler.now
        while scheduler.now < until:
            left = judge.latest_news + rest - scheduler.now
            if judge.has_met_the_end and left <= 0.0:
                break
            scheduler.sleep(max(1.0, left))

    def _all_sign_in(self) -> None:
        process = self.scheduler.random.choice(self.alive)
        for account in self.accounts:
            self.sign_in(process, account)

    def _all_end(self) -> None:
        self.note("all sessions end")
        for account in self.accounts:
            self.end(account)
        self.judge.nobody_signs_in = True

    def end(self, account: Account) -> None:
        """Let the backend accept an account's credential no more."""
        self.judge.ended(account.credential)
        account.credential = None

    def join(self) -> None:
        process = Process(self, self.policy, len(self.processes))
        self.processes.append(process)
        self.scheduler.spawn(lambda: self._live(process), process, f"main of {process.number}")

    # What an application does

    def _live(self, process: Process) -> None:
        process.begin()
        self.work(process)

    def work(self, process: Process) -> None:
        chance = self.scheduler.random
        for number in range(chance.randint(1, 3)):
            self.scheduler.spawn(lambda: self._call(process), process, f"caller {number} of {process.number}")

    def _call(self, process: Process) -> None:
        scheduler, chance = self.scheduler, self.scheduler.random
        while not self.is_over:
            scheduler.sleep(chance.random() * self.longest_idle)
            account = chance.choice(self.accounts)
            credential = self.stored[account.name]
            asked = credential if self.scope == "session" else None
            if not process.gate.is_open_for(asked):
                process.gate.wait(chance.uniform(0.1, 5.0), session=asked)
                continue
            began = scheduler.now
            scheduler.sleep(chance.uniform(0.0, _LONGEST_CALL))
            is_valid = account.credential == credential
            if is_valid and scheduler.now < account.flaky_until and chance.random() < 0.5:
                is_valid = False
            if chance.random() < 0.5:
                scheduler.sleep(chance.uniform(0.0, 0.1))
            if is_valid:
                process.succeeded(credential, began)
            else:
                self.judge.rejected(credential)
                if self.scope == "process" and chance.random() < _UNNAMED:
                    process.failed(None, began, can_show=False)
                self.note(
                    f"401 in process {process.number}: {account.name} {credential}, begun {began - 1e6:.3f}"
                )
                process.failed(credential, began, can_show=chance.random() < 0.7)

    def sign_in_soon(self, process: Process, event: SessionExpired) -> None:
        """A handler was told: somebody signs in after a while, unless nobody does any more."""
        if self.judge.nobody_signs_in:
            return
        chance = self.scheduler.random
        account = next((one for one in self.accounts if event.session in one.all_given), self.accounts[0])
        delay = chance.choice((0.0, 0.5, 3.0))

        def later() -> None:
            self.scheduler.sleep(delay)
            if account.credential is None and not self.judge.nobody_signs_in:
                self.sign_in(process, account)
            elif event.session is not None and account.credential == event.session:
                self._told(process, account, None)  # it was none: the same credential goes on

        self.scheduler.spawn(later, process, f"sign-in of {account.name}")

    def sign_in(self, process: Process, account: Account) -> None:
        before = self.stored[account.name]
        self.stored[account.name] = account.sign_in()
        self._told(process, account, before if self.scope == "session" else None)

    def _told(self, process: Process, account: Account, replaces: str | None) -> None:
        credential = account.credential
        self.note(f"process {process.number} signs in: {account.name} {credential}")

        def tell() -> None:
            process.renewed(credential, replaces)

        self.scheduler.spawn(tell, process, "sign-in")
