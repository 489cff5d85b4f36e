"""The audit's questions over the Collector's tables in ClickHouse: the texts of dashboards/queries."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from types import MappingProxyType

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from parts import (
    WIDTH,
    AnyPanel,
    Asked,
    Looks,
    asked,
    dashboard_of,
    fill,
    named,
    number,
    over_time,
    rows,
    source,
)

from sentry_filters.audit import Query, header, load_queries, prepare, window_views

PLUGIN = "grafana-clickhouse-datasource"
UID = "sentry-filters-clickhouse"

_MINUTE = "formatDateTime({}, '%Y-%m-%d %H:%i', 'UTC')"
WINDOW: Mapping[str, str] = MappingProxyType(
    window_views(
        "sentry_filters",
        inside="at BETWEEN toUnixTimestamp64Milli($__fromTime_ms) AND toUnixTimestamp64Milli($__toTime_ms)",
        minutes=f"minute BETWEEN {_MINUTE.format('$__fromTime')} AND {_MINUTE.format('$__toTime')}",
    )
)
"""What the chosen time leaves of each view."""


@dataclass
class _ClickHouseQuery(Dataquery, Builder[Dataquery]):
    """A query in the JSON of Grafana's plugin for ClickHouse, for which the SDK has no class of its own."""

    sql: str
    in_time: bool = False

    def build(self) -> Dataquery:
        """Return itself: nothing is left to choose."""
        return self

    def to_json(self) -> dict[str, object]:
        """Return its JSON; `format` is 0 for points in time and 1 for rows."""
        return {
            "datasource": source(PLUGIN),
            "editorType": "sql",
            "format": 0 if self.in_time else 1,
            "queryType": "timeseries" if self.in_time else "table",
            "rawSql": self.sql,
            "refId": "A",
        }


def windowed(sql: str) -> str:
    """Return a query whose tables hold what the chosen time leaves: each is hidden by a view of its name."""
    views = [
        f"{table} AS (\n    {select}\n)"
        for table, select in WINDOW.items()
        if re.search(rf"\b(?:FROM|JOIN) {table}\b", sql)
    ]
    own = sql.removeprefix("WITH ")
    separator = "\n" if own == sql else ",\n"
    return "WITH " + ",\n".join(views) + separator + own


# Of the answers that are drawn in time: the columns, and the one that says when.
_TIME_LINES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "failures_by_minute": ("dropped, demoted, kept, announced", "minute"),
        "drops_by_rule_and_hour": ("concat(signal, ': ', reason) AS rule, failures", "hour"),
    }
)


_YES_OR_NO = [{"type": "value", "options": {"0": {"text": "no"}, "1": {"text": "yes"}}}]
_WITHOUT_DIGIT = [{"type": "regex", "options": {"pattern": r"^\d (.*)$", "result": {"text": "$1"}}}]


def build() -> dashboard.Dashboard:
    """Return the dashboard: the overview, the invariants, then the rest, one panel for each question."""
    board = dashboard_of(
        UID,
        "sentry-filters: the audit",
        "Every silence accounted for. It asks the views of dashboards/clickhouse.",
        PLUGIN,
    )
    queries = load_queries()
    first = [query for query in queries if query.holds or query.name == "overview"]
    sections = {
        "Is anything wrong?": first,
        "How much, of what, and why?": [query for query in queries if query not in first],
    }
    return fill(board, {title: map(_panel, asking) for title, asking in sections.items()})


def _panel(query: Query) -> Asked:
    if query.name == "overview":
        return _asked(named(number(fields="/.*/"), _looks(query)), query, WIDTH)
    if query.name in _TIME_LINES:
        columns, moment = _TIME_LINES[query.name]
        when = f"parseDateTimeBestEffort({moment}, 'UTC') AS time"
        # The text of the question stays as it is.
        sql = f"SELECT {when}, {columns} FROM (\n{windowed(query.sql)}\n) ORDER BY time"
        return _asked(
            over_time("failures", stacked="rows"), query, WIDTH, _ClickHouseQuery(sql, in_time=True)
        )
    return _asked(rows(_looks(query), bad_column=query.zero_column), query, WIDTH // 2)


def _looks(query: Query) -> Mapping[str, Looks]:
    """Return how the columns look whose name or values are not for people."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        prepare(connection)
        columns = [column[0] for column in connection.execute(query.sql).description]
    looks: dict[str, dict[str, object]] = {}
    for column in columns:
        if header(column) != column:
            looks.setdefault(column, {})["displayName"] = header(column)
        if column in query.yes_or_no:
            looks.setdefault(column, {})["mappings"] = _YES_OR_NO
        if column.startswith("seconds_"):
            looks.setdefault(column, {})["unit"] = "dtdurations"
        if column == "waited":  # its values begin with a digit that puts them in order
            looks.setdefault(column, {})["mappings"] = _WITHOUT_DIGIT
    return looks


def _remark(query: Query) -> str:
    """Return what is bad; queries are named by their panels' titles."""
    titles = {f"`{one.name}`": f"“{one.question}”" for one in load_queries()}
    return re.sub(r"`\w+`", lambda found: titles.get(found[0], found[0]), query.bad)


def _asked(panel: AnyPanel, query: Query, width: int, asking: _ClickHouseQuery | None = None) -> AnyPanel:
    asking = asking or _ClickHouseQuery(windowed(query.sql))
    return asked(panel, query.question, _remark(query), PLUGIN, [asking], width=width)
