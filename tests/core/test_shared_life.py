"""What one process finds, the others take over: expiries, renewals, and that an expiry was none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from sentry_filters import (
    AuditRecord,
    ExpiryRecord,
    Failure,
    Policy,
    RenewalRecord,
    Response,
    SessionExpired,
    SessionGuard,
)
from sentry_filters.core.alarms import Alarms
from sentry_filters.evidence import Endpoint
from sentry_filters.guard import parts_of
from tests.support.sharing import Hub
from tests.support.waiting import eventually

HOST = "api.example.ai"


class Process:
    """One guard, what it published and what it wrote down."""

    def __init__(self, hub: Hub, **policy: object) -> None:
        self.published: list[SessionExpired] = []
        made = Policy(provider="OpenHuman", hosts={HOST}, **policy)  # type: ignore[arg-type]
        self.guard = SessionGuard(made, self.published.append, shared=hub.process())
        self.records: list[AuditRecord] = []
        parts_of(self.guard).trail.observe(self.records.append)

    def fails(self, credential: str | None, *, ago: float = 0.0) -> bool:
        response = Response(
            body_known=True,
            status=401,
            endpoint=Endpoint(HOST, 443),
            path="/v1/chat/completions",
            session=None if credential is None else self.guard.fingerprint(credential),
            began=time.monotonic() - ago,
        )
        failure = Failure(provider="OpenHuman", response=response)
        return parts_of(self.guard).decider.decide("event", (failure,)).drop

    def succeeds(self, credential: str) -> None:
        parts_of(self.guard).lifecycle.succeeded(self.guard.fingerprint(credential), time.monotonic())

    @property
    def gate_is_open(self) -> bool:
        return self.guard.gate.is_open_for(self.guard.fingerprint("a"))

    def told(self) -> int:
        self.guard.bus.flush()
        return len(self.published)

    def written(self) -> list[tuple[str, object]]:
        """Every expiry with whether it was handled, every renewal with its reason."""
        return [
            ("expiry", one.handled) if isinstance(one, ExpiryRecord) else ("renewal", one.reason)
            for one in self.records
            if isinstance(one, ExpiryRecord | RenewalRecord)
        ]


@pytest.fixture(params=["process", "session"])
def two(request: pytest.FixtureRequest) -> Iterator[tuple[Process, Process]]:
    hub = Hub()
    one, other = (Process(hub, scope=request.param) for _ in range(2))
    yield one, other
    one.guard.close()
    other.guard.close()


def test_an_expiry_closes_every_gate_and_is_published_once(two: tuple[Process, Process]) -> None:
    one, other = two
    assert one.fails("a")
    assert other.fails("a")

    assert (one.gate_is_open, other.gate_is_open) == (False, False)
    assert (one.told(), other.told()) == (1, 0)
    assert other.written() == [("expiry", True)]
    assert one.guard.counters.get("shared", "announced") == 1


def test_a_sign_in_in_one_opens_every_gate(two: tuple[Process, Process]) -> None:
    one, other = two
    one.fails("a")
    other.guard.session_renewed("b", replaces="a")

    assert (one.gate_is_open, other.gate_is_open) == (True, True)
    assert one.fails("a", ago=1.0), "a late failure"
    assert one.gate_is_open
    assert [what for what, _ in one.written()] == ["expiry", "renewal"]
    assert one.told() == 1


def test_a_credential_that_works_again_opens_every_gate(two: tuple[Process, Process]) -> None:
    one, other = two
    one.fails("a", ago=1.0)
    one.succeeds("a")

    assert (one.gate_is_open, other.gate_is_open) == (True, True)
    assert ("renewal", "recovered") in one.written()


def test_an_expiry_that_is_heard_of_after_its_sign_in_closes_nothing(two: tuple[Process, Process]) -> None:
    one, other = two
    one.fails("a")
    [event] = one.published if one.told() else []
    other.guard.session_renewed("b", replaces="a")
    parts_of(other.guard).lifecycle.adopt_expiry(event.session, event, 0)

    assert other.gate_is_open
    assert other.told() == 0


def test_both_find_one_expiry_at_once_and_it_is_known_as_one(two: tuple[Process, Process]) -> None:
    one, other = two
    one.fails("a")
    assert one.told() == 1
    [event] = one.published
    life = parts_of(one.guard).lifecycle

    life.adopt_expiry(event.session, event, 0)
    assert not one.gate_is_open
    one.guard.session_renewed("b", replaces="a")
    assert one.gate_is_open
    assert other.gate_is_open


def test_an_earlier_expiry_that_is_heard_of_late_leaves_the_later_one_as_it_is(
    two: tuple[Process, Process],
) -> None:
    one, other = two
    one.fails("a")
    assert one.told() == 1
    [first] = one.published
    other.guard.session_renewed("a")
    one.fails("a")
    assert one.told() == 2

    parts_of(one.guard).lifecycle.adopt_expiry(first.session, first, 0)
    assert not one.gate_is_open
    other.guard.session_renewed("a")
    assert one.gate_is_open


def test_a_renewal_opens_no_more_than_it_ends() -> None:
    one = Process(Hub())
    one.fails("a")
    assert one.told() == 1
    [event] = one.published
    life, now = parts_of(one.guard).lifecycle, round(time.time() * 1e6)
    # Another user's session: its expiry followed a renewal that this process has not heard of yet.
    other = replace(event, id="0f0f", session=one.guard.fingerprint("c"))
    life.adopt_expiry(other.session, other, now)

    life.adopt_renewal(None, now - 1_000_000, None, everyone=True)
    assert not one.guard.gate.is_open, "it was before that one"
    life.adopt_renewal(None, now + 1_000_000, None, everyone=True)
    assert one.guard.gate.is_open
    one.guard.close()


def test_after_the_healing_window_an_expiry_is_told_once_by_whoever_sees_it_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alarms: list[Callable[[], object]] = []
    monkeypatch.setattr(Alarms, "after", lambda _alarms, _seconds, alarm: alarms.append(alarm))
    one = Process(Hub(), healing_window=0.05)
    one.fails("a")
    assert one.told() == 0

    began = time.monotonic()
    assert eventually(lambda: time.monotonic() > began + 0.05)
    one.fails("a")  # before the alarm, whose thread is late
    assert one.told() == 1
    one.fails("a")
    for alarm in alarms:
        alarm()
    assert one.told() == 1
    assert len(alarms) == 1
    one.guard.close()
