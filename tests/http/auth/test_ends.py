"""The end that a credential names itself: renewed before it, nothing sent after it; sign-ins in between."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import freezegun
import pytest

from sentry_filters import (
    AuditRecord,
    ExpiryRecord,
    Failure,
    Policy,
    RenewalRecord,
    SessionExpired,
    SessionExpiredError,
    SessionGuard,
)
from sentry_filters.guard import parts_of
from tests.http.auth.conftest import Call, with_httpx, with_requests
from tests.support.backend import LLMBackend
from tests.support.tokens import TokenEndpoint, jwt

GuardOf = Callable[..., SessionGuard]


@pytest.fixture
def guard_of(backend: LLMBackend, expired: list[SessionExpired]) -> GuardOf:
    """Make a guard of the backend with these options of its policy."""

    def make(**options: Any) -> SessionGuard:
        return SessionGuard(Policy(provider="OpenHuman", hosts={backend.address}, **options), expired.append)

    return make


def test_nothing_is_sent_after_the_end(
    guard_of: GuardOf, tokens: TokenEndpoint, backend: LLMBackend, call: Call, chat: str
) -> None:
    tokens.state.status, tokens.state.current = 503, jwt(-60.0)
    guard = guard_of(refuse_expired=True)
    auth = guard.auth(tokens.refresh, tokens.load)

    records: list[AuditRecord] = []
    parts_of(guard).trail.observe(records.append)
    refusals = set()
    for _ in range(10):
        with pytest.raises(SessionExpiredError) as refused:
            call(auth, chat)
        refusals.add(refused.value.event.id)

    assert [one.event.id for one in records if isinstance(one, ExpiryRecord)] == [*refusals]
    assert backend.state.calls == 0
    assert tokens.state.calls <= 2
    assert guard.gate.is_open, "nobody was told to sign in again"
    assert guard.counters.get("refused") == 10
    guard.close()


def test_a_refusal_after_the_end_is_the_one_expiry(
    guard_of: GuardOf,
    tokens: TokenEndpoint,
    backend: LLMBackend,
    expired: list[SessionExpired],
    call: Call,
    chat: str,
) -> None:
    tokens.state.status, tokens.state.current = 400, jwt(-60.0)
    guard = guard_of(refuse_expired=True)
    auth = guard.auth(tokens.refresh, tokens.load)

    for _ in range(3):
        with pytest.raises(SessionExpiredError):
            call(auth, chat)

    guard.bus.flush()
    assert (backend.state.calls, tokens.state.calls) == (0, 1)
    assert [(one.session, one.confirmed) for one in expired] == [
        (guard.fingerprint(tokens.state.current), False)
    ]
    assert not guard.gate.is_open
    guard.close()


def test_after_the_end_the_first_call_renews(
    guard_of: GuardOf, tokens: TokenEndpoint, backend: LLMBackend, call: Call, chat: str
) -> None:
    tokens.state.current = jwt(-60.0)
    guard = guard_of(refuse_expired=True)
    auth = guard.auth(tokens.refresh, tokens.load)

    assert [call(auth, chat)[0] for _ in range(2)] == [200, 200]
    assert (tokens.state.calls, backend.state.calls) == (1, 2)
    guard.close()


@pytest.mark.parametrize(
    ("options", "seconds"),
    [({"refuse_expired": True}, -1.0), ({"refuse_expired": True}, None), ({}, -60.0)],
    ids=["within the leeway", "no exp", "not asked for"],
)
def test_else_the_backend_is_asked(
    guard_of: GuardOf,
    tokens: TokenEndpoint,
    backend: LLMBackend,
    chat: str,
    options: dict[str, Any],
    seconds: float | None,
) -> None:
    tokens.state.status, tokens.state.current = 503, jwt(seconds)
    guard = guard_of(**options)

    assert with_httpx(guard.auth(tokens.refresh, tokens.load), chat)[0] == 401
    assert backend.state.calls == 1
    guard.close()


@pytest.mark.parametrize("scope", ["process", "session"])
def test_the_gate_refuses_after_the_end_of_a_sign_in(
    guard_of: GuardOf, expired: list[SessionExpired], scope: str
) -> None:
    guard = guard_of(refuse_expired=True, scope=scope)
    records: list[AuditRecord] = []
    parts_of(guard).trail.observe(records.append)
    with freezegun.freeze_time(tick=False) as clock:
        first, second = jwt(60.0, seed="1"), jwt(600.0, seed="2")
        session = guard.fingerprint(first)
        guard.session_renewed(first)
        clock.tick(timedelta(seconds=64))
        guard.gate.check(session=session)

        clock.tick(timedelta(seconds=2))
        for _ in range(3):
            with pytest.raises(SessionExpiredError) as refused:
                guard.gate.check(session=session)
        guard.session_renewed(second, replaces=first)
        guard.gate.check(session=session)

    guard.bus.flush()
    assert expired == [refused.value.event]
    assert (expired[0].session, expired[0].confirmed) == (session, False)
    renewals = [one.expiries for one in records if isinstance(one, RenewalRecord)]
    assert (expired[0].id,) in renewals, "the audit knows that it is over"
    guard.close()


def test_a_claim_that_nobody_verified_drops_no_report(guard_of: GuardOf) -> None:
    guard = guard_of(refuse_expired=True)
    guard.session_renewed(jwt(-60.0))
    with pytest.raises(SessionExpiredError):
        guard.gate.check()
    assert guard.gate.wait(0.0) is False

    words = Failure(text="the agent failed: OpenHuman API error (401 Unauthorized)")
    assert parts_of(guard).decider.decide("event", [words]).verdict.reason == "uncorroborated"
    guard.close()


def test_without_the_option_the_gate_does_not_read_it(guard_of: GuardOf) -> None:
    guard = guard_of()
    guard.session_renewed(jwt(-60.0))
    guard.gate.check()
    guard.close()


def test_the_gate_lets_work_through_to_an_auth_that_renews(
    guard_of: GuardOf, tokens: TokenEndpoint, chat: str
) -> None:
    guard = guard_of(refuse_expired=True)
    guard.session_renewed(jwt(-60.0))
    auth = guard.auth(tokens.refresh, tokens.load)

    with guard.gate.work():
        assert with_httpx(auth, chat)[0] == 200
    guard.close()


def test_it_is_renewed_before_its_end(
    guard: SessionGuard, tokens: TokenEndpoint, backend: LLMBackend, call: Call, chat: str
) -> None:
    tokens.state.current, tokens.state.seconds = jwt(50.0), 100.0
    auth = guard.auth(tokens.refresh, tokens.load, renew_before=200.0)

    assert [call(auth, chat)[0] for _ in range(3)] == [200] * 3
    assert (tokens.state.calls, backend.state.calls) == (1, 3), "a lifetime that is too short is no loop"


@pytest.mark.parametrize("status", [400, 503])
def test_a_failure_before_the_end_fails_no_call(
    guard: SessionGuard,
    tokens: TokenEndpoint,
    backend: LLMBackend,
    call: Call,
    chat: str,
    published: Callable[[], int],
    status: int,
) -> None:
    tokens.state.status, tokens.state.current = status, jwt(50.0)
    backend.state.valid.add(tokens.state.current)
    auth = guard.auth(tokens.refresh, tokens.load, renew_before=200.0)

    assert [call(auth, chat)[0] for _ in range(3)] == [200] * 3
    assert published() == 0
    assert 1 <= tokens.state.calls <= 2


def test_while_it_is_valid_only_the_first_call_waits(
    guard: SessionGuard, tokens: TokenEndpoint, backend: LLMBackend, chat: str
) -> None:
    goes_on = threading.Event()
    tokens.state.current = jwt(50.0)
    backend.state.valid.add(tokens.state.current)
    tokens.state.delay = lambda: goes_on.wait(15.0)
    auth = guard.auth(tokens.refresh, tokens.load, renew_before=200.0, timeout=15.0)

    first = threading.Thread(target=with_httpx, args=(auth, chat))
    first.start()
    while tokens.state.calls == 0:
        time.sleep(0.001)
    assert with_httpx(auth, chat)[0] == 200
    assert first.is_alive()
    goes_on.set()
    first.join()


def test_a_sign_in_elsewhere_is_loaded_without_a_lost_call(
    guard: SessionGuard, tokens: TokenEndpoint, backend: LLMBackend, call: Call, chat: str
) -> None:
    auth = guard.auth(lambda: None, tokens.load)
    assert auth.token() == tokens.state.current
    tokens.refresh()

    guard.session_renewed()

    assert call(auth, chat)[0] == 200
    assert backend.state.calls == 1


@pytest.mark.parametrize("scope", ["process", "session"])
def test_without_load_a_sign_in_brings_the_credential(
    guard_of: GuardOf, tokens: TokenEndpoint, backend: LLMBackend, chat: str, scope: str
) -> None:
    guard = guard_of(scope=scope)
    auth = guard.auth(lambda: "first")
    assert auth.token() == "first"

    new = tokens.refresh()
    guard.session_renewed(f"Bearer {new}", replaces="first")

    assert with_requests(auth, chat)[0] == 200
    assert backend.state.calls == 1
    guard.close()


def test_one_users_refusal_halts_nobody_else(
    guard_of: GuardOf, tokens: TokenEndpoint, expired: list[SessionExpired], chat: str
) -> None:
    guard = guard_of(scope="session")
    one, other = guard.auth(lambda: None, lambda: "one"), guard.auth(tokens.refresh, tokens.load)

    assert (with_httpx(one, chat)[0], with_httpx(other, chat)[0]) == (401, 200)

    guard.bus.flush()
    assert [event.session for event in expired] == [guard.fingerprint("one")]
    assert not guard.gate.is_open_for(guard.fingerprint("one"))
    assert guard.gate.is_open_for(guard.fingerprint(tokens.state.current))
    guard.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_that_was_forked_in_a_renewal_has_its_own(
    guard: SessionGuard, tokens: TokenEndpoint, chat: str
) -> None:
    begun, goes_on, parents = threading.Event(), threading.Event(), os.getpid()

    def refresh() -> str:
        if os.getpid() == parents:
            begun.set()
            goes_on.wait(15.0)
        return tokens.refresh()

    auth = guard.auth(refresh, tokens.load, timeout=10.0)
    assert auth.token() == tokens.state.current
    first = threading.Thread(target=with_httpx, args=(auth, chat))
    first.start()
    while not begun.is_set():
        time.sleep(0.001)
    child = os.fork()
    if child == 0:
        os._exit(0 if with_httpx(auth, chat)[0] == 200 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    goes_on.set()
    first.join()
