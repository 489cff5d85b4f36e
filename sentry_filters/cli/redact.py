"""`sentry-filters redact`: try the redactor on any text."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import BinaryIO

from sentry_filters.cli.policies import reason_of
from sentry_filters.cli.progress import Progress, progress_of
from sentry_filters.cli.redact_parallel import Block, redacted

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
Copies each FILE, or standard input, to standard output without its secrets. With --explain it prints instead,
for each secret, its line (after the file's name, if there are several files), the column of its mark in the
redacted line, and its kind; never the secret itself. Bytes that are not text pass through unchanged. Exit
code: 0 done, whether or not there were secrets, 1 done, but something that could not be inspected was
withheld, 2 usage error, or a FILE or the policy cannot be read; then nothing is printed."""

_HOLD, _WITHHELD, _CANNOT = 0, 1, 2
_STDIN = "-"
_LONGEST_KEY = 500  # lines of a private key; one without an end is cut there
# Of a block: few enough lines for the redactor's budget, were each of them a secret.
_MOST_LINES = 200
_MOST_BYTES = 1 << 16


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add this sub-command."""
    parser = commands.add_parser("redact", help="print a text without its secrets", description=_DESCRIPTION)
    parser.add_argument("files", nargs="*", metavar="FILE", help="`-`, or none: standard input")
    parser.add_argument("--explain", action="store_true", help="list what would be removed, and where")
    parser.add_argument(
        "--policy",
        metavar="TOML",
        help="a file with [tool.sentry_filters], whose kinds and keys of secrets count, too",
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Carry the sub-command out, and return the exit code."""
    names = arguments.files or [_STDIN]
    try:
        with ExitStack() as opened:
            files = [_opened(name, opened) for name in names]
            progress = opened.enter_context(progress_of(sum(map(_size, files)), "bytes", output=True))
            return _copy(list(zip(names, files, strict=True)), progress, arguments)
    except BrokenPipeError:
        raise
    except (OSError, ValueError, EOFError) as error:
        print(f"sentry-filters redact: {reason_of(error)}", file=sys.stderr)
        return _CANNOT


def _opened(name: str, until: ExitStack) -> BinaryIO:
    return sys.stdin.buffer if name == _STDIN else until.enter_context(open(name, "rb"))


def _size(file: BinaryIO) -> int:
    """The bytes of a file; 0 of what is no file, as a pipe."""
    try:
        return os.fstat(file.fileno()).st_size
    except OSError:
        return 0


def _copy(files: list[tuple[str, BinaryIO]], progress: Progress, arguments: argparse.Namespace) -> int:
    """Print every file's outcome; return the exit code."""
    out, code = sys.stdout.buffer, _HOLD
    blocks = (block for name, file in files for block in _blocks(name, file))
    for outcome in redacted(blocks, arguments.policy, explain=arguments.explain):
        if arguments.explain:
            name = f"{outcome.name}:" if len(files) > 1 else ""
            out.write("".join(f"{name}{finding}\n" for finding in outcome.findings).encode())
        else:
            out.write(outcome.text)
        if outcome.is_withheld:
            code = _WITHHELD
        progress(outcome.size)
    return code


def _blocks(name: str, lines: Iterable[bytes]) -> Iterator[Block]:
    """The lines in blocks; those of a private key in one, since only its first line names it."""
    block: list[bytes] = []
    size, key = 0, 0
    number = 0
    for number, line in enumerate(lines, 1):
        block.append(line)
        size += len(line)
        if b"-----BEGIN" in line and b"PRIVATE KEY" in line:
            key = number
        if b"-----END" in line or number - key >= _LONGEST_KEY:
            key = 0
        if not key and (len(block) >= _MOST_LINES or size >= _MOST_BYTES):
            yield Block(name, number - len(block) + 1, b"".join(block))
            block, size = [], 0
    if block:
        yield Block(name, number - len(block) + 1, b"".join(block))
