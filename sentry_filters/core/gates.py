"""The gate of a guard with several backends: one gate each, asked together or by the provider's name."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from sentry_filters.core.backends import unknown_provider
from sentry_filters.core.gate import Finder, SchedulerGate
from sentry_filters.core.session import SessionExpired
from sentry_filters.core.work import SessionOf, Work


class BackendGates(SchedulerGate):
    """One gate for each backend. Thread-safe, and usable from asyncio.

    Work that names its provider asks that backend's gate alone. Work that names none may call any of them:
    for it the gate is open only while all are.

    Args:
        gates: The gates by provider, two or more.
    """

    def __init__(self, gates: Mapping[str, SchedulerGate]) -> None:
        super().__init__()
        self._gates = dict(gates)

    @property
    def is_open(self) -> bool:
        """Whether LLM work of any backend, and of no particular session, may run."""
        return self.is_open_for(None)

    @property
    def refused(self) -> int:
        """How many times `check` has refused work so far, in all."""
        return sum(gate.refused for gate in self._gates.values())

    @property
    def closed(self) -> int:
        """How many sessions' work they halt; with `scope="process"` a backend counts once."""
        return sum(gate.closed for gate in self._gates.values())

    def of(self, provider: str | None) -> SchedulerGate:
        """Return the gate of one backend, for what works with that one alone; None stands for all."""
        if provider is None:
            return self
        if provider not in self._gates:
            raise ValueError(unknown_provider("gate", provider, self._gates))
        return self._gates[provider]

    def is_open_for(self, session: str | None) -> bool:
        """Say whether LLM work of any backend may run for the session with this fingerprint."""
        return all(gate.is_open_for(session) for gate in self._gates.values())

    def is_closed_by(self, expiry: str, session: str | None) -> bool:
        """Say whether one of them is closed by the expiry with this id; see `SchedulerGate.is_closed_by`."""
        return any(gate.is_closed_by(expiry, session) for gate in self._gates.values())

    def check(self, *, session: str | None = None, provider: str | None = None) -> None:
        """Return at once while the gate is open; see `SchedulerGate.check`."""
        for gate in self._asked(provider):
            gate.check(session=session)

    def wait(
        self, timeout: float | None = None, *, session: str | None = None, provider: str | None = None
    ) -> bool:
        """Block until the gate is open; see `SchedulerGate.wait`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        gates = self._asked(provider)
        while not all(gate.is_open_for(session) for gate in gates):
            for gate in gates:  # one that was open may close while another is waited for
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                if not gate.wait(left, session=session):
                    return False
        return True

    async def wait_async(
        self, timeout: float | None = None, *, session: str | None = None, provider: str | None = None
    ) -> bool:
        """As `wait`, without blocking the event loop; may be cancelled."""
        deadline = None if timeout is None else time.monotonic() + timeout
        gates = self._asked(provider)
        while not all(gate.is_open_for(session) for gate in gates):
            for gate in gates:
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                if not await gate.wait_async(left, session=session):
                    return False
        return True

    def work(
        self,
        *,
        session: str | SessionOf | None = None,
        provider: str | None = None,
        timeout: float | None = 0.0,
    ) -> Work:
        """Start LLM work only while the gate is open; see `SchedulerGate.work`."""
        if provider is not None:
            return self.of(provider).work(session=session, timeout=timeout)
        return super().work(session=session, timeout=timeout)

    def find_with(self, finder: Finder) -> None:
        """Let `finder`, of the guard, answer `found_by` of all of them."""
        super().find_with(finder)
        for gate in self._gates.values():
            gate.find_with(finder)

    def expiry(self, expiry: str, session: str | None) -> SessionExpired | None:
        """Return the expiry with this id, whichever it closes; see `SchedulerGate.expiry`."""
        found = [gate.expiry(expiry, session) for gate in self._gates.values()]
        return next((event for event in found if event is not None and event.id == expiry), None) or next(
            filter(None, found), None
        )

    def on_open(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call `callback` after each opening of any of them; see `SchedulerGate.on_open`."""
        ends = [gate.on_open(callback) for gate in self._gates.values()]

        def end() -> None:
            for one in ends:
                one()

        return end

    def close(self, event: SessionExpired, *, instead_of: str | None = None) -> None:
        """Close the gate of the event's provider; see `SchedulerGate.close`."""
        self.of(event.provider).close(event, instead_of=instead_of)

    def amend(self, event: SessionExpired) -> None:
        """Replace what is known of an expiry, if it still closes its gate."""
        self.of(event.provider).amend(event)

    def reopen(self, expiry: str, session: str | None) -> None:
        """Open whichever the expiry with this id, of this session (a fingerprint), closes."""
        for gate in self._gates.values():
            gate.reopen(expiry, session)

    def open(self, session: str | None = None) -> None:
        """Open all of them; see `SchedulerGate.open`."""
        for gate in self._gates.values():
            gate.open(session)

    def _asked(self, provider: str | None) -> tuple[SchedulerGate, ...]:
        return tuple(self._gates.values()) if provider is None else (self.of(provider),)
