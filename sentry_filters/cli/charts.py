"""The dashboard as Datasette's plugin wants it: the layout's charts over the text of the queries."""

from __future__ import annotations

import re
import sqlite3
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentry_filters.audit.queries import Query, dashboards_folder
from sentry_filters.audit.reader import window_views
from sentry_filters.audit.schema import MIGRATIONS

__all__ = ["DASHBOARD", "DATABASE", "STATIC", "Charts"]

DASHBOARD = "audit"
"""The dashboard's name in its address."""

DATABASE = "ledger"
"""The ledger's name in Datasette."""

STATIC = "audit-static"
"""Where the dashboard's own files are served."""

# Whole minutes, as totals are. `last` is the page's filter; what is in [[ ]] goes where it is not set.
_START = "SELECT 0 [[ + 1000 * strftime('%s', strftime('%Y-%m-%d %H:%M', 'now', '-' || :last)) ]] AS at"
_SINCE = {
    "at__gte": "(SELECT at FROM start)",
    "minute__gte": "strftime('%Y-%m-%d %H:%M', (SELECT at FROM start) / 1000, 'unixepoch')",
}
_MOST_ROWS = 200
_REACHES = ("1 hour", "6 hours", "24 hours", "7 days", "30 days")


@dataclass(frozen=True, slots=True)
class Charts:
    """What `dashboards/datasette/` says, over the queries.

    Args:
        queries: By name.
        layout: The contents of `audit.toml`.
        folder: Where it lies.
    """

    queries: Mapping[str, Query]
    layout: Mapping[str, Any]
    folder: Path

    @classmethod
    def load(cls, queries: Sequence[Query]) -> Charts:
        """Return the charts that come with the package.

        Raises:
            OSError, ValueError: The layout cannot be read.
        """
        folder = dashboards_folder() / "datasette"
        layout = tomllib.loads((folder / f"{DASHBOARD}.toml").read_text(encoding="utf-8"))
        return cls({query.name: query for query in queries}, layout, folder)

    def metadata(self, ledger: str, last: str) -> dict[str, Any]:
        """Return Datasette's metadata.

        Args:
            ledger: Named on the page.
            last: How far back the page looks at first, as SQLite writes it (`24 hours`); empty: all.
        """
        reaches = [*_REACHES] if last in ("", *_REACHES) else [last, *_REACHES]
        reach = {"name": "in the last", "type": "select", "options": reaches, "default": last}
        board = {
            "title": self.layout["title"],
            "description": f"{ledger}, read only. {self.layout['description']}",
            "settings": {"autorefresh": self.layout["refresh_minutes"]},
            "layout": self.layout["layout"],
            "filters": {"last": reach},
            "charts": {slug: self._chart(chart) for slug, chart in self.layout["charts"].items()},
        }
        return {
            "title": "sentry-filters",
            "extra_css_urls": [f"/{STATIC}/{DASHBOARD}.css"],
            "extra_js_urls": [f"/{STATIC}/{DASHBOARD}.js"],
            "plugins": {"datasette-dashboards": {DASHBOARD: board}},
        }

    def _chart(self, chart: Mapping[str, Any]) -> dict[str, Any]:
        query = self.queries[chart["query"]]
        return {
            "title": f"{chart.get('question', query.question)}\nBad: {chart.get('bad', query.bad)}",
            "db": DATABASE,
            "query": self._sql(query, chart),
            "library": chart["library"],
            "display": {"field": "value"} if chart["library"] == "metric" else chart.get("display", {}),
        }

    def _sql(self, query: Query, chart: Mapping[str, Any]) -> str:
        views = window_views("(SELECT at FROM start)")
        used = [f"{name} AS ({views[name]})" for name in views if re.search(rf"\b{name}\b", query.sql)]
        parts = [f"start AS ({_START})", *used, f"answer AS (\n{query.sql}\n)"]
        library = chart["library"]
        if library == "metric":
            value = f"coalesce((SELECT {chart['value']} FROM answer), 0)"  # noqa: S608 - the layout's text
            select = f"SELECT {f'must_be_zero({value})' if chart.get('must_be_zero') else value} AS value"
        elif library == "table":
            select = _table(query, chart.get("rows"))
        else:
            select = "SELECT * FROM answer"
        return "WITH " + ",\n".join(parts) + f"\n{select}"


def _table(query: Query, rows: Mapping[str, Any] | None) -> str:
    """Return a table's SELECT: the page takes cells as HTML, and breaks on an empty table."""
    must_be_empty = query.holds == "no rows"
    cells = []
    for number, column in enumerate(_columns(query)):
        function = "as_html"
        if query.holds == f"{column} = 0":
            function = "must_be_zero"
        elif must_be_empty and number == 0:
            function = "as_broken"
        cells.append(f'{function}("{column}") AS "{column}"')
    if rows is not None:
        filters = dict(rows["filters"])
        if "since" in rows:
            filters[rows["since"]] = _SINCE[rows["since"]]
        given = "".join(f", '{name}', {value}" for name, value in filters.items())
        cells.append(f"""link_to_rows('{rows["table"]}'{given}) AS "rows\"""")
    none = """'<span class="holds">none</span>'""" if must_be_empty else "'none'"
    empty = ", ".join([none, *["''"] * (len(cells) - 1)])
    shown = f"SELECT {', '.join(cells)} FROM answer LIMIT {_MOST_ROWS}"  # noqa: S608 - the layout's text
    return f"SELECT * FROM ({shown})\nUNION ALL SELECT {empty} WHERE NOT EXISTS (SELECT 1 FROM answer)"  # noqa: S608


def _columns(query: Query) -> list[str]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for step in MIGRATIONS:
            for statement in step:
                connection.execute(statement)
        return [column[0] for column in connection.execute(query.sql).description]
