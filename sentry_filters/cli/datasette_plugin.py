"""What the dashboard's SQL needs: cells that are safe in HTML, and links to the rows behind them."""

from __future__ import annotations

import html
import sqlite3
from functools import partial
from urllib.parse import urlencode

import pluggy

__all__ = ["prepare_connection"]

_hook = pluggy.HookimplMarker("datasette")


@_hook
def prepare_connection(conn: sqlite3.Connection, database: str) -> None:
    """Give a new connection the functions; called by Datasette."""
    conn.create_function("as_html", 1, as_html, deterministic=True)
    conn.create_function("as_broken", 1, as_broken, deterministic=True)
    conn.create_function("must_be_zero", 1, must_be_zero, deterministic=True)
    conn.create_function("link_to_rows", -1, partial(link_to_rows, database), deterministic=True)


def as_html(value: object) -> str:
    """Return a value as HTML text: what an application put into a label is no markup."""
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
