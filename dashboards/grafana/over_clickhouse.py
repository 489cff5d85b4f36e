"""The audit's questions over the Collector's tables in ClickHouse: the texts of dashboards/queries."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from parts import WIDTH, AnyPanel, Asked, asked, dashboard_of, fill, number, over_time, rows

from sentry_filters.audit.queries import Query, load_queries

PLUGIN = "grafana-clickhouse-datasource"
UID = "sentry-filters-clickhouse"

# The kinds of answer in the data source's JSON: points in time, and rows.
_SERIES, _TABLE = 0, 1

_FROM, _TO = "toUnixTimestamp64Milli($__fromTime_ms)", "toUnixTimestamp64Milli($__toTime_ms)"
_AT = f"at BETWEEN {_FROM} AND {_TO}"
_MINUTE = "formatDateTime({}, '%Y-%m-%d %H:%i', 'UTC')"
_INSIDE = f"SELECT expiry FROM sentry_filters.decisions WHERE {_AT} AND expiry IS NOT NULL"
_EXPIRIES = f"SELECT id FROM sentry_filters.expiries WHERE {_AT} UNION ALL {_INSIDE}"

# What the chosen time leaves of each view. What explains a row stays with it: the expiry that a decision
# belongs to, its renewals, and the one decision that showed it where nobody listened, older or younger.
WINDOW: Mapping[str, str] = MappingProxyType(
    {
        "decisions": (
            f"SELECT * FROM sentry_filters.decisions WHERE {_AT} "
            f"OR (reason = 'unhandled' AND expiry IN ({_INSIDE}))"
        ),
        "expiries": f"SELECT * FROM sentry_filters.expiries WHERE id IN ({_EXPIRIES})",
        "renewals": f"SELECT * FROM sentry_filters.renewals WHERE {_AT} OR expiry IN ({_EXPIRIES})",
        "totals": (
            "SELECT * FROM sentry_filters.totals WHERE minute BETWEEN "
            f"{_MINUTE.format('$__fromTime')} AND {_MINUTE.format('$__toTime')}"
        ),
    }
)


@dataclass(kw_only=True)
class _ClickHouseQuery(Dataquery):
    """A query in the JSON of Grafana's plugin for ClickHouse, for which the SDK has no class of its own."""

    raw_sql: str
    format_of_answer: int

    def to_json(self) -> dict[str, object]:
        """Return its JSON."""
        return {
            "datasource": DataSourceRef(type_val=PLUGIN, uid="${datasource}"),
            "editorType": "sql",
            "format": self.format_of_answer,
            "queryType": "timeseries" if self.format_of_answer == _SERIES else "table",
            "rawSql": self.raw_sql,
            "refId": "A",
        }


class _Asking(Builder[Dataquery]):
    def __init__(self, sql: str, format_of_answer: int) -> None:
        self._query = _ClickHouseQuery(raw_sql=sql, format_of_answer=format_of_answer)

    def build(self) -> Dataquery:
        return self._query


def windowed(sql: str) -> str:
    """Return a query whose tables hold what the chosen time leaves: each is shadowed under its own name."""
    shadows = [
        f"{table} AS (\n    {select}\n)"
        for table, select in WINDOW.items()
        if re.search(rf"\b(?:FROM|JOIN) {table}\b", sql)
    ]
    own = sql.removeprefix("WITH ")
    separator = "\n" if own == sql else ",\n"
    return "WITH " + ",\n".join(shadows) + separator + own


def _in_time(sql: str, columns: str, moment: str) -> str:
    """Return a query that draws an answer's rows in time; the text of the question stays as it is."""
    return f"SELECT {moment} AS time, {columns} FROM (\n{windowed(sql)}\n) ORDER BY time"


_MINUTES = "parseDateTimeBestEffort(minute, 'UTC')"
_HOURS = "parseDateTimeBestEffort(hour, 'UTC')"
_TIME_LINES: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "failures_by_minute": lambda sql: _in_time(sql, "dropped, demoted, kept, announced", _MINUTES),
        "drops_by_rule_and_hour": lambda sql: _in_time(
            sql, "concat(signal, ': ', reason) AS rule, failures", _HOURS
        ),
    }
)


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
        return _asked(number(fields="/.*/"), query, WIDTH)
    if query.name in _TIME_LINES:
        sql = _TIME_LINES[query.name](query.sql)
        return asked(
            over_time(stacked="rows"), query.question, query.bad, PLUGIN, [_Asking(sql, _SERIES)], width=WIDTH
        )
    column, equals, _ = (query.holds or "").partition(" = ")
    return _asked(rows(bad_column=column if equals else None), query, WIDTH // 2)


def _asked(panel: AnyPanel, query: Query, width: int) -> AnyPanel:
    return asked(
        panel, query.question, query.bad, PLUGIN, [_Asking(windowed(query.sql), _TABLE)], width=width
    )
