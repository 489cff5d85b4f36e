"""`python -m tests.demo`: run the storm twice and compare; non-zero if a number is not what it must be."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.demo.storm import Outcome, run_storm

_ROWS = {
    "session_events": "Sentry events: the dead session",
    "third_party_events": "Sentry events: a user's own rejected key",
    "bug_events": "Sentry events: a bug while handling the 401",
    "secrets": "secrets in the bytes that Sentry received",
    "published": "SessionExpired published",
    "calls": "LLM calls made in vain",
    "saved": "LLM calls that the gate saved",
    "after_sign_in": "LLM calls that worked after the sign-in",
}


def main() -> int:
    """Run each side in its own process, since Sentry's integrations patch the process for good."""
    console = Console()
    console.print("A local LLM backend ends its session; 8 threads of cron jobs go on calling it.")
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger.db"
        sides = {}
        for name, arguments in {"without": [], "with": [str(ledger)]}.items():
            console.print(f"{name} the filter …", end=" ")
            sides[name] = _in_process(arguments)
            received, seconds = sides[name].events_received, sides[name].seconds
            console.print(f"{received} Sentry events received in {seconds:.0f} s")
        audit = _audited(ledger)
    console.print(_table(sides["without"], sides["with"]))
    console.print(f"The published reason: {sides['with'].reason}", markup=False, highlight=False)
    console.print(
        f"The ledger: {audit['dropped']} dropped, {audit['sessions_expired']} session expired, "
        f"{audit['third_party_dropped']} of third parties dropped, {audit['difference']} unaccounted for."
    )
    wrong = _wrong(sides["without"], sides["with"], audit)
    for complaint in wrong:
        console.print(f"[red]not as it must be: {complaint}[/red]")
    if not wrong:
        console.print("All numbers are what they must be.")
    return 1 if wrong else 0


def _in_process(arguments: list[str]) -> Outcome:
    command = [sys.executable, "-m", "tests.demo", "side", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    return Outcome(**json.loads(done.stdout))


def _audited(ledger: Path) -> dict[str, int]:
    """Return the ledger's numbers, as printed by the command that a cron job would run."""
    command = [sys.executable, "-m", "sentry_filters", "audit", str(ledger), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=120)
    (overview,) = [query for query in json.loads(done.stdout)["queries"] if query["name"] == "overview"]
    return {**dict(zip(overview["columns"], overview["rows"][0], strict=True)), "exit_code": done.returncode}


def _table(without: Outcome, filtered: Outcome) -> Table:
    table = Table(title="One expired session", title_justify="left")
    table.add_column("")
    table.add_column("without", justify="right")
    table.add_column("with", justify="right")
    for field, label in _ROWS.items():
        table.add_row(label, str(getattr(without, field)), str(getattr(filtered, field)))
    return table


def _wrong(without: Outcome, filtered: Outcome, audit: dict[str, int]) -> list[str]:
    must = {
        "the storm without the filter floods Sentry": without.session_events >= 332,
        "without the filter secrets leave": without.secrets > 0,
        "no event about the dead session": filtered.session_events == 0,
        "exactly one SessionExpired": filtered.published == 1,
        "every third-party failure arrives": filtered.third_party_events == without.third_party_events == 20,
        "the bug in the error handling arrives": filtered.bug_events == without.bug_events == 1,
        "no secret leaves": filtered.secrets == 0,
        "the gate saves calls": filtered.saved > 0 and filtered.calls < without.calls,
        "the audit accounts for every silence": audit["exit_code"] == 0 and audit["dropped"] > 0,
        "work goes on after the sign-in": filtered.after_sign_in == without.after_sign_in == 8,
    }
    return [rule for rule, holds in must.items() if not holds]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        outcome = run_storm(Path(sys.argv[2]) if len(sys.argv) > 2 else None)
        print(json.dumps(asdict(outcome)))  # noqa: T201 - to the parent
        sys.exit(0)
    sys.exit(main())
