"""Each backend has a life and a gate of its own, and keys of its own where other processes are told."""

from __future__ import annotations

import threading

import pytest

from sentry_filters import Policy, Redactor, SessionExpired, SessionExpiredError
from sentry_filters.core import (
    AuditTrail,
    Backends,
    BackendSessions,
    Counters,
    EventBus,
    ExpiryRecord,
    RefreshTurns,
    SharedLife,
    backend_sessions,
)
from tests.support.deciding import Deciding, stated

ALPHA = Policy(provider="Alpha", hosts={"api.alpha.ai"})
BETA = Policy(provider="Beta", hosts={"api.beta.ai"})


class Clock:
    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


class Fleet:
    """Stands where Redis would; of each backend it keeps what it was asked apart."""

    key = b"a key for the fingerprints of all"

    def __init__(self, name: str = "", clock: Clock | None = None) -> None:
        self.name = name
        self.clock = Clock() if clock is None else clock
        self.of: dict[str, Fleet] = {}
        self.attached: list[SharedLife] = []
        self.closed: list[float] = []

    def attach(self, lifecycle: SharedLife) -> None:
        self.attached.append(lifecycle)

    def expiry_id(self, session: str | None, after: int) -> str:
        return f"{self.name} {after}"

    def announce(self, event: SessionExpired, after: int, begun_at: float) -> None:
        raise AssertionError("nobody is told here")

    def renewed(self, session: str | None, stamp: int, credential: str | None) -> None:
        raise AssertionError("nobody signs in here")

    def recovered(self, session: str | None, stamp: int) -> None:
        raise AssertionError("nobody recovers here")

    def of_backend(self, provider: str) -> Fleet:
        return self.of.setdefault(provider, Fleet(provider, self.clock))

    def refresh_turns(self) -> RefreshTurns:
        raise AssertionError("nobody renews by itself here")

    def close(self, timeout: float = 2.0) -> None:
        self.closed.append(timeout)
        self.clock.now += 1.5


def sharing(fleet: Fleet, *policies: Policy) -> BackendSessions:
    backends, redactor = Backends(policies), Redactor()
    return BackendSessions(backends, EventBus(), AuditTrail(backends, Counters(), redactor), redactor, fleet)


def test_of_several_backends_each_has_keys_of_its_own() -> None:
    fleet = Fleet()
    sessions = sharing(fleet, ALPHA, BETA)
    sessions.attach()

    assert fleet.attached == []
    assert {name: one.attached for name, one in fleet.of.items()} == {
        name: [sessions.named(name, "test")] for name in ("Alpha", "Beta")
    }


def test_one_backend_shares_what_it_is_given() -> None:
    fleet = Fleet()
    sessions = sharing(fleet, ALPHA)
    sessions.attach()

    assert (fleet.attached, fleet.of) == ([sessions.named(None, "test")], {})


@pytest.mark.parametrize(("timeout", "left"), [(2.0, [2.0, 0.5]), (1.0, [1.0, 0.0]), (5.0, [5.0, 3.5])])
def test_all_that_is_shared_ends_in_the_time_that_is_left(
    monkeypatch: pytest.MonkeyPatch, timeout: float, left: list[float]
) -> None:
    fleet = Fleet()
    monkeypatch.setattr(backend_sessions, "time", fleet.clock)
    sharing(fleet, ALPHA, BETA).close(timeout)

    assert [seconds for one in fleet.of.values() for seconds in one.closed] == left


def test_a_backend_that_is_unknown_is_named_with_the_place() -> None:
    with pytest.raises(ValueError, match="^the place: invalid provider 'Gamma'; expected 'Alpha' or 'Beta'$"):
        sharing(Fleet(), ALPHA, BETA).named("Gamma", "the place")


def test_refused_work_is_counted_whichever_backend_it_is_of() -> None:
    core = Deciding(ALPHA, BETA)
    core.decide(stated("Beta"))
    for asked in (None, "Beta"):
        with pytest.raises(SessionExpiredError):
            core.sessions.gate.check(provider=asked)

    assert core.counters.get("refused") == 2


def test_of_a_handler_that_fails_the_life_of_its_backend_hears() -> None:
    core = Deciding(ALPHA, BETA, listens=False)
    decided = threading.Event()

    def fails(_event: SessionExpired) -> None:
        assert decided.wait(10.0)  # else either thread may be the first to write
        raise LookupError("the dialogue")

    core.bus.subscribe(fails)
    core.decide(stated("Beta"))
    decided.set()
    assert core.bus.flush()

    told = [one for one in core.records if isinstance(one, ExpiryRecord)]
    assert [(one.event.provider, one.handled) for one in told] == [("Beta", True), ("Beta", False)]
    core.bus.close()
