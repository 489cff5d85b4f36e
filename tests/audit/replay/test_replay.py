"""A small fleet's bad day: the ledger, ClickHouse and Prometheus all tell what is known of it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing

import pytest

from sentry_filters.audit.queries import load_queries
from tests.audit.clickhouse import SHAPES, ClickHouse, Row
from tests.audit.replay.answers import answers
from tests.audit.replay.known import SOURCE, decided, expired, outcomes, totals
from tests.audit.replay.parts import PARTS
from tests.audit.replay.run import Replay

pytestmark = pytest.mark.integration

QUERIES = {query.name: query for query in load_queries()}
# Each way counts are collected has its own moments.
WITHOUT_MINUTES = {"lost", "sharing", "violations", "withheld_by_cause"}


@pytest.fixture(scope="module")
def ledger(replay: Replay) -> Iterator[sqlite3.Connection]:
    """The ledger, as anybody would open it."""
    with closing(sqlite3.connect(f"file:{replay.ledger}?mode=ro", uri=True)) as connection:
        yield connection


@pytest.fixture(scope="module", params=list(SHAPES))
def stored(request: pytest.FixtureRequest, clickhouse: ClickHouse, replay: Replay) -> ClickHouse:
    """What the Collector would have stored of the replay, in the tables of one of its versions."""
    clickhouse.create_exporter_tables("replay", request.param)
    clickhouse.load("replay", request.param, replay.posted)
    return clickhouse


def asked(ledger: sqlite3.Connection, name: str) -> tuple[list[str], list[Row]]:
    """Return a query's answer from the ledger."""
    cursor = ledger.execute(QUERIES[name].sql)
    return [column[0] for column in cursor.description], cursor.fetchall()


def test_every_query_has_a_known_answer(replay: Replay) -> None:
    assert set(answers(replay.processes)) == set(QUERIES)


@pytest.mark.parametrize("name", QUERIES)
def test_the_ledger_tells_what_is_known(ledger: sqlite3.Connection, replay: Replay, name: str) -> None:
    known = answers(replay.processes)[name]

    assert known.found(*asked(ledger, name)) == known.expected


@pytest.mark.parametrize("name", QUERIES)
def test_clickhouse_gives_the_rows_of_the_ledger(
    stored: ClickHouse, ledger: sqlite3.Connection, name: str
) -> None:
    assert _comparable(name, stored.ask(QUERIES[name].sql)) == _comparable(name, asked(ledger, name))


@pytest.mark.parametrize("table", ["decisions", "expiries", "renewals"])
def test_clickhouse_holds_every_row_of_the_ledger(
    stored: ClickHouse, ledger: sqlite3.Connection, table: str
) -> None:
    columns = ", ".join(stored.ask(f"SELECT * FROM {table} LIMIT 0")[0])
    there = stored.ask(f"SELECT {columns} FROM {table}")[1]
    here = ledger.execute(f"SELECT {columns} FROM {table}").fetchall()

    assert sorted(map(repr, there)) == sorted(map(repr, here))


def test_only_what_the_applications_do_wrong_breaks_an_invariant(ledger: sqlite3.Connection) -> None:
    broken = [name for name, query in QUERIES.items() if query.holds_in(*asked(ledger, name)) is False]

    assert broken == ["dead_sessions_hidden", "old_credential_in_use", "violations"]


def test_the_command_tells_the_same_and_fails(ledger: sqlite3.Connection, replay: Replay) -> None:
    command = [sys.executable, "-m", "sentry_filters", "audit", str(replay.ledger), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)

    assert (done.returncode, told["holds"]) == (1, False)
    for query in told["queries"]:
        columns, rows = asked(ledger, query["name"])
        assert (query["columns"], [tuple(row) for row in query["rows"]]) == (columns, rows)
    assert {query["name"] for query in told["queries"]} == set(QUERIES)


@pytest.mark.parametrize("counter", sorted({counter for counter, _, _ in totals()} - {"decisions"}))
def test_prometheus_tells_what_is_known(replay: Replay, counter: str) -> None:
    labels = "signal, cause, event, invariant, kind, place, source"
    found = replay.prometheus.query(f"sum by ({labels}) (sentry_filters_{counter}_total) > 0", replay.at)
    known = {key[1:]: count for key, count in totals().items() if key[0] == counter}

    assert {_labels(metric): count for metric, count in found} == known


def test_prometheus_tells_the_decisions_that_are_known(replay: Replay) -> None:
    by_reason = "sum by (signal, verdict, reason) (sentry_filters_decisions_total) > 0"
    found = replay.prometheus.query(by_reason, replay.at)
    known = {key[1:]: count for key, count in totals().items() if key[0] == "decisions"}

    assert {
        (metric["signal"], f"{metric['verdict']}/{metric['reason']}"): count for metric, count in found
    } == known


def test_sentry_got_what_was_exported_and_one_event_of_each_session_that_somebody_has_to_act_on(
    replay: Replay,
) -> None:
    exported = sum(outcomes(part)["event", "exported"] for part in PARTS)
    shown = [(one["release"], one.get("tags", {}).get("session_expired")) for one in replay.events]

    assert len(replay.events) == exported
    assert sorted((release, tag) for release, tag in shown if tag is not None) == [
        ("shop@1.9", "unhandled"),
        ("shop@2.0", "old_credential"),
    ]


def test_the_replay_is_worth_its_name() -> None:
    assert sum(one.count for one in decided()) > 400
    assert {one.standing for one in decided()} == {None, "first", "repeat", "stale"}
    assert {one.verdict for one in decided()} == {"drop", "keep", "demote"}
    assert {one.renewed for one in expired()} == {True, False}
    assert SOURCE in {label for _, _, label in totals()}


def _labels(metric: Mapping[str, str]) -> tuple[str, str]:
    others = ("cause", "event", "invariant", "kind", "place", "source")
    label = next((metric[name] for name in others if name in metric), "")
    return metric.get("signal", ""), label


def _comparable(name: str, answer: tuple[list[str], list[Row]]) -> list[dict[str, object]]:
    columns, rows = answer
    return [
        {
            column: value
            for column, value in zip(columns, row, strict=True)
            if not (name in WITHOUT_MINUTES and column.endswith("minute"))
        }
        for row in rows
    ]
