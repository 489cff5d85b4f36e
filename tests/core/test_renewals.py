"""What renewals and refusals mean for the sessions, and what those who hold a credential are told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import Any

import pytest

from sentry_filters import Policy, RefreshRefused, SessionExpired, SessionExpiredError, SessionGuard
from sentry_filters.core import renewals
from sentry_filters.core.records import RenewalRecord
from sentry_filters.evidence import Endpoint, Response, expires_at
from sentry_filters.guard import parts_of
from tests.support.sharing import Hub
from tests.support.tokens import jwt
from tests.support.waiting import eventually

FIRST, SECOND = (jwt(None, seed=seed) for seed in ("first", "second"))
NOBODY = RefreshRefused()
TEXT = "OpenHuman API error (401 Unauthorized)"


class Guarded:
    """A guard, what its handler heard, and what it told the audit."""

    def __init__(self, shared: Hub | None = None, **policy: Any) -> None:
        self.heard: list[SessionExpired] = []
        self.records: list[object] = []
        made = Policy(provider="OpenHuman", hosts={"api.example.ai"}, **policy)
        self.guard = SessionGuard(
            made, self.heard.append, shared=None if shared is None else shared.process()
        )
        parts_of(self.guard).trail.observe(self.records.append)
        self.renewals = parts_of(self.guard).renewals_of(None, "test")

    def expire(self, credential: str) -> None:
        """Let a call with this credential have failed for good."""
        session = self.renewals.fingerprint(credential)
        facts = Response(status=401, path="/v1/chat/completions", session=session, began=time.monotonic())
        self.renewals.refused(facts.session, facts)

    def is_open_for(self, credential: str) -> bool:
        return self.guard.gate.is_open_for(self.renewals.fingerprint(credential))

    def told(self) -> SessionExpired:
        """Return the one event that the handler gets, from a thread of its own."""
        assert eventually(lambda: bool(self.heard))
        [event] = self.heard
        return event

    @property
    def ended(self) -> list[RenewalRecord]:
        return [one for one in self.records if isinstance(one, RenewalRecord)]


@contextmanager
def guarded(shared: Hub | None = None, **policy: Any) -> Iterator[Guarded]:
    made = Guarded(shared, **policy)
    yield made
    made.guard.close()


def gives(*credentials: str | Exception) -> Any:
    left = list(credentials)

    def refresh() -> str:
        given = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(given, Exception):
            raise given
        return given

    return refresh


@pytest.mark.parametrize(
    ("facts", "is_ours"),
    [
        ({"status": 401, "path": "/v1/chat/completions"}, True),
        ({"status": 401, "path": "/v1/anything"}, True),
        ({"status": 401, "path": "/v1/embeddings"}, True),
        ({"status": 200, "path": "/v1/chat/completions"}, False),
        ({"status": 500, "path": "/v1/chat/completions"}, False),
        (
            {"status": 401, "path": "/v1/chat/completions", "endpoint": Endpoint("elsewhere.example", 443)},
            False,
        ),
    ],
)
def test_which_answers_are_the_end_of_a_session(facts: dict[str, Any], *, is_ours: bool) -> None:
    with guarded() as one:
        sent = {"endpoint": Endpoint("api.example.ai", 443), "credential": True, "session": "a" * 12}
        made = Response(**{**sent, "method": "POST", "body_known": True, "recorded": True, **facts})
        assert one.renewals.is_ours(made) is is_ours


def test_a_credential_is_redacted_from_the_moment_it_is_held() -> None:
    plain = "plain" + "words" * 4
    with guarded() as one:
        assert one.guard.redactor.redact(f"it is {plain}") == f"it is {plain}"
        assert one.guard.auth(gives(f"Bearer {plain}")).token() == plain
        assert plain not in one.guard.redactor.redact(f"it is {plain}")


def test_whoever_holds_the_old_credential_is_given_the_new_one() -> None:
    with guarded() as one:
        others, own = one.guard.auth(gives(OSError("never asked"))), one.guard.auth(gives(FIRST))
        assert own.token() == FIRST
        assert others.token() == FIRST
        one.guard.session_renewed(SECOND)
        assert (own.token(), others.token()) == (SECOND, SECOND)


def test_of_users_only_who_holds_the_replaced_credential_is_given_the_new_one() -> None:
    with guarded(scope="session") as one:
        holders = [one.guard.auth(gives(credential)) for credential in (FIRST, SECOND)]
        assert [holder.token() for holder in holders] == [FIRST, SECOND]
        new = jwt(None, seed="new")
        one.renewals.renewed(new, FIRST)
        assert [holder.token() for holder in holders] == [new, SECOND]


@pytest.mark.parametrize("replaces", [FIRST, None])
def test_a_renewal_opens_the_gate_of_the_session_that_it_replaces(replaces: str | None) -> None:
    with guarded(scope="session") as one:
        one.expire(FIRST)
        assert not one.is_open_for(FIRST)
        one.renewals.renewed(SECOND, replaces)
        assert one.is_open_for(FIRST) is (replaces is not None)
        assert one.is_open_for(SECOND)


def test_what_fails_in_a_renewal_is_counted_by_its_name(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_args: object) -> None:
        raise ZeroDivisionError

    acts: dict[str, Callable[[Guarded], object]] = {
        "renew": lambda one: one.renewals.renewed(FIRST, None),
        "observe": lambda one: one.renewals.refused("a" * 12, None),
    }
    for name, act in acts.items():
        with guarded() as one:
            monkeypatch.setattr(type(parts_of(one.guard).lifecycle), name, broken)
            caplog.clear()
            act(one)
            assert one.guard.counters.get("faults") == 1
            assert "ZeroDivisionError" in caplog.text
        monkeypatch.undo()


@pytest.mark.parametrize("scope", ["process", "session"])
def test_a_refusal_without_an_answer_says_so(scope: str) -> None:
    with guarded(scope=scope) as one:
        one.guard.session_renewed(FIRST)
        one.renewals.refused(one.renewals.fingerprint(FIRST), None)

        event = one.told()  # in the grace after a sign-in, too: nobody answered an older call
        assert (event.status, event.provider, event.confirmed) == (401, "OpenHuman", False)
        assert event.reason == "OpenHuman: the session's renewal was refused"
        assert event.session == one.renewals.fingerprint(FIRST)


def test_a_refusal_with_an_answer_is_confirmed() -> None:
    with guarded() as one:
        one.expire(FIRST)
        assert one.told().confirmed


# A credential whose own time is over


@pytest.mark.parametrize(
    ("seconds", "refuse", "counted"),
    [(-60.0, True, 1), (-60.0, False, 0), (-3.0, True, 0), (3.0, True, 0), (None, True, 0)],
)
def test_a_sign_in_with_a_credential_that_is_over_is_counted(
    seconds: float | None, counted: int, *, refuse: bool
) -> None:
    with guarded(refuse_expired=refuse) as one:
        one.guard.session_renewed(jwt(seconds))
        assert one.guard.counters.get("violations", "expired_at_renewal") == counted


@pytest.mark.parametrize("hub", [None, Hub()])
def test_what_refused_work_is_told_of_a_credential_that_is_over(hub: Hub | None) -> None:
    over = jwt(-60.0)
    with guarded(hub, refuse_expired=True) as one:
        one.guard.session_renewed(over)
        with pytest.raises(SessionExpiredError) as refused:
            one.guard.gate.check()
        event, session = refused.value.event, one.renewals.fingerprint(over)

        assert (event.source, event.provider) == ("llm_provider.openhuman_backend", "OpenHuman")
        assert event.reason == "OpenHuman: the credential has expired by its own `exp`"
        assert (event.operation, event.status, event.session) == ("unknown", 401, session)
        assert (event.confirmed, event.trace_id, event.at.tzinfo) == (False, None, UTC)
        if hub is not None:
            ends = expires_at(over)
            assert ends is not None
            assert event.id == hub.process().expiry_id(session, round(ends * 1e6))


def test_each_user_is_refused_by_an_expiry_of_his_own_until_he_signs_in() -> None:
    with guarded(scope="session", refuse_expired=True) as one:
        sessions = [one.renewals.fingerprint(credential) for credential in (FIRST, SECOND)]
        first, second = (one.renewals.refusal(session).event for session in sessions)
        assert [first.session, second.session] == sessions
        assert one.renewals.refusal(sessions[0]).event is first, "the same until it ends"
        assert one.guard.counters.get("refused") == 3

        one.expire(SECOND)
        at = time.time()
        one.guard.session_renewed(FIRST)
        [record] = [record for record in one.ended if first.id in record.expiries]
        assert (record.session, record.expiries) == (sessions[0], (first.id,))
        assert record.at >= at
        assert one.renewals.refusal(sessions[0]).event.id != first.id
        assert one.renewals.refusal(sessions[1]).event is one.told(), "its gate is closed by an answer"


def test_with_other_processes_a_user_is_refused_alike() -> None:
    with guarded(Hub(), scope="session") as one:
        assert one.renewals.refusal("a").event.session == "a"


def test_who_was_refused_longest_ago_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewals, "_MOST_SESSIONS", 2)
    with guarded(scope="session") as one:
        first, second, third = (one.renewals.refusal(session).event.id for session in "abc")
        assert one.renewals.refusal("b").event.id == second
        assert one.renewals.refusal("c").event.id == third
        assert one.renewals.refusal("a").event.id != first


def test_an_expired_session_is_dead_to_its_own_user_only() -> None:
    with guarded(scope="session") as one:
        one.expire(FIRST)
        first, second = (one.renewals.fingerprint(credential) for credential in (FIRST, SECOND))
        assert [one.renewals.is_dead(session) for session in (first, second)] == [True, False]


def test_a_refused_users_renewal_is_not_another_users_end() -> None:
    done = threading.Event()
    with guarded(scope="session") as one:
        ours, others = one.guard.auth(gives(FIRST)), one.guard.auth(gives(NOBODY))
        assert ours.token() == FIRST
        with pytest.raises(SessionExpiredError):
            others.token()
        done.set()
        assert ours.token() == FIRST
        assert one.is_open_for(FIRST)
