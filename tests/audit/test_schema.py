"""How a ledger's file comes to its schema, and which files are refused."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Set as AbstractSet
from contextlib import closing
from pathlib import Path

import pytest

from sentry_filters.audit.queries import load_queries
from sentry_filters.audit.schema import APPLICATION_ID, MIGRATIONS, SchemaError, prepare
from tests.audit.by_hand import HandWritten, decision, expiry, renewal


def opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=10)


def write(connection: sqlite3.Connection, row: HandWritten, without: AbstractSet[str] = frozenset()) -> None:
    values = {name: value for name, value in row.values.items() if name not in without}
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {row.table} ({', '.join(values)}) VALUES ({marks})", [*values.values()])


def tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_a_new_file_becomes_a_ledger(path: Path) -> None:
    with closing(opened(path)) as connection:
        prepare(connection)

        assert tables(connection) == {"decisions", "expiries", "renewals", "totals"}
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_an_older_ledger_takes_the_steps_that_it_lacks_and_keeps_its_rows(path: Path) -> None:
    with closing(opened(path)) as connection:
        prepare(connection)
        connection.execute("INSERT INTO renewals (at, minute, process) VALUES (1, '2026-01-01 00:00', 'p')")
        newer = (*MIGRATIONS, ("ALTER TABLE renewals ADD COLUMN note TEXT", "CREATE TABLE notes (x)"))

        prepare(connection, newer)
        prepare(connection, newer)

        assert connection.execute("SELECT process, note FROM renewals").fetchall() == [("p", None)]
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)


def test_a_ledger_of_the_first_version_keeps_its_rows_and_answers_every_question(path: Path) -> None:
    unknown = {"decisions": {"grade", "confirmed"}, "renewals": {"reason"}}
    with closing(opened(path)) as connection:
        prepare(connection, MIGRATIONS[:1])
        for row in (expiry(), decision(standing="first"), decision(), renewal()):
            write(connection, row, without=unknown.get(row.table, set()))

        prepare(connection)
        write(connection, decision(expiry="e1", grade="words", confirmed=0))

        assert connection.execute(
            "SELECT standing, grade, confirmed FROM decisions ORDER BY id"
        ).fetchall() == [
            ("first", None, None),
            ("repeat", None, None),
            ("repeat", "words", 0),
        ]
        assert connection.execute("SELECT expiry, reason FROM renewals").fetchall() == [("e1", "renewed")]
        for query in load_queries():
            answer = connection.execute(query.sql)
            columns = [column[0] for column in answer.description]
            assert query.holds_in(columns, answer.fetchall()) in (None, True), query.name


def test_a_process_of_the_version_before_goes_on_writing(path: Path) -> None:
    with closing(opened(path)) as older, closing(opened(path)) as newer:
        prepare(older, MIGRATIONS[:1])
        prepare(newer)
        write(older, decision(), without={"grade", "confirmed"})

        assert newer.execute("SELECT verdict, grade FROM decisions").fetchall() == [("drop", None)]


def test_a_step_that_fails_changes_nothing(path: Path) -> None:
    with closing(opened(path)) as connection:
        prepare(connection)

        with pytest.raises(sqlite3.OperationalError):
            prepare(connection, (*MIGRATIONS, ("CREATE TABLE notes (x)", "CREATE TABLE notes (x)")))

        assert "notes" not in tables(connection)
        prepare(connection)


def test_a_newer_ledger_is_refused_and_left_alone(path: Path) -> None:
    with closing(opened(path)) as connection:
        prepare(connection, (*MIGRATIONS, ("CREATE TABLE notes (x)",)))

        with pytest.raises(SchemaError, match=f"version {len(MIGRATIONS) + 1}, newer than {len(MIGRATIONS)}"):
            prepare(connection)


def test_another_programs_database_is_refused(path: Path) -> None:
    with closing(opened(path)) as connection:
        connection.execute("CREATE TABLE mine (x)")

        with pytest.raises(SchemaError, match="another program"):
            prepare(connection)

        assert tables(connection) == {"mine"}


def test_many_may_make_the_same_new_file_at_once(path: Path) -> None:
    failed: list[BaseException] = []
    together = threading.Barrier(8)

    def make() -> None:
        try:
            with closing(opened(path)) as connection:
                together.wait(10)
                prepare(connection)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
