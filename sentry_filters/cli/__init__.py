"""The command `sentry-filters`: each sub-command is a module with `add_parser` and `run`."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from sentry_filters.cli import audit, check, dashboard, demo, explain, export, preview, redact

__all__ = ["main"]

_COMMANDS = (demo, check, explain, audit, dashboard, preview, redact, export)
_INTERRUPTED = 130  # what a shell reports of a process that Ctrl-C has ended


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command and return its exit code: 0 done, 1 could not, 2 wrongly called."""
    parser = _Parser(prog="sentry-filters", description="Tools around sentry-filters.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('sentry-filters')}")
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


class _Parser(argparse.ArgumentParser):
    """Suggests what may have been meant, which argparse does by itself from Python 3.14 on."""

    def _check_value(self, action: argparse.Action, value: object) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            meant = difflib.get_close_matches(str(value), [str(one) for one in action.choices or ()], 1)
            if not meant or "maybe" in str(error):
                raise
            raise argparse.ArgumentError(action, f"{error.message}, did you mean {meant[0]!r}?") from None
