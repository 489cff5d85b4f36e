"""Once per session: what is new, what is a repeat, and what is stale."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Literal

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory

from sentry_filters import SessionExpiredError
from sentry_filters.core.session import Sessions, Standing
from tests.support.expiries import expiry

FIRST, REPEAT, STALE = Standing.FIRST, Standing.REPEAT, Standing.STALE
GRACE = 30.0


@pytest.fixture
def clock() -> Iterator[FrozenDateTimeFactory]:
    with freeze_time("2026-11-22T12:00:00Z") as frozen:
        assert isinstance(frozen, FrozenDateTimeFactory)
        yield frozen


def now() -> float:
    return datetime.now(UTC).timestamp()


def sessions(scope: Literal["process", "session"] = "process") -> Sessions:
    return Sessions(scope, GRACE)


def seen(state: Sessions, session: str | None, started_ago: float | None = None) -> Standing:
    started_at = None if started_ago is None else now() - started_ago
    return state.observe(session, started_at=started_at, at=None).standing


def test_first_failure_of_a_credential_is_first_and_later_ones_repeat(clock: FrozenDateTimeFactory) -> None:
    state = sessions()

    assert [seen(state, "a", 1), seen(state, "a", 1), seen(state, "a", 0)] == [FIRST, REPEAT, REPEAT]


def test_late_failure_of_the_old_credential_is_stale_after_a_renewal(clock: FrozenDateTimeFactory) -> None:
    state = sessions()
    seen(state, "old", 1)
    state.renew("new")
    clock.tick(3600)

    assert [seen(state, "old", 3700), seen(state, "old", 0)] == [STALE, STALE]


def test_a_credential_that_was_never_announced_is_its_own_session(clock: FrozenDateTimeFactory) -> None:
    state = sessions()
    seen(state, "a", 0)
    clock.tick()

    assert seen(state, "b", 0) is FIRST, "also while the gate is closed"
    state.renew("c")
    assert seen(state, "d", 10) is FIRST, "also after another was renewed"


def test_renewed_credential_counts_again_for_requests_that_started_later(
    clock: FrozenDateTimeFactory,
) -> None:
    state = sessions()
    seen(state, "a", 1)
    clock.tick(10)
    state.renew("a")
    clock.tick(10)

    assert seen(state, "a", 15) is STALE
    assert seen(state, "a", 5) is FIRST
    assert seen(state, "a", 5) is REPEAT


def test_unknown_credential_belongs_to_the_current_session(clock: FrozenDateTimeFactory) -> None:
    state = sessions()
    seen(state, "a", 1)

    assert seen(state, None) is REPEAT


def test_unknown_credential_of_a_request_before_the_renewal_is_stale(clock: FrozenDateTimeFactory) -> None:
    state = sessions()
    state.renew(None)
    clock.tick(100)

    assert seen(state, None, started_ago=101) is STALE
    assert seen(state, None, started_ago=99) is FIRST


def test_unknown_start_counts_as_older_for_the_grace_period(clock: FrozenDateTimeFactory) -> None:
    state = sessions()
    state.renew(None)

    clock.tick(GRACE - 1)
    assert seen(state, None) is STALE
    clock.tick(2)
    assert seen(state, None) is FIRST


def test_an_expiry_first_seen_without_its_credential_is_not_announced_twice(
    clock: FrozenDateTimeFactory,
) -> None:
    state = sessions()
    assert seen(state, None) is FIRST

    assert seen(state, "a", started_ago=1) is REPEAT, (
        "the same call, seen by a signal that knows the credential"
    )
    clock.tick()
    assert seen(state, "b", started_ago=0) is FIRST


def test_sessions_of_a_server_are_never_confused(clock: FrozenDateTimeFactory) -> None:
    state = sessions("session")
    seen(state, None)

    assert seen(state, "a", started_ago=1) is FIRST


def test_dead_session_is_shown_once(clock: FrozenDateTimeFactory) -> None:
    state = sessions()
    seen(state, "a", 1)

    assert [state.show_once("a"), state.show_once("a"), state.show_once(None)] == [True, False, False]
    state.renew("b")
    assert state.show_once(None) is False


def test_storm_from_many_threads_has_one_first() -> None:
    state = sessions()
    ready = threading.Barrier(8)

    def storm(_: int) -> list[Standing]:
        ready.wait()
        return [state.observe("a", started_at=1.0, at=None).standing for _ in range(500)]

    with ThreadPoolExecutor(8) as pool:
        standings = [one for part in pool.map(storm, range(8)) for one in part]

    assert standings.count(FIRST) == 1
    assert standings.count(REPEAT) == 8 * 500 - 1


def test_memory_of_sessions_is_bounded() -> None:
    state = sessions("session")
    for number in range(10_500):
        state.observe(str(number), started_at=1.0, at=None)

    assert state.observe("10499", started_at=1.0, at=None).standing is REPEAT
    assert len(state._expiries) == 10_000


def test_the_error_carries_its_event_through_pickle_too() -> None:
    event = expiry()
    error = SessionExpiredError(event)

    assert pickle.loads(pickle.dumps(error)).event == event
    assert str(error) == "the OpenHuman session has expired; sign in again"
