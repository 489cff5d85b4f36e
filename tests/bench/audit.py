"""What the ledger adds to the thread that decides, beside the SDK's own work on one event."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from sentry_filters import Ledger, SessionGuard
from tests.bench.edge import HINT, OURS, POLICY, THIRD_PARTYS, client
from tests.bench.events import clean_event
from tests.bench.table import Row, plain, rated
from tests.bench.timing import Effort, side_by_side

TITLE = "The ledger, on the thread that decides (its own thread writes all the while)"


def rows(effort: Effort) -> Iterator[Row]:
    """Measure the hook with a ledger and without, beside the SDK's own work on one event."""
    healthy = clean_event()
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.db", queue_size=5_000_000)
        without = SessionGuard(POLICY, lambda event: None)
        with_ledger = SessionGuard(POLICY, lambda event: None, audit=ledger)
        bare = client()
        acts: dict[str, Callable[[], object]] = {
            "capture_event": lambda: bare.capture_event(dict(healthy), HINT),  # type: ignore[arg-type]
            "ours": _hook(without, {**healthy, "tags": OURS}),
            "ours, ledger": _hook(with_ledger, {**healthy, "tags": OURS}),
            "third party's": _hook(without, {**healthy, "tags": THIRD_PARTYS}),
            "third party's, ledger": _hook(with_ledger, {**healthy, "tags": THIRD_PARTYS}),
            "healthy": _hook(without, healthy),
            "healthy, ledger": _hook(with_ledger, healthy),
        }
        taken = side_by_side(acts, effort)
        bare.close(timeout=0)
        with_ledger.close(timeout=60.0)
        without.close()
        lost = with_ledger.counters.get("audit_lost")
    capture = taken["capture_event"]
    yield plain("capture_event (sentry-sdk alone, 40 KB)", capture)
    for name in ("ours", "third party's", "healthy"):
        plainly, audited = taken[name], taken[f"{name}, ledger"]
        share = audited.over(capture).less(plainly.over(capture).median)
        what = f"the ledger: added to before_send ({name}) / capture_event"
        yield rated(what, audited.median - plainly.median, audited.p99 - plainly.p99, share, 0.05)
    yield Row("records lost", lost, lost)


def _hook(guard: SessionGuard, event: dict[str, object]) -> Callable[[], object]:
    hook = guard.sentry_options()["before_send"]
    return lambda: hook(event, HINT)
