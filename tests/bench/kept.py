"""The figures of a run as a file: what the documents quote. It identifies neither a machine nor a folder."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from tests.bench.table import LeftOut, Row

_LIBRARIES = (
    "bugsnag", "datafog", "detect-secrets", "elastic-apm", "fastapi", "google-re2", "logfire",
    "loggingredactor", "openai", "opentelemetry-sdk", "redis", "rollbar", "sentry-relay", "sentry-sdk",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Figures, and what they were measured on.

    Args:
        date: The day, in UTC.
        python: Implementation and version.
        machine: Of which architecture.
        cpus: How many there are.
        libraries: The versions of all libraries that took part.
        figures: By benchmark and by what was measured.
        left_out: What could not be measured, by benchmark, and why.
        share: Of the usual effort; a small one says that the figures are not to be relied on.
    """

    date: str
    python: str
    machine: str
    cpus: int
    libraries: Mapping[str, str]
    figures: dict[str, dict[str, Row]] = field(default_factory=dict)
    left_out: dict[str, dict[str, str]] = field(default_factory=dict)
    share: float = 1.0

    @classmethod
    def of_this_machine(cls, share: float = 1.0) -> Self:
        """Return one without figures."""
        return cls(
            share=share,
            date=datetime.now(UTC).date().isoformat(),
            python=f"{platform.python_implementation()} {platform.python_version()}",
            machine=platform.machine(),
            cpus=os.cpu_count() or 0,
            libraries={name: version for name in _LIBRARIES if (version := _version(name))},
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        figures: dict[str, dict[str, Row]] = {}
        for one in data.pop("figures"):
            bench = one.pop("bench")
            figures.setdefault(bench, {})[one["what"]] = Row(**one)
        return cls(figures=figures, **data)

    def write(self, path: Path) -> None:
        """Write everything."""
        figures = [
            {"bench": bench, **{name: _rounded(value) for name, value in asdict(row).items()}}
            for bench, rows in self.figures.items()
            for row in rows.values()
        ]
        data = {
            "date": self.date,
            "python": self.python,
            "machine": self.machine,
            "cpus": self.cpus,
            "libraries": self.libraries,
            "share": self.share,
            "left_out": self.left_out,
            "figures": figures,
        }
        path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @property
    def setting(self) -> str:
        """What was measured on, in a line."""
        sdks = ", ".join(f"{name} {self.libraries[name]}" for name in ("sentry-sdk", "opentelemetry-sdk"))
        trial = "" if self.share == 1.0 else f"; **a trial run, {self.share:g} of the usual length**"
        return f"{self.python}, {self.machine}, {self.cpus} cores, {sdks}, {self.date}{trial}"

    def add(self, bench: str, rows: Iterable[Row | LeftOut]) -> None:
        """Take the figures of one benchmark."""
        for row in rows:
            if isinstance(row, LeftOut):
                self.left_out.setdefault(bench, {})[row.what] = row.why
            else:
                self.figures.setdefault(bench, {})[row.what] = row


def _rounded(figure: float | str | None) -> float | str | None:
    return round(figure, 4) if isinstance(figure, float) else figure


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return ""
