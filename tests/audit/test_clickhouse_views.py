"""The views over the Collector's tables: the ledger's columns, and counters as what they grew by."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from tests.audit.by_hand import sqlite_with
from tests.audit.clickhouse import SHAPES, ClickHouse

pytestmark = pytest.mark.integration

TABLES = ["decisions", "expiries", "renewals", "totals"]
RESOURCE = {"service.name": "shop", "service.version": "app@1", "service.instance.id": "p1"}


@pytest.fixture(params=list(SHAPES))
def views(request: pytest.FixtureRequest, clickhouse: ClickHouse) -> ClickHouse:
    """The views over the tables of one of the exporter's versions, in the database `otel`."""
    clickhouse.create_exporter_tables("otel", request.param)
    return clickhouse


def point(time: str, value: int, **others: Any) -> dict[str, Any]:
    """Return a row of `otel_metrics_sum`: a cumulative counter of ours."""
    values = {
        "ServiceName": "shop",
        "ResourceAttributes": RESOURCE,
        "MetricName": "sentry_filters.dropped",
        "Attributes": {"signal": "event"},
        "StartTimeUnix": "2026-11-22 09:00:00",
        "TimeUnix": f"2026-11-22 {time}",
        "Value": value,
        "AggregationTemporality": 2,
        "IsMonotonic": True,
    }
    return {**values, **others}


def record(attributes: dict[str, str], **others: Any) -> dict[str, Any]:
    """Return a row of `otel_logs`: an event of ours."""
    values = {
        "Timestamp": "2026-11-22 10:00:59.9990",
        "ServiceName": "shop",
        "ResourceAttributes": RESOURCE,
        "ScopeName": "sentry_filters",
        "LogAttributes": attributes,
    }
    return {**values, **others}


def counted(views: ClickHouse, *points: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return the minutes and counts that these points make."""
    views.insert("otel.otel_metrics_sum", points)
    sql = "SELECT substr(minute, 12), sum(count) FROM totals GROUP BY minute ORDER BY minute"
    return views.ask(sql)[1]


@pytest.mark.parametrize("table", TABLES)
def test_a_view_has_the_columns_of_the_ledgers_table(views: ClickHouse, table: str) -> None:
    with closing(sqlite_with(())) as ledger:
        columns = {column[1] for column in ledger.execute(f"PRAGMA table_info({table})")}

    # A number for each decision is the ledger's own.
    assert {*views.ask(f"SELECT * FROM {table}")[0]} == columns - {"id" if table == "decisions" else ""}


def test_a_growing_counter_counts_once(views: ClickHouse) -> None:
    points = [point("10:00:05", 3), point("10:00:35", 3), point("10:00:50", 5), point("10:02:05", 9)]

    assert counted(views, *points) == [("10:00", 5), ("10:02", 4)]


def test_points_that_come_late_or_twice_change_nothing(views: ClickHouse) -> None:
    points = [point("10:02:05", 9), point("10:00:05", 3), point("10:02:05", 9), point("10:01:05", 4)]

    assert counted(views, *points) == [("10:00", 3), ("10:01", 1), ("10:02", 5)]


def test_two_points_in_one_second_count_once(views: ClickHouse) -> None:
    assert counted(views, point("10:00:05", 8), point("10:00:05", 3)) == [("10:00", 8)]


@pytest.mark.parametrize(
    "after",
    [
        pytest.param({"Value": 2}, id="a lower value"),
        pytest.param(
            {"Value": 2, "StartTimeUnix": "2026-11-22 10:00:30"}, id="a lower value and a new start"
        ),
        pytest.param(
            {"Value": 12, "StartTimeUnix": "2026-11-22 10:00:30"}, id="a higher value and a new start"
        ),
    ],
)
def test_a_restart_counts_from_zero(views: ClickHouse, after: dict[str, Any]) -> None:
    points = [point("10:00:05", 10), {**point("10:01:05", 0), **after}]

    assert counted(views, *points) == [("10:00", 10), ("10:01", after["Value"])]


def test_points_that_are_growth_already_are_summed(views: ClickHouse) -> None:
    points = [point(time, 4, AggregationTemporality=1) for time in ("10:00:05", "10:00:35", "10:01:05")]

    assert counted(views, *points) == [("10:00", 8), ("10:01", 4)]


def test_series_are_kept_apart(views: ClickHouse) -> None:
    of_another_process = {"ResourceAttributes": {**RESOURCE, "service.instance.id": "p2"}}
    points = [
        point("10:00:05", 3),
        point("10:00:35", 4),
        point("10:00:05", 100, **of_another_process),
        point("10:00:35", 101, **of_another_process),
        point("10:00:05", 50, Attributes={"signal": "span"}),
        point("10:00:05", 70, MetricName="sentry_filters.seen"),
    ]

    assert counted(views, *points) == [("10:00", 4 + 101 + 50 + 70)]


def test_what_is_not_a_counter_of_ours_is_left_out(views: ClickHouse) -> None:
    points = [
        point("10:00:05", 3, MetricName="sentry_filters_other"),
        point("10:00:05", 1, IsMonotonic=False),
    ]

    assert counted(views, *points) == []


@pytest.mark.parametrize(
    ("metric", "attributes", "expected"),
    [
        ("seen", {"signal": "log"}, ("seen", "log", "", "")),
        ("renewals", {}, ("renewals", "", "", "")),
        ("withheld", {"signal": "log", "cause": "fault"}, ("withheld", "log", "", "fault")),
        ("redactions", {"signal": "log", "kind": "jwt"}, ("redactions", "log", "", "jwt")),
        ("audit_lost", {"cause": "queue_full"}, ("audit_lost", "", "", "queue_full")),
        ("violations", {"invariant": "third_party_dropped"}, ("violations", "", "", "third_party_dropped")),
        ("faults", {"place": "bus"}, ("faults", "", "", "bus")),
        (
            "decisions",
            {"signal": "log", "verdict": "keep", "reason": "other_status"},
            ("decisions", "log", "keep", "other_status"),
        ),
        (
            "session_expired",
            {"source": "llm_provider.x_backend", "confirmed": "true", "handled": "false"},
            ("session_expired", "", "", "llm_provider.x_backend"),
        ),
    ],
)
def test_the_labels_of_a_counter_are_its_columns(
    views: ClickHouse, metric: str, attributes: dict[str, str], expected: tuple[str, ...]
) -> None:
    name = f"sentry_filters.{metric}"
    views.insert("otel.otel_metrics_sum", [point("10:00:05", 7, MetricName=name, Attributes=attributes)])

    _, [row] = views.ask("SELECT counter, signal, verdict, label, count, release, process FROM totals")
    assert row == (*expected, 7, "app@1", "p1")


def test_sessions_that_differ_in_being_handled_add_up(views: ClickHouse) -> None:
    ours = {"source": "llm_provider.x_backend", "confirmed": "true"}
    points = [
        point("10:00:05", count, MetricName="sentry_filters.session_expired", Attributes=attributes)
        for count, attributes in [(2, {**ours, "handled": "true"}), (1, {**ours, "handled": "false"})]
    ]

    assert counted(views, *points) == [("10:00", 3)]


def test_a_process_without_an_instance_id_is_named_by_host_and_pid(views: ClickHouse) -> None:
    resource = {"host.name": "web-1", "process.pid": "42"}
    views.insert("otel.otel_metrics_sum", [point("10:00:05", 7, ResourceAttributes=resource)])
    views.insert("otel.otel_logs", [record({"sentry_filters.verdict": "drop"}, ResourceAttributes=resource)])

    assert views.ask("SELECT process, release FROM totals")[1] == [("web-1/42", "")]
    assert views.ask("SELECT process, release FROM decisions")[1] == [("web-1/42", None)]


def test_kinds_of_events_are_told_apart_and_others_left_out(views: ClickHouse) -> None:
    decision = {"sentry_filters.verdict": "drop", "sentry_filters.expiry": "e1", "session.id": "s1"}
    graded = {**decision, "sentry_filters.grade": "fact", "sentry_filters.confirmed": "true"}
    stated = {**decision, "sentry_filters.grade": "statement", "sentry_filters.confirmed": "false"}
    expiry = {"sentry_filters.handled": "false", "sentry_filters.expiry": "e1"}
    views.insert(
        "otel.otel_logs",
        [
            record(decision),
            record(graded, Timestamp="2026-11-22 10:00:58.0"),
            record(stated, Timestamp="2026-11-22 10:00:57.0"),
            record(expiry),
            record({}),
            record({"sentry_filters.expiry": "e1", "session.id": "s2"}),
            record({"sentry_filters.expiry": "e2", "sentry_filters.reason": "recovered"}),
            record(decision, ScopeName="the application's own"),
        ],
    )

    asked = "SELECT at, minute, session, status, third_party, grade, confirmed FROM decisions ORDER BY at"
    assert views.ask(asked)[1] == [
        (1_795_341_657_000, "2026-11-22 10:00", "s1", None, 0, "statement", 0),
        (1_795_341_658_000, "2026-11-22 10:00", "s1", None, 0, "fact", 1),
        (1_795_341_659_999, "2026-11-22 10:00", "s1", None, 0, None, None),
    ]
    assert views.ask("SELECT id, handled, confirmed, session FROM expiries")[1] == [("e1", 0, 0, None)]
    assert views.ask("SELECT session, expiry, reason FROM renewals ORDER BY expiry")[1] == [
        ("s2", "e1", "renewed"),
        (None, "e2", "recovered"),
        (None, None, "renewed"),
    ]


def test_an_expiry_that_several_processes_tell_of_is_one(views: ClickHouse) -> None:
    told = {"sentry_filters.handled": "true", "sentry_filters.expiry": "e1"}
    views.insert(
        "otel.otel_logs",
        [
            record(told, Timestamp="2026-11-22 10:00:02.0"),
            record(told, Timestamp="2026-11-22 10:00:01.0", ResourceAttributes={"service.instance.id": "p0"}),
        ],
    )

    assert views.ask("SELECT id, process FROM expiries")[1] == [("e1", "p0")]


def test_the_views_can_be_made_again(views: ClickHouse) -> None:
    views.insert("otel.otel_logs", [record({"sentry_filters.verdict": "drop"})])
    views.create_views("otel")

    assert len(views.ask("SELECT * FROM decisions")[1]) == 1
