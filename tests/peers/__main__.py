"""`python -m tests.peers [--keep FILE] [NAME…]`: the suites of our peers, without the guard and with it.

`make peers` calls it. The exit status is 1 if a test that passes without the guard fails with it and is not
in `meant.py`, if nothing matches a pattern of `meant.py` any more, or if no test of a suite uses the guard.
A suite that cannot be had is named.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tests.peers.environments import Unavailable, built, installed
from tests.peers.meant import MEANT, stale
from tests.peers.page import figures, kept, rows_of, rows_without
from tests.peers.runs import Compared, compared
from tests.peers.suites import SUITES, Suite


def main(arguments: list[str]) -> int:
    """Run the suites whose names begin as asked for, print what differs, and keep the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.peers", description=__doc__)
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="write each suite into this page once it is over"
    )
    parser.add_argument("names", nargs="*", help="suites, or how their names begin; all if none is named")
    given = parser.parse_args(arguments)
    wanted = [suite for suite in SUITES if suite.name.startswith(tuple(given.names) or "")]
    if not wanted:
        parser.error(f"invalid name; expected one of {', '.join(suite.name for suite in SUITES)}")
    began = time.monotonic()
    done, rows = _run(wanted, given.keep)
    _say(f"\n{figures(rows)}\n")
    idle = _stale(done)
    for pattern in idle:
        _say(f"listed as meant, and no test differs any more: {pattern}")
    vain = [f"{one.suite}, {each.guarding}" for one in done for each in one.comparisons if not each.reached]
    for run in vain:
        _say(f"the guard was not used by any test: {run}")
    unlisted = sum(len(each.unlisted) for one in done for each in one.comparisons)
    _say(
        f"{len(done)} of {len(wanted)} suites ran in {(time.monotonic() - began) / 60:.0f} minutes,"
        f" {len(wanted) - len(done)} could not be had; {unlisted} tests differ that are not listed"
    )
    return 1 if unlisted or idle or vain or not done else 0


def _run(suites: Iterable[Suite], page: Path | None) -> tuple[list[Compared], dict[str, list[str]]]:
    """Return what came of each suite that could be had, and the rows of all.

    Each suite's rows are written into the page before the next one starts: a run cut short keeps them.
    """
    done: list[Compared] = []
    rows: dict[str, list[str]] = {}
    wheel = built()
    for suite in suites:
        _say(f"{suite.name} …")
        try:
            done.append(compared(suite, installed(suite, wheel)))
        except Unavailable as error:
            rows[suite.name] = rows_without(suite.name, f"could not be had: {error}")
            _say(f"  could not be had: {error}: {error.output}")
        else:
            rows[suite.name] = rows_of(done[-1])
            _say(f"  {_summary(done[-1])}")
        if page is not None:
            page.write_text(kept(page.read_text("utf-8"), {suite.name: rows[suite.name]}, MEANT), "utf-8")
    return done, rows


def _stale(done: Iterable[Compared]) -> list[str]:
    seen = [(one.suite, test.test) for one in done for each in one.comparisons for test in each.meant]
    return list(stale(MEANT, seen, [one.suite for one in done]))


def _summary(one: Compared) -> str:
    lines = [f"{one.version}: {one.passed:,} of {one.tests:,} tests pass without the guard"]
    for each in one.comparisons:
        lines.append(
            f"{each.guarding}: {each.passed:,} pass, {len(each.meant)} differ as meant,"
            f" {len(each.unsteady)} differed once, {len(each.unlisted)} differ"
        )
        lines += [f"  {difference.test}: {difference.why[:300]}" for difference in each.unlisted]
        lines += [f"  once: {difference.test}: {difference.why[:300]}" for difference in each.unsteady]
    return "\n  ".join(lines)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
