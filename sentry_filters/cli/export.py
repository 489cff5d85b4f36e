"""`sentry-filters export`: the same policy, for programs that are not Python."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from sentry_filters.cli.policies import add_policy_option, policies_of, reason_of
from sentry_filters.core import Backends, Policy
from sentry_filters.targets import Exporter, collector_config, inbound_patterns, relay_config

__all__ = ["add_parser", "run"]

_TARGETS: Mapping[str, Exporter] = MappingProxyType(
    {"collector": collector_config, "inbound": inbound_patterns, "relay": relay_config},
)
_DESCRIPTION = """\
Writes the policy and the catalogue of secrets as configuration for TARGET: `collector`, an OpenTelemetry
Collector's processors (YAML); `relay`, Sentry Relay's PII configuration (JSON); `inbound`, patterns for
Sentry's inbound filter of error messages (one per line). Anything TARGET cannot express exactly is noted on
standard error. Exit code: 0 done, 1 the output cannot be written, 2 the policy cannot be used, or
usage error."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add this sub-command."""
    parser = commands.add_parser(
        "export", help="write the policy for a Collector, for Relay, or for Sentry", description=_DESCRIPTION
    )
    parser.add_argument(
        "target", metavar="TARGET", choices=sorted(_TARGETS), help=", ".join(sorted(_TARGETS))
    )
    add_policy_option(parser)
    parser.add_argument(
        "--provider", metavar="NAME", help="which of the file's backends, if it states several"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write; by default standard output")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Carry the sub-command out, and return the exit code."""
    try:
        export = _TARGETS[arguments.target](_policy(arguments))
    except (OSError, ValueError) as error:
        return _failed(error, 2)
    try:
        if arguments.output is None:
            sys.stdout.write(export.text)
        else:
            Path(arguments.output).write_text(export.text, encoding="utf-8")
    except BrokenPipeError:
        raise
    except OSError as error:
        return _failed(error, 1)
    for remark in export.remarks:
        print(f"note: {remark}", file=sys.stderr)
    return 0


def _failed(error: Exception, code: int) -> int:
    print(f"sentry-filters export: {reason_of(error)}", file=sys.stderr)
    return code


def _policy(arguments: argparse.Namespace) -> Policy:
    """Return the policy to export: a target takes one backend's at a time."""
    return Backends(policies_of(arguments)).named(arguments.provider, "--provider")
