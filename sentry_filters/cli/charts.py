"""The dashboard in the form that Datasette's plugin takes: the layout's charts over the text of the queries.

Their SQL makes HTML: cells in which what an application wrote is text, and links to the rows behind them.
"""

from __future__ import annotations

import html
import re
import sqlite3
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sentry_filters.audit import Query, dashboards_folder, prepare, views_since

__all__ = ["DASHBOARD", "DATABASE", "STATIC", "Charts", "add_functions"]

DASHBOARD = "audit"
"""The dashboard's name in its address."""

DATABASE = "ledger"
"""The ledger's name in Datasette."""

STATIC = "audit-static"
"""Where the dashboard's own files are served."""

# Whole minutes, as totals are. `last` is the page's filter; what is in [[ ]] is left out where it is not set.
_START = "SELECT 0 [[ + 1000 * strftime('%s', strftime('%Y-%m-%d %H:%M', 'now', '-' || :last)) ]] AS at"
_SINCE: Mapping[str, str] = {
    "at__gte": "(SELECT at FROM start)",
    "minute__gte": "strftime('%Y-%m-%d %H:%M', (SELECT at FROM start) / 1000, 'unixepoch')",
}
_MOST_ROWS = 200
_WINDOWS = ("1 hour", "6 hours", "24 hours", "7 days", "30 days")


@dataclass(frozen=True, slots=True)
class Charts:
    """The dashboard of `dashboards/datasette/`.

    Args:
        queries: By name.
        layout: The contents of `audit.toml`.
        folder: The folder of `audit.toml`.
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
        windows = [*_WINDOWS] if last in ("", *_WINDOWS) else [last, *_WINDOWS]
        window = {"name": "in the last", "type": "select", "options": windows, "default": last}
        board = {
            "title": self.layout["title"],
            "description": f"{ledger}, read only. {self.layout['description']}",
            "settings": {"autorefresh": self.layout["refresh_minutes"]},
            "layout": self.layout["layout"],
            "filters": {"last": window},
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
        views = views_since("(SELECT at FROM start)")
        used = [f"{name} AS ({views[name]})" for name in views if re.search(rf"\b{name}\b", query.sql)]
        parts = [f"start AS ({_START})", *used, f"answer AS (\n{query.sql}\n)"]
        select = "SELECT * FROM answer"
        if chart["library"] == "metric":
            value = f"coalesce((SELECT {chart['value']} FROM answer), 0)"  # noqa: S608 - the layout's text
            select = f"SELECT {f'must_be_zero({value})' if chart.get('must_be_zero') else value} AS value"
        elif chart["library"] == "table":
            select = _table(query, chart.get("rows"))
        return "WITH " + ",\n".join(parts) + f"\n{select}"


def _table(query: Query, rows: Mapping[str, Any] | None) -> str:
    """Return a table's SELECT: the page takes cells as HTML, and breaks on an empty table."""
    must_be_empty = query.holds is not None and query.zero_column is None
    columns = _columns(query)
    functions = {query.zero_column: "must_be_zero"} | ({columns[0]: "as_broken"} if must_be_empty else {})
    cells = [f'{functions.get(column, "as_html")}("{column}") AS "{column}"' for column in columns]
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
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        prepare(connection)
        return [column[0] for column in connection.execute(query.sql).description]


def add_functions(connection: sqlite3.Connection, database: str) -> None:
    """Give a connection the functions that the charts' SQL calls.

    Args:
        connection: To the ledger.
        database: The ledger's name in Datasette.
    """
    for function in (as_html, as_broken, must_be_zero):
        connection.create_function(function.__name__, 1, function, deterministic=True)
    connection.create_function("link_to_rows", -1, partial(link_to_rows, database), deterministic=True)


def as_html(value: object) -> str:
    """Return a value as HTML text: what an application put into a label is not markup."""
    return "" if value is None else html.escape(str(value))


def as_broken(value: object) -> str:
    """Return a value as HTML, marked as what must not be."""
    return f'<span class="broken">{as_html(value)}</span>'


def must_be_zero(value: object) -> str:
    """Return a number as HTML, marked as broken where it is not 0."""
    return as_broken(value) if value else f'<span class="holds">{as_html(value)}</span>'


def link_to_rows(database: str, table: str, *filters: object) -> str:
    """Return a link to Datasette's page of the rows of `table`.

    Args:
        database: Its name in Datasette.
        table: Its name.
        filters: Column and value in turn; a column may end in `__` and one of Datasette's operators.
    """
    given = zip(filters[::2], filters[1::2], strict=True)
    query = [(f"{name}__isnull", 1) if value is None else (str(name), value) for name, value in given]
    target = f"/{database}/{table}?{urlencode(query)}"
    return f'<a href="{html.escape(target)}">rows</a>'
