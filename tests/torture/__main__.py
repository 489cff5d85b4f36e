"""`python -m tests.torture [--seconds N] [--seed N]`: mixed traffic and faults; what must hold is checked."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tests.torture.figures import table
from tests.torture.findings import findings_of
from tests.torture.judge import complaints
from tests.torture.soak import KINDS, Soak


def main() -> int:
    """Run it, print the figures, and return 1 if something does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture")
    parser.add_argument("--seconds", type=float, default=150.0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--kinds", help="of the processes that come and go, with commas; all by default")
    arguments = parser.parse_args()
    kinds = arguments.kinds.split(",") if arguments.kinds else KINDS
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(f"seed {arguments.seed}, {arguments.seconds:g} s")
    with tempfile.TemporaryDirectory() as name:
        soak = Soak(arguments.seed, arguments.seconds, Path(name), kinds)
        if soak.shared is None:
            console.print(
                "There is no redis-server: the processes share nothing. apt-get install redis-server"
            )
        soak.run()
        findings = findings_of(soak, arguments.seed, arguments.seconds)
        console.print(table(findings))
        wrong = complaints(findings)
    for complaint in wrong:
        console.print(f"does not hold: {complaint}", style="red", markup=False)
    if not wrong:
        console.print("All that must hold does.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
