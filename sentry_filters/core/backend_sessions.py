"""The sessions of every backend of one guard: a life and a gate each, one bus and one trail for all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from sentry_filters.core.backends import Backends
from sentry_filters.core.bus import EventBus
from sentry_filters.core.gate import SchedulerGate
from sentry_filters.core.gates import BackendGates
from sentry_filters.core.policy import Policy
from sentry_filters.core.records import AuditTrail, RedactsText
from sentry_filters.core.renewals import Renewals
from sentry_filters.core.sessions import Lifecycle
from sentry_filters.core.shared import SharedSessions
from sentry_filters.evidence import Failure


class BackendSessions:
    """Makes each backend's lifecycle and gate, and finds the one that is meant. Thread-safe.

    Args:
        backends: The policies.
        bus: Carries every expiry that this process publishes.
        trail: Counts and records, for all of them.
        redactor: Cleans the reasons of expiries.
        shared: What carries news between processes; of several backends each has its own keys.

    Attributes:
        gate: What the application asks.

    Raises:
        ValueError: `shared` serves another guard.
    """

    def __init__(
        self,
        backends: Backends,
        bus: EventBus,
        trail: AuditTrail,
        redactor: RedactsText,
        shared: SharedSessions | None = None,
    ) -> None:
        self._backends = backends
        self._shared: dict[str, SharedSessions] = {}
        gates: dict[str, SchedulerGate] = {}
        lives: dict[str, Lifecycle] = {}
        for name, policy in backends.by_provider.items():
            if shared is not None and not backends.is_shadow:
                self._shared[name] = shared if backends.only is not None else shared.of_backend(name)
            gates[name] = SchedulerGate(policy.scope, partial(trail.counters.add, "refused"), name)
            # In shadow mode it closes a gate that nobody asks: the guard's own stays open.
            closes = SchedulerGate(policy.scope) if backends.is_shadow else gates[name]
            lives[name] = Lifecycle(policy, closes, bus, trail, redactor, self._shared.get(name))
        self._trail = trail
        self._gates: Mapping[str, SchedulerGate] = MappingProxyType(gates)
        self._lives: Mapping[str, Lifecycle] = MappingProxyType(lives)
        bus.on_unhandled(lambda event: lives[event.provider].unhandled(event))
        self.gate: Final = next(iter(gates.values())) if len(gates) == 1 else BackendGates(gates)

    def of(self, failure: Failure) -> Lifecycle:
        """Return the life of the backend that decides about a failure."""
        return self._lives[self._backends.of(failure).provider]

    def named(self, provider: str | None, place: str) -> Lifecycle:
        """Return the life of this provider's sessions; arguments and errors as for `Backends.named`."""
        return self._lives[self._backends.named(provider, place).provider]

    def succeeded(self, policy: Policy, session: str, began: float) -> None:
        """Note that a call to this policy's backend succeeded; see `Lifecycle.succeeded`."""
        self._lives[policy.provider].succeeded(session, began)

    def renewals(
        self, naming: tuple[Callable[[str], str], Callable[[str], object]]
    ) -> Mapping[str, Renewals]:
        """Return what renewals mean for the sessions of each backend, by its provider.

        Args:
            naming: Returns a credential's fingerprint; and registers it with the redactor.
        """
        return MappingProxyType(
            {
                name: Renewals(policy, life, self._gates[name], self._trail, naming, self._shared.get(name))
                for name, policy in self._backends.by_provider.items()
                for life in [self._lives[name]]
            }
        )

    def attach(self) -> None:
        """Begin to hear of the other processes."""
        for name, shared in self._shared.items():
            shared.attach(self._lives[name])

    def close(self, timeout: float) -> None:
        """Tell what waits for the end of a healing window; end what is shared, all in `timeout` seconds."""
        for life in self._lives.values():
            life.close()
        deadline = time.monotonic() + timeout
        for shared in self._shared.values():
            shared.close(max(0.0, deadline - time.monotonic()))
