"""`sentry-filters preview`: try a policy on what is recorded already, before it ships."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from sentry_filters.cli.policies import reason_of
from sentry_filters.cli.progress import progress_of
from sentry_filters.core import Policy
from sentry_filters.preview import Change, Difference, Preview, SourceError

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
Says what a new policy would newly drop or keep, by reason, with redacted examples. FILE is a ledger
(`Ledger(path)`), a file of Sentry envelopes as the SDK sends them, or one of events as JSON lines, gzipped or
not. A ledger's rows say what was decided; events are decided by the policy of --against, by default one with
the new policy's provider and hosts. Where a ledger lacks the evidence, the answer is "cannot tell". Nothing
is dropped, published or changed. Exit code: 0 done, whatever differs, 2 usage error, or a policy or FILE
cannot be read."""
_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "newly_dropped": "newly dropped",
        "newly_kept": "newly kept",
        "cannot_tell": "cannot tell",
        "other_reason": "as before, for another reason",
    }
)
_MISSING = "A ledger holds no text, no body's codes, no path, port or headers: preview envelopes to know."
_DONE, _CANNOT = 0, 2


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add this sub-command."""
    parser = commands.add_parser("preview", help="try a policy before it ships", description=_DESCRIPTION)
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="several count as one history, in this order"
    )
    parser.add_argument(
        "--policy", required=True, metavar="TOML", help="the new policy: a file with [tool.sentry_filters]"
    )
    parser.add_argument("--against", metavar="TOML", help="the old policy, in a file of the same kind")
    parser.add_argument(
        "--examples",
        type=_count,
        default=3,
        metavar="N",
        help="how many of each change to show; 3 by default",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, for scripts")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Carry the sub-command out, and return the exit code."""
    try:
        new = Policy.from_toml(arguments.policy)
        old = None if arguments.against is None else Policy.from_toml(arguments.against)
        with progress_of(_size(arguments.files), "bytes", output=False) as progress:

            def show(judged: int, read: int) -> None:
                progress.reach(read, f"{judged:,} judged")

            preview = Preview(new, old, examples=arguments.examples, progress=show)
            difference = preview.of(arguments.files)
    except (OSError, SourceError, ValueError) as error:
        print(f"sentry-filters preview: {_safe(reason_of(error))}", file=sys.stderr)
        return _CANNOT
    print(json.dumps(_as_json(difference), indent=2) if arguments.json else "\n".join(_as_text(difference)))
    return _DONE


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 4):
        raise argparse.ArgumentTypeError(f"invalid number {text!r}; expected 0 to 9999")
    return int(text)


def _size(paths: Iterable[Path]) -> int:
    """Return the bytes of all files; those that are not there are somebody else's finding."""
    return sum(path.stat().st_size for path in paths if path.is_file())


def _as_text(difference: Difference) -> Iterator[str]:
    yield f"{difference.judged:,} judged, {difference.unchanged:,} decided as before, for the same reason"
    for what, count in sorted(difference.skipped.items()):
        yield f"{count:,} not judged: {_safe(what)}"
    if difference.broken:
        yield f"{difference.broken:,} broken:"
        yield from (f"  {_safe(place)}" for place in difference.broken_places)
    changes = list(difference.changes)
    yield from _table(changes)
    if any(change.kind == "cannot_tell" for change in changes):
        yield f"\n{_MISSING}"
    for change in changes:
        if change.examples:
            yield f"\n{_TITLES[change.kind]}: {change.old} -> {change.new}"
            yield from (f"  {_example(one)}" for one in change.examples)


def _table(changes: Iterable[Change]) -> Iterator[str]:
    rows = [(_TITLES[one.kind], str(one.old), str(one.new), f"{one.count:,}") for one in changes]
    if not rows:
        return
    rows.insert(0, ("", "old", "new", "count"))
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    yield ""
    for title, old, new, count in rows:
        cells = f"{title:{widths[0]}}  {old:{widths[1]}}  {new:{widths[2]}}  {count:>{widths[3]}}"
        yield _safe(cells)


def _example(example: Mapping[str, str]) -> str:
    return _safe(", ".join(text if name == "place" else f"{name}={text}" for name, text in example.items()))


def _safe(text: str) -> str:
    """Return a text that cannot control the terminal."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def _as_json(difference: Difference) -> dict[str, object]:
    return {
        "judged": difference.judged,
        "unchanged": difference.unchanged,
        "skipped": difference.skipped,
        "broken": {"count": difference.broken, "places": difference.broken_places},
        "changes": [
            {
                "change": change.kind,
                "old": {"verdict": change.old.verdict, "reason": change.old.reason},
                "new": {"verdict": change.new.verdict, "reason": change.new.reason},
                "count": change.count,
                "examples": change.examples,
            }
            for change in difference.changes
        ],
    }
