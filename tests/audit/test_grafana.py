"""Grafana's dashboards: checked in as they are generated, and every panel answered with what is known."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sentry_filters.audit.queries import Query, dashboards_folder, load_queries
from tests.audit.clickhouse import ClickHouse
from tests.audit.replay.answers import answers
from tests.audit.replay.known import expired, totals
from tests.audit.replay.run import Replay
from tests.support.services import require

FOLDER = dashboards_folder() / "grafana"
QUERIES = {query.question: query for query in load_queries()}
QUERIES_BY_NAME = {query.name: query for query in QUERIES.values()}
MINUTE_MS = 60_000


def panels(name: str) -> Iterator[dict[str, Any]]:
    """Return the panels of a dashboard, rows left out."""
    for panel in json.loads((FOLDER / name).read_text())["panels"]:
        if panel["type"] != "row":
            yield panel


FLEET = {panel["title"]: panel for panel in panels("prometheus.json")}
AUDIT = {panel["title"]: panel for panel in panels("clickhouse.json")}
EVERY = [*FLEET.values(), *AUDIT.values()]
TITLES = [panel["title"] for panel in EVERY]


def expressions(panel: Mapping[str, Any], job: str = ".*") -> list[str]:
    """Return a panel's PromQL, as Grafana sends it over ten minutes."""
    chosen = {"$__range": "600s", "$__rate_interval": "60s", "$job": job}
    asked = [target["expr"] for target in panel["targets"]]
    for name, value in chosen.items():
        asked = [one.replace(name, value) for one in asked]
    assert not [one for one in asked if "$" in one]
    return asked


def sql(panel: Mapping[str, Any], since: int, until: int) -> str:
    """Return a panel's SQL, as the data source's macros make it.

    Args:
        panel: Of the dashboard over ClickHouse.
        since: The first moment, in milliseconds since the epoch.
        until: The last one.
    """
    (target,) = panel["targets"]
    macros = {
        r"\$__fromTime_ms\b": f"fromUnixTimestamp64Milli({since})",
        r"\$__toTime_ms\b": f"fromUnixTimestamp64Milli({until})",
        r"\$__fromTime\b": f"toDateTime({since // 1000})",
        r"\$__toTime\b": f"toDateTime({until // 1000})",
    }
    asked = str(target["rawSql"])
    for macro, value in macros.items():
        asked = re.sub(macro, value, asked)
    assert "$" not in asked
    return asked


def described(query: Query) -> str:
    """Return what is bad, as a panel says it: other panels go by their titles."""
    text = query.bad
    for other in QUERIES.values():
        text = text.replace(f"`{other.name}`", f"“{other.question}”")
    return text


@pytest.mark.integration
def test_what_is_checked_in_is_what_the_script_writes(tmp_path: Path) -> None:
    require(
        importlib.util.find_spec("grafana_foundation_sdk"),
        "run `uv pip install --group audit-test`: grafana-foundation-sdk is not installed",
    )
    subprocess.run([sys.executable, "-B", FOLDER / "generate.py", tmp_path], check=True)

    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_bytes() for path in FOLDER.glob("*.json")}
    assert len(written) == 2


@pytest.mark.parametrize("panel", EVERY, ids=TITLES)
def test_a_panel_asks_a_question_and_says_what_a_bad_value_means(panel: Mapping[str, Any]) -> None:
    assert panel["title"].endswith("?")
    assert len(panel["description"]) > 40
    assert panel["datasource"]["uid"] == "${datasource}"


@pytest.mark.parametrize("name", ["prometheus.json", "clickhouse.json"])
def test_a_dashboard_lets_its_data_source_be_chosen_and_lays_its_panels_side_by_side(name: str) -> None:
    dashboard = json.loads((FOLDER / name).read_text())
    cells = Counter(
        (x, y)
        for panel in dashboard["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    )
    numbers = [panel["id"] for panel in dashboard["panels"]]

    assert dashboard["templating"]["list"][0]["type"] == "datasource"
    assert set(cells.values()) == {1}
    assert max(x for x, _ in cells) == 23
    assert len(set(numbers)) == len(numbers)
    assert dashboard["uid"]


def test_every_query_has_its_panel() -> None:
    assert set(AUDIT) == set(QUERIES)
    for title, panel in AUDIT.items():
        assert panel["description"] == described(QUERIES[title])
        assert QUERIES[title].sql.removeprefix("WITH ") in panel["targets"][0]["rawSql"]


def looks(panel: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the properties of a panel's columns."""
    return {
        override["matcher"]["options"]: {one["id"]: one["value"] for one in override["properties"]}
        for override in panel["fieldConfig"]["overrides"]
    }


def test_columns_are_words_booleans_are_yes_and_no_and_lengths_of_time_have_units() -> None:
    columns = looks(AUDIT[QUERIES_BY_NAME["sessions_to_renewal"].question])

    assert columns["http_status"] == {"displayName": "HTTP status"}
    assert columns["handled"]["mappings"][0]["options"] == {"0": {"text": "no"}, "1": {"text": "yes"}}
    assert columns["seconds_to_renewal"] == {"displayName": "time to renewal", "unit": "dtdurations"}
    assert all("Value" in looks(panel) for panel in FLEET.values() if panel["type"] == "table")


@pytest.mark.parametrize(
    "panel", [one for one in EVERY if one["type"] == "timeseries"], ids=lambda one: one["title"]
)
def test_an_axis_says_what_it_counts(panel: Mapping[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]

    assert defaults["custom"]["axisLabel"]
    # What is counted is whole; a rate need not be.
    assert (defaults.get("decimals") == 0) != defaults["custom"]["axisLabel"].endswith("a minute")


@pytest.mark.integration
@pytest.mark.parametrize("title", AUDIT)
def test_clickhouse_answers_a_panel_with_what_is_known(
    replay_in_clickhouse: ClickHouse, replay: Replay, title: str
) -> None:
    since, until = int(replay.began * 1000) - MINUTE_MS, int(replay.at * 1000) + MINUTE_MS
    columns, rows = replay_in_clickhouse.ask(sql(AUDIT[title], since, until), "default")
    known = answers(replay.processes)[QUERIES[title].name]

    if columns[0] == "time":
        moments = [row[0] for row in rows]
        assert moments == sorted(moments)
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:00", moment) for moment in moments)
        numbers = [column for column in columns if column in known.sums]
        found = [sum(row[columns.index(column)] for row in rows) for column in numbers]
        expected = [
            sum(sums[known.sums.index(column)] for sums in known.expected.values()) for column in numbers
        ]
        assert numbers
        assert found == expected
    else:
        assert known.found(columns, rows) == known.expected


@pytest.mark.integration
@pytest.mark.parametrize("title", AUDIT)
def test_a_panel_shows_the_chosen_time_only(
    replay_in_clickhouse: ClickHouse, replay: Replay, title: str
) -> None:
    until = int(replay.began * 1000) - 60 * MINUTE_MS
    columns, rows = replay_in_clickhouse.ask(sql(AUDIT[title], until - 60 * MINUTE_MS, until), "default")

    assert not [row for row in rows if any(row)], columns


@pytest.mark.integration
@pytest.mark.parametrize("title", FLEET)
def test_prometheus_answers_every_panel(replay: Replay, title: str) -> None:
    quiet = {"What did the ledger lose, and why?", "What did the application's own refresh answer?"}
    for expression in expressions(FLEET[title]):
        found = replay.prometheus.query(expression, replay.at)
        assert found or title in quiet, expression


@pytest.mark.integration
@pytest.mark.parametrize("title", FLEET)
def test_a_panel_shows_the_chosen_jobs_only(replay: Replay, title: str) -> None:
    for expression in expressions(FLEET[title], job="another"):
        if "ALERTS" not in expression:
            assert [value for _, value in replay.prometheus.query(expression, replay.at) if value] == []


def _stats() -> dict[str, float]:
    counted: Counter[str] = Counter()
    for (counter, _, _), count in totals().items():
        counted[counter] += count
    unheard = [one for one in expired() if not one.part.listens]
    return {
        "Was a failure of a third party dropped?": 0,
        "Was anything dropped without a SessionExpired?": 0,
        "Is an old credential in use after a renewal?": counted["violations"],
        "Was a refusal dropped that the gate had not made?": 0,
        "Is a dead session hidden right now?": sum(1 for one in unheard if not one.part.sentry),
        "Did a session end that nobody listened for?": len(unheard),
        "Was anything withheld?": counted["withheld"],
        "Does everything that was seen add up?": 0,
        "Does the ledger lose rows?": 0,
        "How many sessions are dead right now?": sum(1 for one in expired() if not one.renewed),
    }


@pytest.mark.integration
@pytest.mark.parametrize(("title", "expected"), _stats().items())
def test_a_number_is_what_is_known(replay: Replay, title: str, expected: float) -> None:
    (expression,) = expressions(FLEET[title])

    assert sum(value for _, value in replay.prometheus.query(expression, replay.at)) == expected


@pytest.mark.integration
@pytest.mark.parametrize(
    ("title", "counter", "labels"),
    [
        ("Which secrets were redacted, in which signal?", "redactions", ("signal", "kind")),
        ("What was withheld, and why?", "withheld", ("signal", "cause")),
        (
            "What happened between the processes that share their sessions?",
            "shared",
            ("", "event"),
        ),
        ("Which faults of its own did the filter survive?", "faults", ("", "place")),
    ],
)
def test_a_table_is_what_is_known(replay: Replay, title: str, counter: str, labels: tuple[str, str]) -> None:
    (expression,) = expressions(FLEET[title])
    found = replay.prometheus.query(expression, replay.at)

    assert {tuple(metric.get(label, "") for label in labels): value for metric, value in found} == {
        key[1:]: count for key, count in totals().items() if key[0] == counter
    }


@pytest.mark.integration
def test_the_table_of_kept_failures_is_what_is_known(replay: Replay) -> None:
    (expression,) = expressions(FLEET["Which failures were kept, and why?"])
    found = replay.prometheus.query(expression, replay.at)

    assert {(metric["signal"], f"keep/{metric['reason']}"): value for metric, value in found} == {
        key[1:]: count
        for key, count in totals().items()
        if key[0] == "decisions" and key[2].startswith("keep/") and key[2] != "keep/unrelated"
    }


@pytest.mark.integration
def test_the_table_of_releases_is_what_is_known(replay: Replay) -> None:
    (expression,) = expressions(FLEET["Which releases still fail?"])
    found = replay.prometheus.query(expression, replay.at)
    known = answers(replay.processes)["failures_by_release"]
    dropped, demoted = known.sums.index("dropped"), known.sums.index("demoted")

    assert {metric["service_version"]: value for metric, value in found} == {
        str(key[0]): sums[dropped] + sums[demoted] for key, sums in known.expected.items()
    }
