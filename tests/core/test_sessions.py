"""The rows of the session's life, through the guard: decisions, calls, the gate, the bus."""

from __future__ import annotations

import gc
import logging
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import TypeVar

import httpx
import pytest

from sentry_filters import (
    AuditRecord,
    ExpiryRecord,
    Failure,
    Policy,
    RenewalRecord,
    Response,
    SessionExpired,
    SessionExpiredError,
    SessionGuard,
    Verdict,
)
from sentry_filters.core import Decision, clocks, gate, knowledge, subscription
from sentry_filters.evidence import Endpoint, stated_tags
from sentry_filters.guard import parts_of
from sentry_filters.http.calls import Answer
from tests.conftest import InitSentry
from tests.support.backend import LLMBackend
from tests.support.expiries import expiry
from tests.support.sentry import CapturingTransport
from tests.support.waiting import eventually

Result = TypeVar("Result")
HOST = "api.example.ai"
DSN = "http://a@127.0.0.1:1/1"
OURS = "backend_session_expired"


def policy(**fields: object) -> Policy:
    return Policy(provider="OpenHuman", hosts={HOST}, **fields)  # type: ignore[arg-type]


class Application:
    """One guard, and what becomes of the failures of its calls."""

    def __init__(self, guard: SessionGuard) -> None:
        self.guard = guard
        self.records: list[AuditRecord] = []
        parts_of(guard).trail.observe(self.records.append)

    def fails(self, credential: str | None, *, ago: float = 0.0, trace_id: str | None = None) -> Decision:
        response = Response(
            body_known=True,
            status=401,
            endpoint=Endpoint(HOST, 443),
            path="/v1/chat/completions",
            session=None if credential is None else self.guard.fingerprint(credential),
            started_at=time.time() - ago,
        )
        failure = Failure(provider="OpenHuman", response=response, trace_id=trace_id)
        return parts_of(self.guard).decider.decide("event", (failure,), can_show=True)

    def succeeds(self, credential: str, *, ago: float = 0.0) -> None:
        began = time.monotonic() - ago
        parts_of(self.guard).lifecycle.succeeded(self.guard.fingerprint(credential), began)

    def expiries(self) -> list[SessionExpired]:
        return [record.event for record in self.records if isinstance(record, ExpiryRecord)]


@pytest.fixture
def app() -> Iterator[Application]:
    guard = SessionGuard(policy(), lambda event: None)
    yield Application(guard)
    guard.close()


@pytest.fixture
def users() -> Iterator[Application]:
    guard = SessionGuard(policy(scope="session"), lambda event: None)
    yield Application(guard)
    guard.close()


def outcome(decision: Decision) -> tuple[bool, str, str | None]:
    return decision.drop, decision.verdict.reason, decision.tag


DROPPED = (True, OURS, None)
SHOWN = (False, "old_credential", "old_credential")
DROPPED_OLD = (True, "old_credential", None)


def test_the_first_failure_closes_and_repeats_are_dropped(app: Application) -> None:
    assert [outcome(app.fails("a")) for _ in range(3)] == [DROPPED] * 3
    assert not app.guard.gate.is_open
    assert len(app.expiries()) == 1


@pytest.mark.promise("gate")
def test_a_sign_in_opens_the_gate_before_it_returns(app: Application) -> None:
    app.fails("a")
    app.guard.session_renewed("b")

    assert app.guard.gate.is_open


@pytest.mark.promise("old-credential")
@pytest.mark.parametrize("failed_before", [False, True])
def test_a_call_in_flight_at_a_rotation_is_stale(app: Application, failed_before: bool) -> None:
    if failed_before:
        app.fails("a", ago=5)
    app.guard.session_renewed("b")

    assert outcome(app.fails("a", ago=1)) == DROPPED
    assert app.guard.gate.is_open
    assert len(app.expiries()) == failed_before


@pytest.mark.promise("old-credential")
def test_an_old_credential_used_on_is_shown_once_and_counted(app: Application) -> None:
    app.fails("a", ago=1)
    app.guard.session_renewed("b")

    assert [outcome(app.fails("a")) for _ in range(3)] == [SHOWN, DROPPED_OLD, DROPPED_OLD]
    assert outcome(app.fails("c")) == SHOWN, "each old credential"
    assert app.guard.gate.is_open
    assert len(app.expiries()) == 1
    assert app.guard.counters.get("violations", "old_credential_in_use") == 4


def test_an_old_credential_used_on_reaches_sentry_tagged(app: Application, sentry: InitSentry) -> None:
    transport = CapturingTransport()
    sentry(**app.guard.sentry_options(dsn=DSN, transport=transport))
    app.guard.session_renewed("b")
    request = httpx.Request(
        "POST", f"https://{HOST}/v1/chat/completions", headers={"authorization": "Bearer a"}
    )
    calls = parts_of(app.guard).calls
    call = calls.sending(tuple(request.headers.items()))
    assert call is not None
    response = httpx.Response(401, request=request)
    calls.answered(call, response, Answer(status=401, url=str(request.url)))
    error = httpx.HTTPStatusError("401", request=request, response=response)

    verdicts = [app.guard.report(error, operation="chat", provider="OpenHuman", status=401) for _ in range(2)]

    assert (
        verdicts == [Verdict(drop=True, reason="old_credential", confirmed=True, grade=verdicts[0].grade)] * 2
    )
    assert [event["tags"]["session_expired"] for event in transport.events] == ["old_credential"]


@pytest.mark.parametrize("credential", [None, "a"])
def test_it_fails_again_after_a_renewal_that_named_no_other(app: Application, credential: str | None) -> None:
    app.fails("a", ago=1)
    app.guard.session_renewed(credential)

    assert outcome(app.fails("a")) == DROPPED
    assert not app.guard.gate.is_open
    assert len(app.expiries()) == 2


def test_a_success_of_the_same_credential_ends_an_expiry_that_was_none(app: Application) -> None:
    app.fails("a", ago=2)
    app.succeeds("b", ago=1)
    assert not app.guard.gate.is_open, "another credential proves nothing"
    app.succeeds("a", ago=1)

    assert app.guard.gate.is_open
    [ended] = [record for record in app.records if isinstance(record, RenewalRecord)]
    assert (ended.expiries, ended.reason) == ((app.expiries()[0].id,), "recovered")
    assert outcome(app.fails("a", ago=0.5)) == DROPPED, "and then it does end"
    assert not app.guard.gate.is_open


def test_one_of_two_expired_sessions_recovers_and_the_gate_stays_closed_for_the_other(
    app: Application,
) -> None:
    app.fails("a", ago=2)
    app.fails("b", ago=2)
    app.succeeds("a", ago=1)

    with pytest.raises(SessionExpiredError) as refused:
        app.guard.gate.check()
    assert refused.value.event.session == app.guard.fingerprint("b")


def test_an_expiry_seen_first_without_its_credential_recovers_by_it(app: Application) -> None:
    app.fails(None, ago=2)
    app.fails("a", ago=3)
    assert len(app.expiries()) == 1
    app.succeeds("a", ago=1)

    assert app.guard.gate.is_open


def test_a_failure_that_a_success_contradicts_is_kept(app: Application) -> None:
    app.succeeds("a", ago=1)

    assert outcome(app.fails("a", ago=2)) == (False, "contradicting_success", None)
    assert app.guard.gate.is_open
    assert app.expiries() == []


def test_contradicted_comes_before_stale_before_old(app: Application) -> None:
    app.succeeds("a", ago=1)
    app.guard.session_renewed("b")

    assert app.fails("a", ago=2).verdict.reason == "contradicting_success"
    assert outcome(app.fails("a", ago=0.5)) == DROPPED, "stale"
    assert outcome(app.fails("a")) == SHOWN


def test_another_credential_behind_a_closed_gate_publishes_and_is_warned_of(
    app: Application, caplog: pytest.LogCaptureFixture
) -> None:
    app.fails("a")
    app.fails("b")
    app.fails("c")

    assert len(app.expiries()) == 3
    assert caplog.text.count('scope="session"') == 1


def test_several_credentials_in_use_are_warned_of_once(
    app: Application, caplog: pytest.LogCaptureFixture
) -> None:
    for credential in "aabbab":
        app.succeeds(credential)

    assert caplog.text.count('scope="session"') == 1


def test_one_users_sign_in_makes_nobody_elses_failure_stale(users: Application) -> None:
    users.guard.session_renewed("b")

    assert outcome(users.fails("a", ago=1)) == DROPPED
    assert not users.guard.gate.is_open_for(users.guard.fingerprint("a"))
    assert users.guard.gate.is_open_for(users.guard.fingerprint("b"))


def test_a_replaced_users_credential_is_stale_and_then_old(users: Application) -> None:
    users.guard.session_renewed("b", replaces="a")

    assert outcome(users.fails("a", ago=1)) == DROPPED
    assert outcome(users.fails("a")) == SHOWN
    assert users.guard.gate.is_open_for(users.guard.fingerprint("a"))


def test_where_users_are_told_apart_a_failure_that_names_none_is_words(users: Application) -> None:
    assert outcome(users.fails(None, trace_id="7")) == (False, "uncorroborated", None)
    users.fails("a", trace_id="7")

    assert outcome(users.fails(None, trace_id="7")) == DROPPED, "its own trace's call has failed"
    assert users.fails(None, trace_id="8").verdict.reason == "uncorroborated"
    users.guard.session_renewed("a")
    assert users.fails(None, trace_id="7").verdict.reason == "uncorroborated"
    assert users.guard.gate.is_open


@pytest.mark.promise("who-publishes", "long-bodies")
def test_words_corroborate_only(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    words = Verdict(drop=True, reason=OURS, grade="words")
    monkeypatch.setattr("sentry_filters.core.backends.recognise", lambda failure, policy: words)
    assert outcome(app.fails("a")) == (False, "uncorroborated", None)
    assert app.guard.gate.is_open
    assert app.expiries() == []
    monkeypatch.undo()
    app.fails("a")
    monkeypatch.setattr("sentry_filters.core.backends.recognise", lambda failure, policy: words)

    assert [outcome(app.fails(credential)) for credential in ("a", None)] == [DROPPED] * 2
    app.guard.session_renewed()
    assert outcome(app.fails("a")) == (False, "uncorroborated", None)


# Handlers


@pytest.mark.promise("not-hidden")
def test_nobody_subscribed_then_the_first_failure_is_shown_once() -> None:
    app = Application(SessionGuard(policy()))

    assert [app.fails("a").tag for _ in range(2)] == ["unhandled", None]


def test_an_expiry_that_cannot_be_queued_is_shown_and_not_counted_as_handled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subscription, "_LONGEST_QUEUE", 1)
    began, stuck = threading.Event(), threading.Event()

    def handler(event: SessionExpired) -> None:
        began.set()
        stuck.wait(30)

    app = Application(SessionGuard(policy(), handler))

    tags = [app.fails("a").tag]
    assert began.wait(30)
    tags += [app.fails(credential).tag for credential in ("b", "c", "c")]
    stuck.set()
    app.guard.close()

    assert tags == [None, None, "unhandled", None]
    assert app.guard.counters.get("session_expired", "llm_provider.openhuman_backend", "true", "true") == 2
    assert app.guard.counters.get("session_expired", "llm_provider.openhuman_backend", "true", "false") == 1


def test_each_expiry_is_one_warning_without_payload(
    app: Application, caplog: pytest.LogCaptureFixture
) -> None:
    app.fails("a")
    app.fails("a")

    [warning] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert (
        "domain=llm_provider, operation=chat_completions, provider=OpenHuman, status=401" in warning.message
    )


# The healing window


@pytest.fixture
def patient() -> Iterator[tuple[Application, list[SessionExpired]]]:
    told: list[SessionExpired] = []
    guard = SessionGuard(policy(healing_window=3600.0), told.append)
    yield Application(guard), told
    guard.close()


def heal(app: Application, how: str) -> None:
    if how == "renewal":
        app.guard.session_renewed("b")
    else:
        app.succeeds(how)


@pytest.mark.parametrize("how", ["renewal", "a", "b"])
def test_who_heals_within_the_window_is_told_nothing(
    patient: tuple[Application, list[SessionExpired]], how: str
) -> None:
    app, told = patient
    assert app.fails("a", ago=1).drop
    assert not app.guard.gate.is_open, "at once"
    heal(app, how)
    assert app.guard.gate.is_open

    app.guard.close()

    assert told == []
    assert len(app.expiries()) == 1, "what was dropped refers to it"


def test_who_does_not_is_told_at_the_end_of_the_window() -> None:
    told: list[SessionExpired] = []
    app = Application(SessionGuard(policy(healing_window=0.05), told.append))

    assert app.fails("a").drop

    assert eventually(lambda: len(told) == 1)
    assert app.fails("a").drop
    app.guard.close()
    assert len(told) == 1


def test_a_window_that_is_open_when_the_process_ends_is_told_then(
    patient: tuple[Application, list[SessionExpired]],
) -> None:
    app, told = patient
    app.fails("a")

    app.guard.close()

    assert len(told) == 1


def test_nobody_listens_then_the_failure_is_shown_within_the_window() -> None:
    app = Application(SessionGuard(policy(healing_window=3600.0)))

    assert [app.fails("a").tag for _ in range(2)] == ["unhandled", None]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_starts_afresh_with_its_own_window() -> None:
    told: list[SessionExpired] = []
    app = Application(SessionGuard(policy(healing_window=0.2), told.append))
    app.fails("a")
    child = os.fork()
    if not child:
        app.fails("b")
        arrived = eventually(lambda: any(event.session == app.guard.fingerprint("b") for event in told))
        os._exit(0 if arrived and len(told) == 1 else 1)

    assert os.waitpid(child, 0)[1] == 0
    assert eventually(lambda: len(told) == 1)
    app.guard.close()


# Order and re-entry


def test_no_thread_is_told_dropped_while_the_gate_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Application(SessionGuard(policy(), lambda event: None))
    redacting, redacted = threading.Event(), threading.Event()
    redact = app.guard.redactor.redact

    def slow(text: str) -> str:
        if threading.current_thread() is not threading.main_thread():
            redacting.set()
            redacted.wait(30)
        return redact(text)

    monkeypatch.setattr(app.guard.redactor, "redact", slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(app.fails, "a")
        assert redacting.wait(30)
        second = app.fails("a")
        open_when_told = app.guard.gate.is_open
        redacted.set()
        assert first.result().drop

    assert second.drop
    assert not open_when_told
    with pytest.raises(SessionExpiredError) as refused:
        app.guard.gate.check()
    assert refused.value.event == app.expiries()[0], "the gate names the finished event"
    app.guard.close()


def test_an_expiry_adopted_from_elsewhere_closes_before_anybody_is_told_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = Application(SessionGuard(policy(), lambda event: None))
    closing, seen = threading.Event(), []
    close = app.guard.gate.close

    def slow(event: SessionExpired, **how: object) -> None:
        closing.set()
        close(event, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(app.guard.gate, "close", slow)
    session = app.guard.fingerprint("a")

    def told() -> None:
        closing.wait(30)
        seen.append((app.fails("a").drop, app.guard.gate.is_open))

    thread = threading.Thread(target=told)
    thread.start()
    parts_of(app.guard).lifecycle.adopt_expiry(session, expiry(session), 0)
    thread.join()

    assert seen == [(True, False)]
    app.guard.close()


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="there are no such signals here")
def test_a_signal_handler_that_reports_in_the_middle_of_a_decision_changes_nothing(
    users: Application,
) -> None:
    """At every call that a decision makes, a real signal handler reports the same failure again."""
    place = 0
    while decided_with_a_signal_at(place, users):
        place += 1

    assert place > 50


def decided_with_a_signal_at(place: int, app: Application) -> bool:
    """Check the decision about another user; say whether it made so many calls that the signal was raised."""
    user, told = f"user {place}", []

    def fails() -> tuple[bool, bool]:
        dropped = app.fails(user, ago=1).drop
        return dropped, app.guard.gate.is_open_for(app.guard.fingerprint(user))

    before = signal.signal(signal.SIGUSR1, lambda number, frame: told.append(fails()))
    try:
        decision = interrupted(lambda: app.fails(user, ago=1), place)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert decision.drop
    assert told in ([], [(True, False)]), "told dropped: the gate is closed"
    published = [event for event in app.expiries() if event.session == app.guard.fingerprint(user)]
    assert len(published) == 1, place
    return bool(told)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="there are no such signals here")
def test_a_signal_handler_may_call_report_in_the_middle_of_a_report() -> None:
    app = Application(SessionGuard(policy(renewal_grace=0.0), lambda event: None))
    place = 0
    while reported_with_a_signal_at(place, app):
        place += 1
        assert len(app.expiries()) == place
        app.guard.session_renewed()
    app.guard.close()

    assert place > 50
    assert app.guard.counters.get("faults") == 0


def reported_with_a_signal_at(place: int, app: Application) -> bool:
    """Check one report; say whether it made so many calls that the signal was raised."""
    told: list[bool] = []

    def report() -> bool:
        text = "OpenHuman API error (401 Unauthorized)"
        return app.guard.report(text, operation="chat", provider="OpenHuman", status=401).drop

    before = signal.signal(signal.SIGUSR1, lambda number, frame: told.append(report()))
    try:
        assert interrupted(report, place)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert told in ([], [True])
    assert not app.guard.gate.is_open
    return bool(told)


def interrupted(act: Callable[[], Result], place: int) -> Result:
    """Call `act`, and raise the signal at the call of this number that it makes."""
    calls = 0

    def profile(frame: FrameType, event: str, called: object) -> None:
        nonlocal calls
        if event in ("call", "c_call"):
            if calls == place:
                sys.setprofile(None)
                signal.raise_signal(signal.SIGUSR1)
            calls += 1

    gc.disable()
    sys.setprofile(profile)
    try:
        return act()
    finally:
        sys.setprofile(None)
        gc.enable()


# Clocks


class Wall:
    """A wall clock that can be set, beside the steady one; what calls say of themselves is as it shows."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic()


@pytest.mark.parametrize("ahead", [3600.0, -3600.0])
def test_a_renewal_stamped_while_the_clock_was_wrong_hides_no_later_failure(
    app: Application, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    wall = Wall()
    monkeypatch.setattr(clocks, "time", wall)
    app.fails("a", ago=1)
    wall.ahead = ahead
    app.guard.session_renewed()
    wall.ahead = 0.0

    assert app.fails("a", ago=1e-9).drop
    assert not app.guard.gate.is_open
    assert len(app.expiries()) == 2


def test_a_sign_in_after_the_clock_was_set_back_ends_what_recovered_before(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = Wall()
    monkeypatch.setattr(clocks, "time", wall)
    wall.ahead = 3600.0
    app.fails("a", ago=3)
    app.succeeds("a", ago=2)
    wall.ahead = 0.0
    assert app.fails("a", ago=1).drop
    assert not app.guard.gate.is_open

    app.guard.session_renewed("b")

    assert app.guard.gate.is_open
    assert app.fails("a", ago=0.5).drop, "stale"
    assert app.guard.gate.is_open


def test_a_clock_that_jumps_during_an_instrumented_call_does_not_make_it_stale(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.guard.session_renewed()
    response = Response(
        body_known=True, status=401, endpoint=Endpoint(HOST, 443), path="/v1/chat/completions",
        session="a" * 12, started_at=time.time() - 3600, began=time.monotonic(), recorded=True,
    )  # fmt: skip
    failure = Failure(provider="OpenHuman", response=response)

    assert parts_of(app.guard).decider.decide("event", (failure,)).drop
    assert not app.guard.gate.is_open


# Bounds, and real calls


@pytest.mark.promise("bounded")
def test_memory_of_sessions_is_bounded(users: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (knowledge.MOST_SESSIONS, gate._MOST_SESSIONS) == (10_000, 10_000)
    monkeypatch.setattr(knowledge, "MOST_SESSIONS", 50)
    monkeypatch.setattr(gate, "_MOST_SESSIONS", 50)
    lifecycle = parts_of(users.guard).lifecycle
    for number in range(80):
        users.fails(str(number), trace_id=str(number))
        lifecycle.succeeded(str(number), 1.0)

    known = lifecycle._known
    sizes = [len(known._sessions), len(known._uses), len(known._running), len(known._traces)]
    assert sizes == [50] * 4
    assert users.guard.gate.closed == 50


@pytest.mark.promise("one-in-threads")
def test_storm_from_many_threads_is_published_once(app: Application) -> None:
    ready = threading.Barrier(8)

    def storm(_: int) -> list[bool]:
        ready.wait()
        return [app.fails("a", ago=1).drop and not app.guard.gate.is_open for _ in range(200)]

    with ThreadPoolExecutor(8) as pool:
        told = [one for part in pool.map(storm, range(8)) for one in part]

    assert all(told)
    assert len(app.expiries()) == 1


def test_a_success_of_an_instrumented_call_ends_an_expiry_that_was_none(
    guard: SessionGuard, backend: LLMBackend
) -> None:
    with guard.instrument(httpx.Client(base_url=backend.url, trust_env=False)) as client:

        def call(path: str = "/chat/completions") -> httpx.Response:
            return client.post(path, json={}, headers={"authorization": "Bearer a"})

        refused = call()
        error = httpx.HTTPStatusError("401", request=refused.request, response=refused)
        guard.report(error, operation="chat_completions", provider="OpenHuman", status=401)
        assert not guard.gate.is_open
        backend.state.valid.add("a")
        call("/models")
        assert not guard.gate.is_open, "no LLM call: it may need no session"
        call()

    assert guard.gate.is_open


def test_error_carries_its_event_also_through_pickle() -> None:
    event = expiry()
    error = SessionExpiredError(event)

    assert pickle.loads(pickle.dumps(error)).event == event
    assert str(error) == "the OpenHuman session has expired; sign in again"


def test_two_chained_guards_both_decide(sentry: InitSentry) -> None:
    other = SessionGuard(Policy(provider="Other", hosts={"other.example"}), lambda event: None)
    first = SessionGuard(policy(), lambda event: None)
    transport = CapturingTransport()
    client = sentry(**first.sentry_options(dsn=DSN, transport=transport, before_send=other.before_send))
    for provider in ("OpenHuman", "Other", "third"):
        tags = stated_tags("llm_provider", "chat", provider, 401)
        client.capture_event({"message": "failed", "level": "error", "tags": tags})

    assert [event["tags"]["provider"] for event in transport.events] == ["third"]
    assert not first.gate.is_open
    assert not other.gate.is_open
    first.close()
    other.close()
