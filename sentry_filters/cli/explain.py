"""`sentry-filters explain`: why would this event be kept, or dropped?"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from sentry_filters.cli.policies import add_policy_option, policies_of, reason_of
from sentry_filters.core import SessionExpired
from sentry_filters.guard import SessionGuard
from sentry_filters.preview import Item, ItemReader

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
Says, step by step, why each event in FILE would be kept or dropped: the evidence, what contradicts it, how
good it is, and the verdict with its reason. FILE is an event as JSON, several as JSON lines, or envelopes,
gzipped or not. Each event is judged by what it says itself, as if it were the first and somebody had
subscribed. Neither the exception nor the call is recorded in it: for those, ask `guard.explain(error)` in the
application. Secrets are redacted. Exit code: 0 explained, whatever the verdict, 2 usage error, or a policy or
FILE cannot be read, or FILE holds no event."""

_DONE, _CANNOT = 0, 2
_STDIN = "-"
_MOST_NOTES = 10
_GZIP = b"\x1f\x8b"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add this sub-command."""
    parser = commands.add_parser("explain", help="why is this event kept?", description=_DESCRIPTION)
    parser.add_argument("files", nargs="*", metavar="FILE", help="`-`, or none: standard input")
    add_policy_option(parser)
    parser.add_argument("--json", action="store_true", help="print one line of JSON for each event")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Carry the sub-command out, and return the exit code."""
    names = arguments.files or [_STDIN]
    try:
        guard = SessionGuard(policies_of(arguments), _somebody)
        try:
            for number, item in enumerate(item for name in names for item in _events(name)):
                _print(item, guard, number, as_json=arguments.json)
        finally:
            guard.close()
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        print(f"sentry-filters explain: {reason_of(error)}", file=sys.stderr)
        return _CANNOT
    return _DONE


def _print(item: Item, guard: SessionGuard, number: int, *, as_json: bool) -> None:
    explanation = guard.explain(item.payload)
    if as_json:
        print(json.dumps({"place": item.place, **explanation.as_dict()}))
    else:
        if number:
            print()
        print(f"{_printable(item.place)}\n{explanation}")


def _events(name: str) -> Iterator[Item]:
    """Yield the events of a file; what else it holds is noted on standard error.

    Raises:
        OSError: It cannot be read.
        ValueError: It holds no event.
    """
    place = "standard input" if name == _STDIN else name
    content = sys.stdin.buffer.read() if name == _STDIN else Path(name).read_bytes()
    notes: Counter[str] = Counter()
    reader = ItemReader(
        Path(place),
        lambda where, what: notes.update([f"{where}: {what}"]),
        lambda kind: notes.update([f"{place}: not explained: {kind}"]),
        _in_lines(content),
    )
    found = False
    for item in reader.items():
        if item.shape == "event":
            found = True
            yield item
        else:
            notes[f"{place}: not explained: {item.shape}"] += 1
    _note(notes)
    if not found:
        raise ValueError(f"{place} holds no event; expected JSON of an event, JSON lines, or envelopes")


def _in_lines(content: bytes) -> bytes:
    """Return JSON of one event, or of a list of them, as JSON lines; anything else as it is."""
    try:
        found = json.loads(gzip.decompress(content) if content.startswith(_GZIP) else content)
    except (OSError, EOFError, zlib.error, ValueError, RecursionError):
        return content  # the reader says what is wrong where
    events = found if isinstance(found, list) else [found]
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def _note(notes: Counter[str]) -> None:
    for note, count in list(notes.items())[:_MOST_NOTES]:
        print(f"note: {_printable(note)}{f' ({count} times)' if count > 1 else ''}", file=sys.stderr)
    if len(notes) > _MOST_NOTES:
        print(f"note: {len(notes) - _MOST_NOTES} more", file=sys.stderr)


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def _somebody(_event: SessionExpired) -> None:
    """Listen, so that no event has to be shown because nobody does."""
