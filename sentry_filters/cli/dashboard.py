"""`sentry-filters dashboard`: the ledger in Datasette, on this machine only."""

from __future__ import annotations

import argparse
import socket
import sys
import threading
import webbrowser

from sentry_filters.audit import LedgerUnreadableError, load_queries
from sentry_filters.cli.charts import DASHBOARD, Charts
from sentry_filters.cli.ledger_options import VARIABLE, add_ledger_options, importing_extra, ledger_of

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
        with importing_extra():
            from sentry_filters.cli import serving  # noqa: PLC0415 - an extra, and half a second
        path = ledger_of(arguments)
        charts = Charts.load(load_queries())
        with socket.create_server((_HOST, arguments.port)) as listening:
            port = listening.getsockname()[1]
            application = serving.application(path, charts, arguments.since.as_sqlite(), port)
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


def _port(text: str) -> int:
    if not text.isdecimal() or not int(text) < 65536:
        raise argparse.ArgumentTypeError(f"invalid port {text!r}; expected 0 (a free one) to 65535")
    return int(text)
