"""`sentry-filters audit`: ask a ledger all questions, in the terminal or from a script."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import datetime

from sentry_filters.audit import Answer, LedgerUnreadableError, Query, load_queries, reading
from sentry_filters.cli.ledger_options import VARIABLE, add_ledger_options, importing_extra, ledger_of
from sentry_filters.cli.progress import progress_of

__all__ = ["add_parser", "run"]

_DESCRIPTION = f"""\
Answers, from the ledger, what was silenced and whether every silence is accounted for: the verdict first,
then the invariants. LEDGER is the file given to `Ledger(path)`; by default the variable {VARIABLE}
names it. It is only read, and may be written at the same time. Exit code: 0 all invariants hold, 1 one is
broken, 2 wrongly called, or the ledger cannot be read."""

_HOLD, _BROKEN, _CANNOT = 0, 1, 2


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add this sub-command."""
    parser = commands.add_parser("audit", help="ask a ledger what was silenced", description=_DESCRIPTION)
    add_ledger_options(parser)
    parser.add_argument(
        "--query",
        action="append",
        default=[],
        metavar="NAME",
        help="ask this question only; may be repeated",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object, for scripts")
    form.add_argument("--sql", action="store_true", help="print the questions' SQL, and ask nothing")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Carry the sub-command out, and return the exit code."""
    try:
        queries = _chosen(load_queries(), arguments.query)
        if arguments.sql:
            print("\n\n".join(f"-- {query.name}: {query.question}\n{query.sql};" for query in queries))
            return _HOLD
        path, since = ledger_of(arguments), arguments.since.start()
        with reading(path, since) as reader, progress_of(len(queries), "steps", output=False) as progress:
            answers = [reader.ask(query) for query in progress.each(queries)]
        if arguments.json:
            print(json.dumps(_as_json(str(path), since, answers)))
        else:
            with importing_extra(", or take --json"):
                from sentry_filters.cli.terminal import show  # noqa: PLC0415 - an extra; `--json` needs none
            show(str(path), since, answers)
    except BrokenPipeError:
        raise
    except (LedgerUnreadableError, OSError, ValueError) as error:
        print(f"sentry-filters audit: {error}", file=sys.stderr)
        return _CANNOT
    return _BROKEN if any(answer.holds is False for answer in answers) else _HOLD


def _chosen(queries: Sequence[Query], names: Sequence[str]) -> Sequence[Query]:
    known = [query.name for query in queries]
    for name in names:
        if name not in known:
            raise ValueError(f"invalid --query {name!r}; expected one of {', '.join(sorted(known))}")
    return [query for query in queries if query.name in names] if names else queries


def _as_json(ledger: str, since: datetime | None, answers: Sequence[Answer]) -> dict[str, object]:
    return {
        "ledger": ledger,
        "since": None if since is None else since.isoformat(),
        "holds": not any(answer.holds is False for answer in answers),
        "queries": [
            {
                "name": answer.query.name,
                "question": answer.query.question,
                "holds": answer.holds,
                "columns": answer.columns,
                "rows": answer.rows,
            }
            for answer in answers
        ],
    }
