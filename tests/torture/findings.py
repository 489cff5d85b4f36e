"""What a soak found: everything that is judged, as plain data."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture.reports import Report
from tests.torture.servers import parsed
from tests.torture.soak import Soak

_LEFT_BY_THE_SOAK = {"ledger.db", "reports", "printed", "disks", "redis.log"}

# Its sign-in is with a credential that the backend never knows, and its handlers raise: that has to show.
_OF_THE_APPLICATION = ("dead_sessions_hidden", "renewed_in_vain")


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a soak found.

    Args:
        seed: Of the soak.
        seconds: How long it was.
        processes: How many were started, by kind.
        faults: How many were injected, by kind.
        reports: What the processes report.
        failed: Processes that did not end as they should.
        arrived: Marks that Sentry received.
        leaks: How often the canary was found, by place.
        looked_at: How much was searched, by place.
        broken: Invariants of the ledger that do not hold, each with its first rows.
        totals: The ledger's sums, by counter.
        decisions: How many the ledger has.
        left: Files that should no longer be there.
        printed: What the processes printed about a thread of ours that died.
    """

    seed: int
    seconds: float
    processes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    reports: tuple[Report, ...] = ()
    failed: tuple[str, ...] = ()
    arrived: frozenset[tuple[str, int, int]] = frozenset()
    leaks: Counter[str] = field(default_factory=Counter)
    looked_at: Counter[str] = field(default_factory=Counter)
    broken: tuple[str, ...] = ()
    totals: Counter[str] = field(default_factory=Counter)
    decisions: int = 0
    left: tuple[str, ...] = ()
    printed: tuple[str, ...] = ()

    def have(self, mark: str) -> bool:
        """Return whether the report with that mark arrived."""
        return parsed(mark) in self.arrived


def findings_of(soak: Soak, seed: int, seconds: float) -> Findings:
    """Return what a finished soak has found."""
    reports = Report.read_all(soak.reports)
    faults = soak.faults.copy()
    for report in reports:
        faults.update(report.faults)
    canary = soak.canary.encode()
    files = {
        "ledgers": [soak.ledger, *(soak.folder / "disks").rglob("*")],
        "printed": [soak.folder / "redis.log", *soak.printed.iterdir()],
    }
    leaks = Counter({"Sentry": soak.sentry.leaks, "OTLP": soak.otlp.leaks})
    looked_at = Counter({"Sentry": soak.sentry.requests, "OTLP": soak.otlp.requests})
    if soak.shared is not None:
        leaks["Redis"], looked_at["Redis"] = soak.shared.leaks, soak.shared.looked_at
    for place, paths in files.items():
        bodies = [path.read_bytes() for path in paths if path.is_file()]
        leaks[place] = sum(canary in body for body in bodies)
        looked_at[place] = len(bodies)
    # Who opens and closes it tidies up after a process that was killed; the read-only audit below cannot.
    with closing(sqlite3.connect(soak.ledger)) as connection:
        (decisions,) = connection.execute("SELECT count(*) FROM decisions").fetchone()
        sums = connection.execute("SELECT counter, sum(count) FROM totals GROUP BY counter").fetchall()
    left = tuple(path.name for path in soak.folder.iterdir() if path.name not in _LEFT_BY_THE_SOAK)
    return Findings(
        seed=seed,
        seconds=seconds,
        processes=soak.started,
        faults=faults,
        reports=tuple(reports),
        failed=tuple(soak.failed),
        arrived=frozenset(soak.sentry.marks),
        leaks=leaks,
        looked_at=looked_at,
        broken=tuple(broken_invariants(soak.ledger, soak.killed)),
        totals=Counter(dict(sums)),
        decisions=decisions,
        left=left,
        printed=tuple(_deaths(soak.printed.iterdir())),
    )


def broken_invariants(ledger: Path, killed: set[int]) -> list[str]:
    """Return the ledger's invariants that do not hold.

    Args:
        ledger: The file.
        killed: Ids of processes that were killed: what one has dropped for an expiry that it was still asking
            Redis about may stay without that expiry's row, as the audit says.
    """
    command = [sys.executable, "-m", "sentry_filters", "audit", str(ledger), "--since", "all", "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    found = []
    for query in json.loads(done.stdout)["queries"]:
        rows = query["rows"]
        if query["name"] == "drops_without_event":
            process = query["columns"].index("process")
            rows = [row for row in rows if int(row[process].rpartition("/")[2]) not in killed]
        if query["name"] == "violations":
            rows = [row for row in rows if row[0] not in _OF_THE_APPLICATION]
        if query["holds"] is False and rows and query["name"] not in _OF_THE_APPLICATION:
            found.append(f"{query['name']}: {rows[:3]}")
    return found


def _deaths(printed: Iterable[Path]) -> list[str]:
    found = []
    for path in printed:
        text = path.read_text("utf-8", "replace")
        where = text.find("Exception in thread sentry-filters")
        if where >= 0:
            found.append(f"{path.name}: {text[where : where + 1_500]}")
    return found
