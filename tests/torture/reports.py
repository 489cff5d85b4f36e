"""What each process tells of itself when it ends properly."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Report:
    """One process's own account.

    Args:
        kind: What kind of process it was.
        pid: Its process id.
        sent: Marks of the reports that have to arrive, or be in the SDK's client reports.
        lost: Error events that the SDK has counted as lost, by reason.
        raised: Exceptions that came out of the guard into the application; there must be none.
        threads: Names of the package's threads that are alive after `close`.
        acts: How much it did, by kind.
        faults: Faults that were injected, by kind.
        memory: Resident bytes, at equal distances over its life.
    """

    kind: str
    pid: int = field(default_factory=os.getpid)
    sent: list[str] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    raised: list[str] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)
    acts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write it, at once and whole."""
        part = folder / f"{self.pid}.part"
        part.write_text(json.dumps(vars(self)))
        part.rename(folder / f"{self.pid}.json")

    @classmethod
    def read_all(cls, folder: Path) -> list[Report]:
        """Return all that were written."""
        reports = [cls(**json.loads(path.read_text())) for path in sorted(folder.glob("*.json"))]
        for report in reports:
            report.lost = Counter(report.lost)
            report.acts, report.faults = Counter(report.acts), Counter(report.faults)
        return reports


def resident_bytes() -> int:
    """Return how much memory this process has resident; 0 where that cannot be known."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
