"""The command `sentry-filters`: each sub-command is a module with `add_parser` and `run`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from sentry_filters.cli import audit, check, dashboard, export, preview, redact

__all__ = ["main"]

_COMMANDS = (check, audit, dashboard, preview, redact, export)
_INTERRUPTED = 130  # what a shell reports of a process that Ctrl-C has ended


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command and return its exit code: 0 done, 1 could not, 2 wrongly called."""
    parser = argparse.ArgumentParser(prog="sentry-filters", description="Tools around sentry-filters.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add_parser(commands).set_defaults(run=command.run)
    arguments = parser.parse_args(argv)
    try:
        code = int(arguments.run(arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough, as `head` has. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _INTERRUPTED
    return code
