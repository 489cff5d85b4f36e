"""`sentry-filters redact`: try the redactor on any text, line by line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from sentry_filters.redaction import Redactor

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
Copies FILE, or standard input, to standard output without the secrets in it. With --explain it prints
instead, for each secret, the line, the column at which the mark would stand in the redacted line, and the
kind; never the secret. Bytes that are not text pass through. Exit code: 0 done (whether or not there was a
secret), 1 FILE cannot be read, 2 wrongly called."""

_LONGEST_BLOCK = 500  # lines of a private key; one without an end is cut there


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add this sub-command."""
    parser = commands.add_parser("redact", help="print a text without its secrets", description=_DESCRIPTION)
    parser.add_argument("file", nargs="?", metavar="FILE", default="-", help="`-`, or none: standard input")
    parser.add_argument("--explain", action="store_true", help="say what would be removed where, and as what")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Carry the sub-command out, and return the exit code."""
    if arguments.file == "-":
        _copy(sys.stdin.buffer, sys.stdout.buffer, explain=arguments.explain)
        return 0
    try:
        lines = open(arguments.file, "rb")  # noqa: SIM115 - errors of opening are not those of writing
    except OSError as error:
        print(f"sentry-filters redact: {arguments.file}: {error.strerror}", file=sys.stderr)
        return 1
    with lines:
        _copy(lines, sys.stdout.buffer, explain=arguments.explain)
    return 0


def _copy(lines: Iterable[bytes], out: BinaryIO, *, explain: bool) -> None:
    redactor = Redactor()
    for number, block in _blocks(lines):
        if not explain:
            out.write(redactor.redact_bytes(block))
            continue
        scrubbed = redactor.scrub(block)
        redacted = scrubbed.value if isinstance(scrubbed.value, bytes) else b""
        for finding in scrubbed.findings:
            before = redacted[: finding.start].decode("utf-8", "replace")
            line, column = number + before.count("\n"), len(before) - before.rfind("\n")
            out.write(f"{line}:{column}: {finding.kind}\n".encode())


def _blocks(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers; those of a private key together, since only its first line names it."""
    block: list[bytes] = []
    for number, line in enumerate(lines, 1):
        block.append(line)
        inside = b"-----BEGIN" in block[0] and b"PRIVATE KEY" in block[0]
        if not inside or b"-----END" in line or len(block) == _LONGEST_BLOCK:
            yield number - len(block) + 1, b"".join(block)
            block = []
    if block:
        yield number - len(block) + 1, b"".join(block)
