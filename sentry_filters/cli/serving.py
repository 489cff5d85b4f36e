"""Datasette over one ledger, for this machine's own browser."""

from __future__ import annotations

import socket
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import datasette_dashboards  # noqa: F401 - Datasette finds it by itself; without it there is no dashboard
import pluggy
from datasette.app import Datasette  # type: ignore[import-untyped]
from datasette.database import Database  # type: ignore[import-untyped]
from datasette.plugins import pm  # type: ignore[import-untyped]
from uvicorn import Config, Server

from sentry_filters.audit import LedgerUnreadableError, load_queries, read_only_uri
from sentry_filters.cli.charts import DATABASE, STATIC, Charts, add_functions

__all__ = ["application", "serve"]

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_Application = Callable[[_Scope, _Receive, _Send], Awaitable[None]]

_hook = pluggy.HookimplMarker("datasette")
_SPECIAL = frozenset("?#%")
_SETTINGS: Mapping[str, int | str] = {
    "sql_time_limit_ms": 30_000,  # a large ledger takes long
    "facet_time_limit_ms": 2_000,
    "max_returned_rows": 50_000,  # more than the minutes of the 30 days that a ledger keeps
    "allow_download": False,  # the file alone, without its write-ahead log, is not all of it
    "allow_csv_stream": True,
}


def application(path: Path, charts: Charts, last: str, port: int) -> _Application:
    """Return Datasette with one ledger and its dashboard.

    Args:
        path: The ledger.
        charts: The dashboard.
        last: How far back it looks at first.
        port: Where it is served.

    Raises:
        LedgerUnreadableError: The ledger cannot be read, or not by Datasette; the message says why.
    """
    if not _SPECIAL.isdisjoint(str(path)):
        raise LedgerUnreadableError(f"{path} cannot be read: Datasette opens no path with ?, # or %")
    at_rest = "immutable=1" in read_only_uri(path)
    if not pm.has_plugin(__name__):
        pm.register(sys.modules[__name__], name=__name__)
    datasette = Datasette(
        metadata=charts.metadata(str(path), last),
        settings=_SETTINGS,
        template_dir=str(charts.folder / "templates"),
        static_mounts=[(STATIC, str(charts.folder))],
    )
    datasette.remove_database("_memory")
    datasette.add_database(Database(datasette, path=str(path), is_mutable=not at_rest), name=DATABASE)
    return _local_only(datasette.app(), port)


@_hook
def prepare_connection(conn: sqlite3.Connection, database: str) -> None:
    """Give a new connection what the charts need; called by Datasette, by these names."""
    add_functions(conn, database, {query.name: query for query in load_queries()})


def serve(served: _Application, listening: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM, which end this function as they would end a program."""
    config = Config(served, log_level="warning", lifespan="on")
    Server(config).run(sockets=[listening])


def _local_only(served: _Application, port: int) -> _Application:
    """Answer only requests for this address: a site whose name resolves to it must not read the page."""
    allowed = {f"{name}:{port}".encode() for name in ("127.0.0.1", "localhost")}

    async def application(scope: _Scope, receive: _Receive, send: _Send) -> None:
        if scope["type"] == "http" and dict(scope["headers"]).get(b"host") not in allowed:
            await send({"type": "http.response.start", "status": 421, "headers": []})
            await send({"type": "http.response.body", "body": b"Misdirected Request"})
            return
        await served(scope, receive, send)

    return application
