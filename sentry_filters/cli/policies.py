"""The option `--policy` of commands that need one: a file, or else the environment."""

from __future__ import annotations

import argparse
import os

from sentry_filters.core import Policy

__all__ = ["add_policy_option", "policies_of", "reason_of"]

_VARIABLE = "SENTRY_FILTERS_PROVIDER"


def add_policy_option(parser: argparse.ArgumentParser) -> None:
    """Add the argument --policy."""
    parser.add_argument(
        "--policy",
        metavar="TOML",
        help="a file with [tool.sentry_filters]; by default the variables SENTRY_FILTERS_*",
    )


def policies_of(arguments: argparse.Namespace) -> tuple[Policy, ...]:
    """Return the policies that are given, one for each backend.

    Raises:
        OSError: The file cannot be read.
        ValueError: None is given, or one is invalid; the message says how to give one.
    """
    if arguments.policy is not None:
        return Policy.all_from_toml(arguments.policy)
    if _VARIABLE not in os.environ:
        raise ValueError(f"no policy; expected --policy FILE, or {_VARIABLE} and others in the environment")
    return (Policy.from_env(),)


def reason_of(error: Exception) -> str:
    """Return what an error says, with the file's name where it is about one."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)
