"""Each question, on each engine, about rows whose answer is known; invariants must find what breaks them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import otel
import sentry_filters
from sentry_filters.audit.queries import dashboards_folder, load_queries
from sentry_filters.audit.words import duration, header
from sentry_filters.core.counters import LABELS
from sentry_filters.core.session import Standing
from tests.audit.by_hand import fill_clickhouse, sqlite_with
from tests.audit.cases import CASES, Answer, Rows

AnswerOf = Callable[[str, Rows], tuple[list[str], Answer]]

QUERIES = {query.name: query for query in load_queries()}
INVARIANTS = [name for name, query in QUERIES.items() if query.holds is not None]
IDS = [name for name, _, _ in CASES]


@pytest.fixture(params=["sqlite", pytest.param("clickhouse", marks=pytest.mark.integration)])
def answer_of(request: pytest.FixtureRequest) -> AnswerOf:
    """Ask one of the two engines a question about hand-written rows."""
    if request.param == "sqlite":
        return _of_sqlite
    engine = request.getfixturevalue("clickhouse")
    engine.create_exporter_tables("by_hand_otel", "newer")  # the views that give the tables their types

    def of_clickhouse(name: str, rows: Rows) -> tuple[list[str], Answer]:
        fill_clickhouse(engine, "by_hand", rows)
        columns, answer = engine.ask(QUERIES[name].sql, "by_hand")
        return columns, answer

    return of_clickhouse


def _of_sqlite(name: str, rows: Rows) -> tuple[list[str], Answer]:
    with closing(sqlite_with(rows)) as connection:
        cursor = connection.execute(QUERIES[name].sql)
        return [column[0] for column in cursor.description], cursor.fetchall()


@pytest.mark.parametrize(("name", "rows", "answer"), CASES, ids=IDS)
def test_the_answer_is_what_the_rows_say(answer_of: AnswerOf, name: str, rows: Rows, answer: Answer) -> None:
    assert answer_of(name, rows)[1] == answer


@pytest.mark.parametrize(("name", "rows", "answer"), CASES, ids=IDS)
def test_the_order_of_the_rows_changes_nothing(
    answer_of: AnswerOf, name: str, rows: Rows, answer: Answer
) -> None:
    assert answer_of(name, rows[::-1])[1] == answer


@pytest.mark.parametrize("name", QUERIES)
def test_an_empty_ledger_is_an_answer_and_breaks_no_invariant(answer_of: AnswerOf, name: str) -> None:
    columns, rows = answer_of(name, ())

    assert QUERIES[name].holds_in(columns, rows) in (None, True)
    assert len(rows) == (1 if name == "overview" else 0)


def test_every_query_is_tested() -> None:
    assert {name for name, _, _ in CASES} == set(QUERIES)


@pytest.mark.promise("ledger-adds-up")
@pytest.mark.parametrize("name", INVARIANTS)
def test_every_invariant_is_seen_to_hold_and_to_break(name: str) -> None:
    seen = {QUERIES[name].holds_in(*_of_sqlite(name, rows)) for case, rows, _ in CASES if case == name}

    assert seen == {True, False}


def test_an_invariant_states_what_is_true_while_it_holds() -> None:
    assert [
        name for name, query in QUERIES.items() if bool(query.statement) != (query.holds is not None)
    ] == []
    assert [query.name for query in QUERIES.values() if query.headline[-1] in ".?!" and query.statement] == []


@pytest.mark.parametrize("name", QUERIES)
def test_every_column_has_a_header_in_words_of_its_own(name: str) -> None:
    columns, _ = _of_sqlite(name, ())
    headers = [header(column) for column in columns]

    assert [one for one in headers if "_" in one] == []
    assert len(set(headers)) == len(headers)
    assert QUERIES[name].yes_or_no <= set(columns)


def test_a_remark_names_queries_that_there_are() -> None:
    named = {one for query in QUERIES.values() for one in re.findall(r"`(\w+)`", query.bad)}

    assert named - set(QUERIES) == {"on_session_expired", "session_renewed"}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (12_720, "3 h 32 min"),
        (86_400, "1 d"),
        (86_405, "1 d"),
        (187_200, "2 d 4 h"),
        (-5, "-5 s"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: int, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("query", "column", "value", "shown"),
    [
        ("sessions_to_renewal", "handled", 0, "no"),
        ("sessions_to_renewal", "shown", 1, "yes"),
        ("old_credential_in_use", "shown", 1, 1),  # a count
        ("sessions_to_renewal", "seconds_to_renewal", 240, "4 min"),
        ("sessions_to_renewal", "seconds_to_renewal", None, ""),
        ("sessions_to_renewal", "http_status", 401, "401"),
        ("kept_unauthorized", "http_status", 0, "unknown"),
        ("renewal_times", "waited", "2 less than an hour", "less than an hour"),
        ("storms", "failures", 7, 7),
    ],
)
def test_a_value_is_shown_as_people_read_it(
    query: str, column: str, value: str | int | None, shown: str | int
) -> None:
    assert QUERIES[query].shown(column, value) == shown


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_is_one_select_that_runs_anywhere(name: str) -> None:
    sql = QUERIES[name].sql

    assert sql.startswith(("SELECT", "WITH"))
    assert ";" not in sql
    assert "ORDER BY" in sql or name == "overview"
    assert not re.search(r"\b(strftime|datetime|round|true|false|ifnull|iif|div)\b", sql, re.IGNORECASE)


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_compares_with_what_the_package_writes(name: str) -> None:
    compared = [*_compared(QUERIES[name].sql)]
    known = {
        "counter": set(LABELS),
        "standing": {standing.value for standing in Standing},
        "verdict": {"drop", "keep", "demote"},
        "reason": _texts_in_the_package(),
        "label": _texts_in_the_package(),
        "release": {""},
    }

    assert [(column, text) for column, text in compared if text not in known[column]] == []


def test_the_folder_holds_queries_only() -> None:
    assert {path.suffix for path in (dashboards_folder() / "queries").iterdir()} == {".sql"}


def _compared(sql: str) -> list[tuple[str, str]]:
    """Return each column that is compared with a text, with the text."""
    found = re.findall(r"(\w+) (?:=|<>) '([^']*)'", sql)
    for column, listed in re.findall(r"(\w+) IN \(('[^)]*)\)", sql):
        found += [(column, text) for text in re.findall(r"'([^']*)'", listed)]
    return found


def _texts_in_the_package() -> set[str]:
    folders = [Path(str(package.__file__)).parent for package in (sentry_filters, otel)]
    trees = [ast.parse(path.read_text()) for folder in folders for path in folder.rglob("*.py")]
    return {
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
