"""What each process reports about itself when it ends properly."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

_IN_HOOKS = ("before_send", "callback_error")
"""The SDK's reasons; its older versions count a hook that raises as one that drops the event."""


@dataclass(repr=False)
class Report:
    """The report of one process.

    Args:
        kind: What kind of process it was.
        pid: Its process id.
        sent: Marks of the reports that must arrive, or be in the SDK's client reports.
        taken: Marks of those that the application's own hook dropped, by raising or by returning nothing.
        lost: Error events that the SDK has counted as lost, by reason.
        pending: Envelopes that the SDK still had in its queue when the process ended, at most.
        raised: Exceptions that the guard raised into the application; there must be none.
        threads: The package's threads that are alive after `close`, and where they are.
        files: The package's files and connections that are open after `close`.
        acts: How much it did, by kind.
        faults: Faults that were injected, by kind.
        memory: Resident bytes at quiet moments, at equal distances over its life.
        peak: The most resident bytes that it had at any moment.
        shared: Whether it shared its sessions through Redis.
    """

    kind: str
    pid: int = field(default_factory=os.getpid)
    sent: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    pending: int = 0
    raised: list[str] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    acts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)
    peak: int = 0
    shared: bool = False

    @property
    def lost_in_hooks(self) -> int:
        """How many error events the SDK has counted as dropped because a hook said so, or raised."""
        return sum(self.lost[reason] for reason in _IN_HOOKS)

    @property
    def lost_elsewhere(self) -> int:
        """How many it has counted as lost for any other reason."""
        return self.lost.total() - self.lost_in_hooks

    def begin_anew(self, kind: str) -> None:
        """Become the report of a forked child: what the parent did belongs to the parent."""
        self.pid, self.kind, self.peak = os.getpid(), kind, 0
        for listed in (self.sent, self.taken, self.raised, self.threads, self.files, self.memory):
            listed.clear()
        for counted in (self.lost, self.acts, self.faults):
            counted.clear()

    def write(self, folder: Path) -> None:
        """Write it in one atomic step."""
        part = folder / f"{self.pid}.part"
        part.write_text(json.dumps(vars(self)))
        part.rename(folder / f"{self.pid}.json")

    @classmethod
    def read_all(cls, folder: Path) -> list[Report]:
        """Return all reports that were written."""
        reports = [cls(**json.loads(path.read_text())) for path in sorted(folder.glob("*.json"))]
        for report in reports:
            report.lost = Counter(report.lost)
            report.acts, report.faults = Counter(report.acts), Counter(report.faults)
        return reports
