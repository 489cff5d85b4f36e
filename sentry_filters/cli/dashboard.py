"""`sentry-filters dashboard`: the ledger in Datasette, on this machine only."""

from __future__ import annotations

import argparse
import socket
import sys
import threading
import webbrowser
from datetime import timedelta
from types import ModuleType

from sentry_filters.audit.queries import load_queries
from sentry_filters.audit.reader import LedgerUnreadableError
from sentry_filters.cli.charts import DASHBOARD, Charts
from sentry_filters.cli.ledger_options import VARIABLE, Since, add_ledger_options, ledger_of

__all__ = ["add_parser", "run"]

_DESCRIPTION = f"""\
Opens LEDGER in Datasette: the questions of `sentry-filters audit` as charts, each with a way to the rows
behind it. LEDGER is the file given to `Ledger(path)`; by default the variable {VARIABLE} names it. It is only
read, and may be written at the same time. The page is served to this machine only, asks nothing of the
network, and ends with Ctrl-C. Who opens it may query the ledger in SQL of their own, but change nothing. Exit
code: 0 ended, 2 wrongly called, or the ledger cannot be read."""

_CANNOT = 2
_HOST = "127.0.0.1"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add this sub-command."""
    parser = commands.add_parser(
        "dashboard", help="look at a ledger in the browser", description=_DESCRIPTION
    )
    add_ledger_options(parser)
    parser.add_argument("--port", type=_port, default=0, help="by default a free one")
    parser.add_argument("--no-browser", action="store_true", help="print the address only")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Carry the sub-command out, and return the exit code."""
    try:
        serving = _serving()
        path = ledger_of(arguments)
        charts = Charts.load(load_queries())
        with socket.create_server((_HOST, arguments.port)) as listening:
            port = listening.getsockname()[1]
            application = serving.application(path, charts, _last(arguments.since), port)
            url = f"http://{_HOST}:{port}/-/dashboards/{DASHBOARD}"
            print(f"{path} at {url} (Ctrl-C ends it)", flush=True)
            if not arguments.no_browser:
                # It listens already, so the browser's first request waits until it is served.
                threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
            serving.serve(application, listening)
    except (LedgerUnreadableError, OSError, ValueError) as error:
        print(f"sentry-filters dashboard: {error}", file=sys.stderr)
        return _CANNOT
    except KeyboardInterrupt:
        pass
    return 0


def _serving() -> ModuleType:
    try:
        from sentry_filters.cli import serving  # noqa: PLC0415 - an extra, and half a second
    except ModuleNotFoundError as error:
        missing = (error.name or "").split(".")[0]
        raise ValueError(f"{missing} is not installed: pip install 'sentry-filters[audit]'") from None
    return serving


def _port(text: str) -> int:
    if not text.isdecimal() or not int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not possible; allowed: 0 (a free one) to 65535")
    return int(text)


def _last(since: Since) -> str:
    """Return a window as an SQLite modifier, without its sign."""
    if since.reach is None or since.start() is None:
        return ""
    minutes = since.reach // timedelta(minutes=1)
    for unit, length in (("days", 1440), ("hours", 60)):
        if minutes % length == 0 and minutes > 24 * 60 * (unit == "days"):
            return f"{minutes // length} {unit}"
    return f"{minutes} minutes"
