"""Reading a ledger: what it takes, what it refuses, and what a window of time leaves."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sentry_filters.audit.queries import Query, Value, load_queries
from sentry_filters.audit.reader import LedgerUnreadableError, reading
from sentry_filters.audit.schema import MIGRATIONS, prepare
from tests.audit.by_hand import HandWritten, decision, expiry, renewal, sqlite_with, total
from tests.support.permissions import bound_by_permissions, read_only

TEN = datetime(2026, 11, 22, 10, tzinfo=UTC)
QUERIES = {query.name: query for query in load_queries()}


def asking(sql: str, *, holds: str | None = None) -> Query:
    return Query(name="made_up", question="What?", bad="nothing", holds=holds, sql=sql)


def write(path: Path, *rows: HandWritten) -> Path:
    with closing(sqlite_with(rows)) as written, closing(sqlite3.connect(path)) as file:
        written.backup(file)
    return path


def rows_of(path: Path, sql: str, since: datetime | None = None) -> list[tuple[Value, ...]]:
    with reading(path, since) as reader:
        return [*reader.ask(asking(sql)).rows]


# Query files


def test_a_query_file_states_question_bad_value_invariant_and_sql() -> None:
    text = (
        "-- Was it?\n-- Bad: any row, and\n-- more.\n-- States: It was not\n-- Holds: no rows\n"
        "-- Yes or no: a, b\nSELECT 1\n-- a remark of the SQL\n"
    )

    query = Query.from_text("was_it", text)

    assert query == Query(
        name="was_it",
        question="Was it?",
        bad="any row, and more.",
        holds="no rows",
        sql="SELECT 1\n-- a remark of the SQL",
        statement="It was not",
        yes_or_no=frozenset({"a", "b"}),
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("SELECT 1", "first line", id="no question"),
        pytest.param("-- It was.\n-- Bad: x\nSELECT 1", "It was.", id="a statement"),
        pytest.param("-- Was it?\nSELECT 1", "Bad: …", id="no bad value"),
        pytest.param("-- Was it?\n-- Bad:  \nSELECT 1", "Bad: …", id="an empty one"),
        pytest.param(
            "-- Was it?\n-- Bad: x\n-- Holds: always\nSELECT 1", "always", id="an unknown invariant"
        ),
    ],
)
def test_a_faulty_query_file_is_named(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=rf"^was_it: .*{complaint}"):
        Query.from_text("was_it", text)


@pytest.mark.parametrize(
    ("holds", "rows", "expected"),
    [
        pytest.param(None, [(1, 1)], None, id="none stated"),
        pytest.param("no rows", [], True, id="no rows, and there is none"),
        pytest.param("no rows", [(0, 0)], False, id="no rows, and there is one"),
        pytest.param("b = 0", [], True, id="zero in no row"),
        pytest.param("b = 0", [(1, 0), (2, 0)], True, id="zero in every row"),
        pytest.param("b = 0", [(1, 0), (2, -1)], False, id="zero but in one"),
        pytest.param("b = 0", [(0, None)], False, id="unknown is not zero"),
    ],
)
def test_an_invariant_is_judged_by_its_rows(
    holds: str | None, rows: list[tuple[Value, ...]], expected: bool | None
) -> None:
    assert asking("SELECT 1", holds=holds).holds_in(("a", "b"), rows) is expected


def test_the_overview_comes_first_and_invariants_before_the_rest() -> None:
    stated = [query.holds is not None for query in load_queries()]

    assert next(iter(QUERIES)) == "overview"
    assert stated == [False, *sorted(stated[1:], reverse=True)]


# Opening


def other_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE decisions (id)")


def of_version(version: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            prepare(connection)
            connection.execute(f"PRAGMA user_version = {version}")

    return make


def damaged(path: Path) -> None:
    write(path, *(decision(process=f"p{number}") for number in range(2_000)))
    content = bytearray(path.read_bytes())
    content[8_192:] = b"\xff" * (len(content) - 8_192)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda path: None, "no such file", id="missing"),
        pytest.param(Path.mkdir, "no such file", id="a folder"),
        pytest.param(
            lambda path: path.write_text("no database " * 99), "not an SQLite database", id="a text"
        ),
        pytest.param(Path.touch, "not a ledger", id="an empty file"),
        pytest.param(other_program, "not a ledger", id="another program's database"),
        pytest.param(of_version(len(MIGRATIONS) + 1), "newer than .* update sentry-filters", id="newer"),
        pytest.param(of_version(0), "older than", id="older"),
        pytest.param(damaged, "cannot be answered|damaged", id="damaged"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(
    path: Path, make: Callable[[Path], object], reason: str
) -> None:
    make(path)

    with pytest.raises(LedgerUnreadableError, match=reason) as refused:
        rows_of(path, "SELECT * FROM decisions ORDER BY at, process")

    assert "\n" not in str(refused.value)


def test_nothing_can_be_written(path: Path) -> None:
    write(path, expiry())
    before = path.read_bytes()

    for statement in ("DELETE FROM expiries", "DROP TABLE totals", "PRAGMA user_version = 9"):
        with reading(path) as reader, pytest.raises(LedgerUnreadableError, match="readonly"):
            reader.ask(asking(statement))

    assert path.read_bytes() == before


def test_answers_are_of_one_moment_while_others_write(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        prepare(writer)
        insert = "INSERT INTO renewals (at, minute, process) VALUES (1, '2026-11-22 10:00', 'p')"
        writer.execute(insert)
        count = asking("SELECT count(*) FROM renewals")
        with reading(path) as reader:
            first = reader.ask(count).rows
            writer.execute(insert)
            second = reader.ask(count).rows

    assert first == second == ((1,),)
    assert rows_of(path, count.sql) == [(2,)]


def test_a_ledger_at_rest_is_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "read only"
    folder.mkdir()
    path = write(folder / "ledger.db", expiry())
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    command = [*bound_by_permissions(), sys.executable, "-m", "sentry_filters", "audit", str(path), "--json"]

    with read_only(folder):
        ran = subprocess.run(
            [*command, "--since", "all", "--query", "overview"], capture_output=True, text=True, check=False
        )

    assert (ran.returncode, ran.stderr) == (0, "")


# The window


@pytest.fixture
def long_ago(path: Path) -> Path:
    """Two sessions expired before ten: nobody listened to `e1`, which still fails; `e2` has ended."""
    return write(
        path,
        expiry("e1", "08:00", handled=0),
        decision("08:00", "keep", "first", reason="unhandled"),
        expiry("e2", "08:30"),
        decision("08:30", expiry="e2"),
        renewal("e2", "08:45"),
        decision("09:59"),
        decision("10:00"),
        decision("10:01", "keep", None, reason="other_provider", expiry=None),
        total("renewals", 1, minute="2026-11-22 09:59"),
        total("renewals", 2, minute="2026-11-22 10:00"),
    )


def test_a_window_leaves_what_happened_from_its_minute_on(long_ago: Path) -> None:
    later_in_the_minute = TEN.replace(second=59)

    minutes = rows_of(
        long_ago,
        "SELECT minute FROM decisions WHERE reason <> 'unhandled' ORDER BY minute",
        later_in_the_minute,
    )

    assert minutes == [("2026-11-22 10:00",), ("2026-11-22 10:01",)]
    assert rows_of(long_ago, "SELECT sum(count) FROM totals", TEN) == [(2,)]


def test_what_explains_a_row_of_the_window_stays_with_it(long_ago: Path) -> None:
    assert rows_of(long_ago, "SELECT id FROM expiries", TEN) == [("e1",)]
    assert rows_of(long_ago, "SELECT expiry FROM renewals", TEN) == []
    with reading(long_ago, TEN) as reader:
        broken = [name for name, query in QUERIES.items() if reader.ask(query).holds is False]
    assert broken == []


def test_a_dead_session_is_found_in_every_window_in_which_it_fails(path: Path) -> None:
    write(path, expiry("e1", "08:00", handled=0), decision("10:00"))

    with reading(path, TEN) as reader:
        assert reader.ask(QUERIES["dead_sessions_hidden"]).holds is False
    with reading(path, TEN.replace(hour=11)) as reader:
        assert reader.ask(QUERIES["dead_sessions_hidden"]).holds is True


def test_without_a_window_all_is_there(long_ago: Path) -> None:
    assert rows_of(long_ago, "SELECT count(*) FROM decisions") == [(5,)]
