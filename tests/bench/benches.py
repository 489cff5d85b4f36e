"""Which benchmarks there are. Each is a module with `TITLE` and `rows`."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from tests.bench.table import LeftOut, Row
from tests.bench.timing import Effort

BENCHES = (
    "spans",
    "failures",
    "records",
    "sentry",
    "threads",
    "start",
    "application",
    "redaction",
    "growth_size",
    "growth_catalogue",
    "growth_sessions",
    "audit",
    "shared",
)


def measured(name: str, effort: Effort) -> tuple[str, Sequence[Row | LeftOut]]:
    """Return a benchmark's title and figures."""
    # Imported only now: what one loads is no weight on the others.
    bench = importlib.import_module(f"tests.bench.{name}")
    return bench.TITLE, list(bench.rows(effort))
