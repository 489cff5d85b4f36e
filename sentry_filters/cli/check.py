"""`sentry-filters check`: canaries through an application's own set-up."""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import json
import sys
from pathlib import Path

from sentry_filters.guard import SessionGuard
from sentry_filters.redaction import Redactor
from sentry_filters.testing import Report, check

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
Imports the application's setup, sends harmless canary secrets through its own Sentry client and
OpenTelemetry providers into memory, and lists what was covered and what bypasses the guard. Nothing reaches
the network. Exit code: 0 all clean, 1 something leaks or bypasses the guard, or nothing was covered, 2 usage
error, or the setup cannot be imported."""
_TARGET = "a SessionGuard, or a function without arguments that sets the application up"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add this sub-command."""
    parser = commands.add_parser("check", help="does anything bypass the guard?", description=_DESCRIPTION)
    parser.add_argument("target", metavar="MODULE:NAME", help=_TARGET)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Carry the sub-command out, and return the exit code."""
    try:
        # What the setup prints is not part of the report.
        with contextlib.redirect_stdout(sys.stderr):
            guard = _guard(arguments.target)
            report = check(guard)
    except _TargetError as error:
        print(f"sentry-filters check: {error}", file=sys.stderr)
        return 2
    print(json.dumps(report.as_dict(), indent=2) if arguments.json else report)
    _summarise(report)
    return 0 if report.is_clean else 1


class _TargetError(Exception):
    """What was named does not lead to a guard; the message says why, without secrets."""


def _guard(target: str) -> SessionGuard:
    module_name, colon, name = target.partition(":")
    if not colon or not module_name or not name:
        raise _TargetError(f"invalid target {target!r}; expected MODULE:NAME, as in app.main:guard")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found: object = importlib.import_module(module_name)
        for part in name.split("."):
            found = getattr(found, part)
        if not isinstance(found, SessionGuard) and callable(found):
            found = found()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the application raises is reported
        message = Redactor().redact(str(error))
        raise _TargetError(f"{target} cannot be set up: {type(error).__name__}: {message}") from None
    return found if isinstance(found, SessionGuard) else _only_guard(target, found)


def _only_guard(target: str, found: object) -> SessionGuard:
    """Return the one guard that the set-up has made: a function that sets up an application returns that."""
    guards = [guard for guard in gc.get_referrers(SessionGuard) if type(guard) is SessionGuard]
    if len(guards) != 1:
        module, kind = target.partition(":")[0], type(found).__name__
        own = vars(sys.modules[module])
        named = " or ".join(f"{module}:{name}" for name in own if type(own[name]) is SessionGuard)
        raise _TargetError(
            f"{target} is, or returned, {kind}, and there are {len(guards)} guards; "
            f"expected the SessionGuard{': ' * bool(named)}{named}"
        )
    return guards[0]


def _summarise(report: Report) -> None:
    if report.failures:
        count = len(report.failures)
        print(f"{count} {'path is' if count == 1 else 'paths are'} not guarded", file=sys.stderr)
    elif not report.is_clean:
        print("nothing was covered: set up Sentry (any DSN will do) or OpenTelemetry", file=sys.stderr)
