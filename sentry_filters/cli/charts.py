"""The dashboard in the form that Datasette's plugin takes: the layout's cards over the text of the queries.

Their SQL yields what the page shows: values as people read them, and the address of the rows behind a line.
The templates and the script beside the layout draw it, and put values into the page as text only.
"""

from __future__ import annotations

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

from sentry_filters.audit import Query, Value, dashboards_folder, header, prepare, views_since

__all__ = ["DASHBOARD", "DATABASE", "STATIC", "Charts", "add_functions"]

DASHBOARD = "audit"
"""The dashboard's name in its address."""

DATABASE = "ledger"
"""The ledger's name in Datasette."""

STATIC = "audit-static"
"""Where the dashboard's own files are served."""

# `last` is the page's filter, empty for all. Whole minutes, as totals are.
_START = "SELECT coalesce(1000 * strftime('%s', strftime('%Y-%m-%d %H:%M', 'now', '-' || :last)), 0) AS at"
_SINCE: Mapping[str, str] = {
    "at__gte": "(SELECT at FROM start)",
    "minute__gte": "strftime('%Y-%m-%d %H:%M', (SELECT at FROM start) / 1000, 'unixepoch')",
}
# The time that the page is about, in milliseconds; if it is about all, from the oldest row on.
_WINDOW = f"""\
WITH start AS ({_START}),
now AS (SELECT 1000 * strftime('%s', 'now') AS at),
oldest AS (
    SELECT min(at) AS at FROM (
        SELECT min(at) AS at FROM decisions
        UNION ALL SELECT min(at) FROM expiries
        UNION ALL SELECT 1000 * strftime('%s', min(minute)) FROM totals
    )
)
SELECT coalesce(nullif(start.at, 0), oldest.at, now.at - 86400000) AS "from", now.at AS "to"
FROM start, now, oldest"""  # noqa: S608 - a constant of ours

_MOST_ROWS = 200
_WINDOWS = ("1 hour", "6 hours", "24 hours", "7 days", "30 days")
_CODE = re.compile(r"`([^`]+)`")
_LINK = "rows"


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
        board = {
            "title": self.layout["title"],
            "description": f"{ledger}, read only",
            "settings": {"autorefresh": self.layout["refresh_minutes"]},
            "sections": self.layout["sections"],
            "filters": {
                "last": {"name": "in the last", "type": "select", "options": windows, "default": last}
            },
            "most_rows": _MOST_ROWS,
            "window": {"db": DATABASE, "query": _WINDOW},
            "static": f"/{STATIC}/{DASHBOARD}",
            "charts": {slug: self._chart(slug, chart) for slug, chart in self.layout["charts"].items()},
        }
        return {
            "title": "sentry-filters",
            "plugins": {"datasette-dashboards": {DASHBOARD: board}},
            "databases": {
                DATABASE: {"queries": {name: _named(query) for name, query in self.queries.items()}}
            },
        }

    def _chart(self, slug: str, chart: Mapping[str, Any]) -> dict[str, Any]:
        query = self.queries[chart["query"]]
        of_query = {
            "name": query.name,
            "title": query.title,
            "question": query.headline,
            "invariant": query.holds is not None,
            "must_be_zero": query.zero_column and header(query.zero_column),
            "rows": _LINK,
        }
        return {
            **of_query,
            **chart,
            "slug": slug,
            "bad": self._linked(chart.get("bad", query.bad)),
            "db": DATABASE,
            "query": _windowed(query, _shown(query, chart)),
        }

    def _linked(self, text: str) -> list[dict[str, str]]:
        """Return a text in parts: as it is, as code, or as a link to the card of the query that it names."""
        cards = {
            chart["query"]: slug for slug, chart in self.layout["charts"].items() if "value" not in chart
        }
        parts = []
        for place, part in enumerate(_CODE.split(text)):
            if place % 2 and part in cards:
                parts.append({"text": self.queries[part].title, "card": cards[part]})
            elif part:
                parts.append({"code" if place % 2 else "text": part})
        return parts


def _named(query: Query) -> dict[str, Any]:
    """Return a query as Datasette lists it: by its title, about the time that the parameter `last` says."""
    return {
        "title": query.title,
        "description": f"{query.question} Bad: {query.bad}".replace("`", ""),
        "hide_sql": True,  # a click shows it
        "sql": _windowed(query, "SELECT * FROM answer"),
    }


def _windowed(query: Query, select: str) -> str:
    views = views_since("(SELECT at FROM start)")
    used = [f"{name} AS ({views[name]})" for name in views if re.search(rf"\b{name}\b", query.sql)]
    return (
        "WITH " + ",\n".join([f"start AS ({_START})", *used, f"answer AS (\n{query.sql}\n)"]) + f"\n{select}"
    )


def _shown(query: Query, chart: Mapping[str, Any]) -> str:
    """Return the SELECT over the answer whose values the page shows as they are."""
    heads = {name: header(name) if chart["library"] == "table" else name for name in _columns(query)}
    cells = [f"""shown('{query.name}', '{name}', "{name}") AS "{head}\"""" for name, head in heads.items()]
    if chart["library"] != "table":
        return f"SELECT {', '.join(cells)} FROM answer"  # noqa: S608 - the names of the query's columns
    rows = chart.get("link")
    if rows is not None:
        filters = dict(rows["filters"])
        if "since" in rows:
            filters[rows["since"]] = _SINCE[rows["since"]]
        given = "".join(f", '{name}', {value}" for name, value in filters.items())
        cells.append(f"""rows_at('{rows["table"]}'{given}) AS "{_LINK}\"""")
    # A row that breaks an invariant is never one of those that are left out.
    first = "" if query.zero_column is None else f" ORDER BY {query.zero_column} = 0"
    return f"SELECT {', '.join(cells)} FROM answer{first} LIMIT {_MOST_ROWS}"  # noqa: S608 - the layout's text


def _columns(query: Query) -> list[str]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        prepare(connection)
        return [column[0] for column in connection.execute(query.sql).description]


def add_functions(connection: sqlite3.Connection, database: str, queries: Mapping[str, Query]) -> None:
    """Give a connection the functions that the charts' SQL calls.

    Args:
        connection: To the ledger.
        database: The ledger's name in Datasette.
        queries: By name.
    """

    def shown(query: str, column: str, value: Value) -> Value:
        return queries[query].shown(column, value)

    connection.create_function("shown", 3, shown, deterministic=True)
    connection.create_function("rows_at", -1, partial(_rows_at, database), deterministic=True)


def _rows_at(database: str, table: str, *filters: object) -> str:
    """Return the address of Datasette's page of the rows of `table`.

    Args:
        database: Its name in Datasette.
        table: Its name.
        filters: Column and value in turn; a column may end in `__` and one of Datasette's operators.
    """
    given = zip(filters[::2], filters[1::2], strict=True)
    query = [(f"{name}__isnull", 1) if value is None else (str(name), value) for name, value in given]
    return f"/{database}/{table}?{urlencode(query)}"
