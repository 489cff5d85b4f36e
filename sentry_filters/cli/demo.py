"""`sentry-filters demo`: the main job, shown on local servers."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from sentry_filters.demo import Comparison, DemoError, Outcome, compared

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
Shows what the filter does: a local LLM backend ends its session while cron jobs go on calling it, and a
local receiver takes what Sentry's SDK sends, first without the filter, then with it. It takes a few
seconds, uses 127.0.0.1 only, needs neither network nor account, and leaves nothing behind. Exit code: 0 every
promise is kept, 1 one is broken, 2 usage error, or the demo cannot run."""

_KEPT, _BROKEN, _CANNOT = 0, 1, 2


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add this sub-command."""
    parser = commands.add_parser("demo", help="show the filter at work", description=_DESCRIPTION)
    parser.add_argument(
        "--ledger",
        type=Path,
        metavar="FILE",
        help="keep the ledger in this new file, to try `audit` and `dashboard` on",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, for scripts")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Carry the sub-command out, and return the exit code."""
    try:
        if arguments.json:
            comparison = compared(arguments.ledger)
            print(json.dumps(_as_json(comparison), indent=2))
        else:
            print("A local LLM backend ends its session; 8 threads of cron jobs go on calling it.")
            comparison = compared(arguments.ledger, progress=_show)
            print("\n".join(_as_text(comparison)))
    except BrokenPipeError:
        raise
    except (DemoError, OSError) as error:
        print(f"sentry-filters demo: {error}", file=sys.stderr)
        return _CANNOT
    return _BROKEN if comparison.wrong else _KEPT


def _show(side: str, outcome: Outcome | None) -> None:
    if outcome is None:
        print(f"{side} the filter …", end=" ", flush=True)
    else:
        print(f"{outcome.events_received} Sentry events received in {outcome.seconds:.0f} s")


def _as_text(comparison: Comparison) -> Iterator[str]:
    rows = [("One expired session", "without", "with"), *comparison.rows]
    width = max(len(label) for label, _, _ in rows)
    yield ""
    yield from (f"{label:{width}}  {without:>7}  {filtered:>4}" for label, without, filtered in rows)
    yield ""
    audit = comparison.audit
    yield f"The published reason: {comparison.filtered.reason}"
    yield (
        f"The ledger: {audit['dropped']} dropped, {audit['sessions_expired']} session expired, "
        f"{audit['third_party_dropped']} of third parties dropped, {audit['difference']} unaccounted for."
    )
    yield from (f"not as it must be: {promise}" for promise in comparison.wrong)
    if not comparison.wrong:
        yield "All numbers are what they must be."


def _as_json(comparison: Comparison) -> dict[str, object]:
    return {
        "without": asdict(comparison.without),
        "with": asdict(comparison.filtered),
        "audit": dict(comparison.audit),
        "wrong": comparison.wrong,
    }
