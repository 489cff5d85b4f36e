"""What the ledger writes down, and what it does where it cannot write."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sentry_filters import (
    ExpiryRecord,
    Failure,
    Ledger,
    Policy,
    RenewalRecord,
    Response,
    SessionExpiredError,
    SessionGuard,
)
from sentry_filters.evidence.hosts import Endpoint
from sentry_filters.guard import parts_of
from tests.audit.conftest import Ask
from tests.conftest import InitSentry
from tests.support.expiries import expiry
from tests.support.receiver import SentryReceiver
from tests.support.secrets import fake

POLICY = Policy(provider="OpenHuman", hosts={"api.example.ai"})
OURS = Failure(
    provider="OpenHuman",
    domain="llm_provider",
    response=Response(
        body_known=True,
        status=401,
        endpoint=Endpoint("api.example.ai", 443),
        path="/v1/chat/completions",
        session="ab12",
    ),
    trace_id="0" * 31 + "1",
)
KEY = fake("sk-", 48)
THEIRS = Failure(provider="OpenAI", status=401, operation="chat_completions")


@pytest.fixture
def ledger(path: Path) -> Ledger:
    return Ledger(path, release="chat@1.0")


@pytest.fixture
def guard(ledger: Ledger) -> Any:
    guard = SessionGuard(POLICY, lambda event: None, audit=ledger)
    yield guard
    guard.close()


@pytest.mark.promise("ledger", "ledger-labels")
def test_a_decision_is_a_row_of_labels_and_ids(guard: SessionGuard, ledger: Ledger, ask: Ask) -> None:
    before = time.time()
    parts_of(guard).decider.decide("event", (OURS,))
    parts_of(guard).decider.decide("span", (THEIRS,))
    assert ledger.flush()

    first, second = ask(
        "SELECT signal, verdict, reason, standing, domain, operation, provider, backend, host, third_party, "
        "status, session, trace_id, grade, confirmed, release, process FROM decisions ORDER BY id"
    )
    assert first[:-1] == (
        "event", "drop", "backend_session_expired", "first", "llm_provider", "chat_completions", "OpenHuman",
        "OpenHuman", "api.example.ai", 0, 401, "ab12", "0" * 31 + "1", "fact", 1, "chat@1.0",
    )  # fmt: skip
    assert first[-1].endswith(f"/{os.getpid()}")
    assert second[:-1] == (
        "span", "keep", "other_provider", None, None, "chat_completions", "OpenAI", "OpenHuman", None, 1, 401,
        None, None, None, None, "chat@1.0",
    )  # fmt: skip
    ((at, minute),) = ask("SELECT at, minute FROM decisions WHERE verdict = 'drop'")
    assert before * 1000 - 1 <= at <= time.time() * 1000 + 1
    assert minute == time.strftime("%Y-%m-%d %H:%M", time.gmtime(at / 1000))


def test_what_is_unrelated_is_counted_only(guard: SessionGuard, ledger: Ledger, ask: Ask) -> None:
    parts_of(guard).decider.decide("event", (Failure(text="division by zero"),))
    assert ledger.flush()

    assert ask("SELECT count(*) FROM decisions") == [(0,)]
    assert ask("SELECT signal, verdict, label, count FROM totals WHERE counter = 'decisions'") == [
        ("event", "keep", "unrelated", 1)
    ]


@pytest.mark.promise("ledger")
def test_an_expiry_its_drops_and_its_renewal_are_tied_together(
    guard: SessionGuard, ledger: Ledger, ask: Ask
) -> None:
    for _ in range(3):
        parts_of(guard).decider.decide("event", (OURS,))
    guard.session_renewed("new")
    assert ledger.flush()

    ((expiry, session, confirmed, handled),) = ask("SELECT id, session, confirmed, handled FROM expiries")
    assert (session, confirmed, handled) == ("ab12", 1, 1)
    assert ask("SELECT expiry, count(*) FROM decisions") == [(expiry, 3)]
    assert ask("SELECT expiry, session, reason FROM renewals") == [
        (expiry, guard.fingerprint("new"), "renewed")
    ]


def test_a_refusal_is_a_row_that_its_expiry_explains(guard: SessionGuard, ledger: Ledger, ask: Ask) -> None:
    parts_of(guard).decider.decide("event", (OURS,))
    with pytest.raises(SessionExpiredError) as refused:
        guard.gate.check()
    parts_of(guard).trail.refused("event", "drop", "refused_by_gate", refused.value.event)
    assert ledger.flush()

    assert ask(
        "SELECT decisions.verdict, decisions.status, decisions.grade, expiries.session "
        "FROM decisions JOIN expiries ON expiries.id = decisions.expiry "
        "WHERE decisions.reason = 'refused_by_gate'"
    ) == [("drop", None, None, "ab12")]


def test_an_expiry_that_was_none_ended_otherwise_than_by_a_sign_in(ledger: Ledger, ask: Ask) -> None:
    with closing(SessionGuard(POLICY, audit=ledger)):
        ledger.observe(RenewalRecord(at=time.time(), session="ab12", expiries=("e1",), reason="recovered"))

    assert ask("SELECT expiry, reason FROM renewals") == [("e1", "recovered")]


@pytest.mark.promise("ledger-adds-up")
def test_totals_add_up_per_signal(
    guard: SessionGuard, ledger: Ledger, ask: Ask, sentry: InitSentry, receiver: SentryReceiver
) -> None:
    client = sentry(**guard.sentry_options(dsn=receiver.dsn, release="chat@2.0"))
    for number in range(5):
        client.capture_event({"message": f"unrelated {number} {KEY}"})
    guard.report("OpenHuman API error (401 Unauthorized)", operation="chat", provider="OpenHuman", status=401)
    client.capture_event({"message": "OpenHuman API error (401 Unauthorized)"})
    client.flush()
    assert ledger.flush()

    counts: dict[str, int] = dict(
        ask("SELECT counter, sum(count) FROM totals WHERE signal = 'event' GROUP BY counter")
    )
    assert counts["seen"] == 6
    assert counts["exported"] == 5
    assert counts["dropped"] == 1
    assert counts["redactions"] == 5


def test_totals_are_written_once(guard: SessionGuard, ledger: Ledger, ask: Ask) -> None:
    for _ in range(3):
        guard.counters.saw("event", "exported")
        assert ledger.flush()

    assert ask("SELECT sum(count) FROM totals WHERE counter = 'seen'") == [(3,)]


def test_the_release_is_the_one_that_sentry_was_set_up_with(
    path: Path, ask: Ask, sentry: InitSentry, receiver: SentryReceiver
) -> None:
    ledger = Ledger(path)
    guard = SessionGuard(POLICY, print, audit=ledger)
    sentry(**guard.sentry_options(dsn=receiver.dsn, release="chat@2.0"))

    parts_of(guard).decider.decide("event", (THEIRS,))
    assert ledger.flush()

    assert ask("SELECT release FROM decisions") == [("chat@2.0",)]
    guard.close()


@pytest.mark.promise("ledger-labels")
def test_labels_are_redacted_and_cut(guard: SessionGuard, ledger: Ledger, path: Path, ask: Ask) -> None:
    hostile = Failure(
        provider=f"key {KEY}",
        operation="\ud800" + "x" * 500,
        status=401,
        trace_id=KEY,
    )
    parts_of(guard).decider.decide("event", (hostile,))
    assert ledger.flush()

    ((provider, operation, trace_id),) = ask("SELECT provider, operation, trace_id FROM decisions")
    assert provider == "key [REDACTED]"
    assert operation == "?" + "x" * 199
    assert trace_id == "[REDACTED]"
    guard.close()
    assert KEY.encode() not in path.read_bytes()


def test_labels_are_withheld_where_the_redactor_is_broken(
    guard: SessionGuard, ledger: Ledger, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(text: str) -> str:
        raise OSError

    monkeypatch.setattr(guard.redactor, "redact", broken)
    parts_of(guard).decider.decide("event", (THEIRS,))
    assert ledger.flush()

    assert ask("SELECT provider, operation FROM decisions") == [("[WITHHELD]", "chat_completions")]


@pytest.mark.promise("never-blocks", "ledger-losses", "ledger-bounded")
def test_what_does_not_fit_is_counted_and_nothing_waits(path: Path, ask: Ask) -> None:
    ledger = Ledger(path, queue_size=10)
    guard = SessionGuard(POLICY, print, audit=ledger)
    with closing(sqlite3.connect(path, isolation_level=None)) as locker:
        assert ledger.flush()
        locker.execute("BEGIN IMMEDIATE")
        parts_of(guard).decider.decide("event", (OURS,))
        ledger.flush(0.05)
        for _ in range(100):
            parts_of(guard).decider.decide("event", (OURS,))
        lost = guard.counters.get("audit_lost", "queue_full")
        locker.execute("COMMIT")

    guard.close()

    assert lost > 0
    ((rows,),) = ask("SELECT count(*) FROM decisions")
    assert rows + lost == 101
    assert ask("SELECT sum(count) FROM totals WHERE counter = 'audit_lost'") == [(lost,)]
    assert ask("SELECT sum(count) FROM totals WHERE counter = 'decisions'") == [(101,)]


def unlocked(path: Path) -> Callable[[], None]:
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    return locker.close


def made_readable(path: Path) -> Callable[[], None]:
    folder = path.parent
    os.rename(folder, folder.with_name("elsewhere"))
    folder.write_text("a file where the folder was")

    def back() -> None:
        folder.unlink()
        os.rename(folder.with_name("elsewhere"), folder)

    return back


@pytest.mark.parametrize(
    "break_it", [pytest.param(unlocked, id="locked"), pytest.param(made_readable, id="gone")]
)
def test_after_an_outage_nothing_is_missing(
    break_it: Callable[[Path], Callable[[], None]],
    path: Path,
    ask: Ask,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ledger = Ledger(path)
    guard = SessionGuard(POLICY, print, audit=ledger)
    parts_of(guard).decider.decide("event", (OURS,))
    assert ledger.flush()
    assert ledger._writer is not None
    assert ledger._writer.pause(1.0)  # as at a fork: the file is closed
    mend = break_it(path)
    ledger._writer.resume()

    for _ in range(50):
        parts_of(guard).decider.decide("event", (OURS,))
        assert not ledger.flush(0.02)
    mend()
    guard.close()

    assert ask("SELECT count(*) FROM decisions") == [(51,)]
    assert guard.counters.get("audit_lost") == 0
    assert guard.counters.get("faults", "ledger") > 0
    warnings = [record for record in caplog.records if "the ledger" in record.message]
    assert len(warnings) == 1
    assert "ledger.db" in warnings[0].getMessage()


@pytest.mark.promise("ledger-losses")
def test_what_cannot_be_written_until_the_end_is_counted(path: Path) -> None:
    path.write_bytes(b"this is no database, but long enough to be taken for one" * 20)
    guard = SessionGuard(POLICY, print, audit=Ledger(path))

    parts_of(guard).decider.decide("event", (OURS,))
    guard.close(timeout=1.0)

    assert guard.counters.get("audit_lost", "closed") == 2  # the decision and the expiry
    parts_of(guard).decider.decide("event", (OURS,))
    assert guard.counters.get("audit_lost", "closed") == 3


def test_a_database_of_another_program_is_left_alone(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE decisions (mine)")
        theirs.commit()
    before = path.read_bytes()
    guard = SessionGuard(POLICY, print, audit=Ledger(path))

    parts_of(guard).decider.decide("event", (OURS,))
    guard.close(timeout=0.2)

    assert path.read_bytes() == before
    assert "belongs to another program" in caplog.text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"keep_days": 0}, "invalid keep_days = 0; expected more than 0"),
        ({"most_megabytes": -1}, "invalid most_megabytes = -1; expected more than 0"),
        ({"queue_size": 0}, "invalid queue_size = 0; expected more than 0"),
    ],
)
def test_impossible_options_are_refused_at_start(path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Ledger(path, **options)


def test_a_folder_is_refused_at_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a folder"):
        Ledger(tmp_path)


def test_a_ledger_serves_one_guard(ledger: Ledger, guard: SessionGuard) -> None:
    with pytest.raises(ValueError, match="serves another guard"):
        SessionGuard(POLICY, audit=ledger)


def test_two_ledgers_may_share_a_file(path: Path, ask: Ask) -> None:
    ledgers = [Ledger(path), Ledger(path)]
    guards = [SessionGuard(POLICY, print, audit=one) for one in ledgers]

    for guard in guards:
        parts_of(guard).decider.decide("event", (OURS,))
    for guard in guards:
        guard.close()

    assert ask("SELECT count(*) FROM decisions") == [(2,)]
    assert ask("SELECT count(*) FROM expiries") == [(2,)]


def test_closing_twice_is_closing_once(guard: SessionGuard, path: Path, ask: Ask) -> None:
    parts_of(guard).decider.decide("event", (OURS,))

    guard.close()
    guard.close()

    assert not path.with_name(path.name + "-wal").exists()
    assert ask("SELECT count(*) FROM decisions") == [(1,)]


def test_a_record_that_makes_no_row_is_lost_alone(guard: SessionGuard, ledger: Ledger, ask: Ask) -> None:
    parts_of(guard).decider.decide("event", (OURS,))
    assert ledger.flush()
    parts_of(guard).decider.decide("event", (Failure(provider="OpenHuman", status=10**30, operation="chat"),))
    ledger.flush()
    parts_of(guard).decider.decide("event", (OURS,))
    assert ledger.flush()

    assert ask("SELECT count(*) FROM decisions") == [(2,)]
    assert guard.counters.get("audit_lost", "refused") == 1
    assert ask("SELECT sum(count) FROM totals WHERE counter = 'decisions'") == [(3,)]


@pytest.mark.parametrize("order", [(True, False), (False, True)])
def test_of_an_expiry_that_several_processes_tell_stays_whether_somebody_heard(
    order: tuple[bool, ...], guard: SessionGuard, ledger: Ledger, ask: Ask
) -> None:
    told = expiry("a")
    for handled in order:
        ledger.observe(ExpiryRecord(event=told, handled=handled))
        assert ledger.flush()

    assert ask("SELECT id, handled FROM expiries") == [(told.id, 0)]
