"""One process at a time renews: what the others' turns mean for a call that needs a credential."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from sentry_filters import Policy, RefreshRefused, SessionExpiredError, SessionGuard
from sentry_filters.core import refresh, refresh_held
from sentry_filters.core.refresh_flight import Flight
from sentry_filters.core.refresh_held import LEASE_SECONDS, Tries
from sentry_filters.core.shared import Turn
from tests.support.sharing import Hub, Turns
from tests.support.threads import no_new_threads
from tests.support.tokens import jwt
from tests.support.waiting import eventually

OLD, NEW, LATER = (jwt(None, seed=seed) for seed in ("old", "new", "later"))
WON = Turn("won", claim="7")
HELD = Turn("held")
ALONE = Turn("alone")
TEXT = "OpenHuman API error (401 Unauthorized)"


class Store:
    """The application's store, and its token endpoint."""

    def __init__(self, *stored: str | None, gives: str | Exception | None = NEW) -> None:
        self.stored = list(stored)  # what `load` returns in turn; the last one from then on
        self.gives = gives
        self.asked = 0

    def refresh(self) -> str | None:
        self.asked += 1
        if isinstance(self.gives, Exception):
            raise self.gives
        self.stored = [self.gives]
        return self.gives

    def load(self) -> str | None:
        return self.stored.pop(0) if len(self.stored) > 1 else self.stored[0]


@contextmanager
def guarding(turns: Turns | None = None, **policy: Any) -> Iterator[SessionGuard]:
    made = Policy(provider="OpenHuman", hosts={"api.example.ai"}, **policy)
    guard = SessionGuard(made, lambda event: None, shared=None if turns is None else Hub(turns).process())
    yield guard
    guard.close()


@pytest.mark.parametrize(
    ("turns", "stored", "gets", "asked"),
    [
        pytest.param([WON], [None], NEW, 1, id="its own turn"),
        pytest.param([ALONE], [None], NEW, 1, id="no other can be reached"),
        pytest.param([HELD], [None, LATER], LATER, 0, id="another has renewed meanwhile"),
        pytest.param([HELD, WON], [None], NEW, 1, id="after another's turn"),
        pytest.param([WON], [None, LATER], LATER, 0, id="another was faster"),
    ],
)
def test_whose_turn_it_is(
    monkeypatch: pytest.MonkeyPatch, turns: list[Turn], stored: list[str | None], gets: str, asked: int
) -> None:
    monkeypatch.setattr(refresh, "_LOOK_SECONDS", 0.001)
    others, store = Turns(*turns), Store(*stored)
    with guarding(others) as guard:
        assert guard.auth(store.refresh, store.load, timeout=10.0).token() == gets

    assert store.asked == asked
    assert others.settled == ["7 renewed"] * (WON in turns)
    assert others.claimed == [None] * len(turns)


@pytest.mark.parametrize(("stored", "gets"), [([None, None, LATER], LATER), ([None], NEW)])
def test_after_a_turn_that_lasted_too_long_the_store_knows_who_renewed_last(
    stored: list[str | None], gets: str
) -> None:
    turns, store = Turns(WON, latest=False), Store(*stored)
    with guarding(turns) as guard:
        assert guard.auth(lambda: NEW, store.load).token() == gets

    assert turns.settled == ["7 renewed"]


@pytest.mark.parametrize(
    ("turn", "raised"),
    [
        pytest.param(Turn("refused"), SessionExpiredError, id="another was told to sign in again"),
        pytest.param(Turn("paused", seconds=60.0), TimeoutError, id="nobody may ask"),
        pytest.param(HELD, TimeoutError, id="another takes too long"),
    ],
)
def test_without_a_turn_nobody_is_asked(
    turn: Turn, raised: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh, "_LOOK_SECONDS", 0.001)
    turns, store = Turns(turn), Store(None)
    with guarding(turns) as guard:
        auth = guard.auth(store.refresh, store.load, timeout=0.05)
        for _ in range(2):
            with pytest.raises(raised):
                auth.token()

    assert (store.asked, turns.settled) == (0, [])


@pytest.mark.parametrize(
    ("gives", "raised", "settled"),
    [
        (RefreshRefused(), SessionExpiredError, "7 refused"),
        (None, SessionExpiredError, "7 refused"),
        (OSError("unreachable"), OSError, "7 unavailable"),
    ],
)
def test_a_turn_is_given_back_whatever_came_of_it(
    gives: Exception | None, raised: type[Exception], settled: str
) -> None:
    turns, store = Turns(WON), Store(None, gives=gives)
    with guarding(turns) as guard:
        with pytest.raises(raised):
            guard.auth(store.refresh, store.load).token()
        assert guard.gate.is_open is (raised is OSError)

    assert turns.settled == [settled]


def test_of_a_lapsed_credential_every_process_names_the_same_expiry() -> None:
    over, ids = jwt(-60.0), []
    for _ in range(2):
        with guarding(Turns(Turn("paused", seconds=60.0)), refuse_expired=True) as guard:
            guard.session_renewed(over)
            with pytest.raises(SessionExpiredError) as refused:
                guard.gate.check()
            ids.append(refused.value.event.id)

    assert len(set(ids)) == 1


# One process


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (7, "returned int; expected str or None"),
        ("with a\nline", r"^refresh\(\) or load\(\) returned what no header can hold$"),
        ("é", "no header"),
    ],
)
def test_what_is_not_a_credential_is_named_and_not_sent(given: object, message: str) -> None:
    with guarding() as guard, pytest.raises(TypeError, match=message):
        guard.auth(lambda: given).token()  # type: ignore[arg-type, return-value]


def test_where_no_thread_can_be_started_a_call_fails_at_once_and_the_next_one_renews() -> None:
    with guarding() as guard:
        auth = guard.auth(lambda: NEW, timeout=60.0)
        with no_new_threads(), pytest.raises((RuntimeError, MemoryError)):
            auth.token()
        guard.session_renewed()  # a sign-in ends the pause after a failure

        assert auth.token() == NEW


def test_a_refresh_that_calls_with_its_own_auth_before_the_first_credential_sends_none() -> None:
    seen: list[str] = []

    def refresh_() -> str:
        seen.append(auth.token())
        return NEW

    with guarding() as guard:
        auth = guard.auth(refresh_)
        assert auth.token() == NEW
    assert seen == [""]


def test_a_sign_in_during_a_renewal_wins() -> None:
    with guarding() as guard:

        def refresh_() -> str:
            thread = threading.Thread(target=guard.session_renewed, args=(LATER,))
            thread.start()
            thread.join()
            return NEW

        auth = guard.auth(refresh_)
        assert auth.token() == LATER


def test_what_another_process_has_stored_ends_the_expiry_here() -> None:
    store = Store(OLD)

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200 if LATER in request.headers["authorization"] else 401, json={})

    with guarding() as guard:
        auth = guard.auth(store.refresh, store.load)
        with httpx.Client(auth=auth, transport=httpx.MockTransport(answer)) as client:
            assert auth.token() == OLD
            guard.report(TEXT, provider="OpenHuman", operation="chat", status=401)
            assert not guard.gate.is_open
            store.stored = [LATER]

            assert client.post("https://api.example.ai/v1/chat/completions", json={}).status_code == 200
        assert store.asked == 0
        assert guard.gate.is_open


@pytest.mark.parametrize("latest", [True, False], ids=["its own", "another process's"])
def test_in_the_pause_after_a_renewal_only_its_own_credentials_refusal_is_the_end(
    monkeypatch: pytest.MonkeyPatch, *, latest: bool
) -> None:
    monkeypatch.setattr("random.uniform", lambda _low, _high: 60.0)
    store = Store(None, None, LATER)

    def refused(request: httpx.Request) -> httpx.Response:
        return httpx.Response(401, json={}, request=request)

    with guarding(Turns(WON, latest=latest)) as guard:
        auth = guard.auth(lambda: NEW, store.load)
        with httpx.Client(auth=auth, transport=httpx.MockTransport(refused)) as client:
            guard.instrument(client)
            assert auth.token() == (NEW if latest else LATER)
            with pytest.raises(httpx.HTTPStatusError) as error:
                client.post("https://api.example.ai/v1/chat/completions", json={}).raise_for_status()
            guard.report(error.value, provider="OpenHuman", operation="chat", status=401)

        assert guard.gate.is_open is not latest
        assert guard.counters.get("session_expired") == latest


def test_a_sign_in_that_stored_nothing_new_asks_nobody() -> None:
    store = Store(OLD)
    with guarding() as guard:
        auth = guard.auth(store.refresh, store.load)
        assert auth.token() == OLD
        guard.session_renewed()

        assert auth.token() == OLD
    assert store.asked == 0


def test_what_is_loaded_and_due_is_renewed_too_and_sent_meanwhile() -> None:
    soon, asked, goes_on = jwt(20.0, seed="soon"), threading.Event(), threading.Event()

    def refresh_() -> str:
        asked.set()
        goes_on.wait(15.0)
        return NEW

    with guarding() as guard:
        auth = guard.auth(refresh_, lambda: soon, renew_before=600.0)
        waiting = threading.Thread(target=auth.token)
        waiting.start()
        assert asked.wait(15.0)
        assert auth.token() == soon
        goes_on.set()
        waiting.join(15.0)
        assert eventually(lambda: auth.token() == NEW)


def test_of_users_a_refusal_that_names_none_is_nobodys_expiry() -> None:
    store = Store(None, gives=None)
    with guarding(scope="session") as guard:
        with pytest.raises(SessionExpiredError):
            guard.auth(store.refresh, store.load).token()
        assert guard.gate.is_open
        assert guard.counters.get("session_expired") == 0


def test_whoever_comes_after_the_landing_does_not_wait() -> None:
    flight = Flight(0.0, None, asks=True, urgent=True)
    flight.end()

    asyncio.run(flight.wait_async())
    flight.wait()
    assert flight.left == 0.0


def test_after_two_attempts_nobody_is_asked_for_the_rest_of_the_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(refresh_held, "time", SimpleNamespace(monotonic=lambda: now[0]))
    tries = Tries()

    def may_ask_in(seconds: float) -> bool:
        now[0] += seconds
        return tries.may_ask()

    tries.begin()
    assert not may_ask_in(0.5)
    assert may_ask_in(2.0)
    tries.begin()
    assert not may_ask_in(LEASE_SECONDS - 3.0)
    assert may_ask_in(0.5)
    tries.begin()
    tries.forget()
    assert may_ask_in(0.0)
