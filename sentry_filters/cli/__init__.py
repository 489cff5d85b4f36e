"""The command `sentry-filters`: each sub-command is a module with `add_parser` and `run`."""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
from collections.abc import Sequence
from importlib.metadata import version

from sentry_filters.cli import audit, check, dashboard, demo, explain, export, preview, redact

__all__ = ["main"]

_COMMANDS = (demo, check, explain, audit, dashboard, preview, redact, export)
_INTERRUPTED = 130  # what a shell reports of a process that Ctrl-C has ended


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command and return its exit code, which the sub-command's help explains."""
    parser = _Parser(
        prog="sentry-filters", description="Shows, checks, explains and audits what sentry-filters does."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('sentry-filters')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        its_own = command.add_parser(commands)
        its_own.set_defaults(run=command.run, parser=its_own)
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        arguments.parser.error(_unknown(unknown, arguments.parser.format_help()))
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


def _unknown(arguments: Sequence[str], known: str) -> str:
    """Return the message about arguments that a sub-command does not know, with what may have been meant."""
    meant = difflib.get_close_matches(arguments[0].partition("=")[0], re.findall(r"--[a-z-]+", known), 1)
    return f"unrecognized arguments: {' '.join(arguments)}{f', did you mean {meant[0]!r}?' if meant else ''}"


class _Parser(argparse.ArgumentParser):
    """Suggests what may have been meant, as argparse itself does from Python 3.14 on."""

    def _check_value(self, action: argparse.Action, value: object) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            meant = difflib.get_close_matches(str(value), [str(one) for one in action.choices or ()], 1)
            if not meant or "maybe" in str(error):
                raise
            raise argparse.ArgumentError(action, f"{error.message}, did you mean {meant[0]!r}?") from None
