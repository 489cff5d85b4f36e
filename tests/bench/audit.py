"""What the ledger adds to the thread that decides, beside the SDK's own work on one event."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import sentry_sdk

from sentry_filters import Ledger, Policy, SessionGuard
from tests.bench.events import clean_event
from tests.bench.sentry import DSN, Sink
from tests.bench.table import Row, show
from tests.bench.timing import side_by_side
from tests.support.sentry import initialised

POLICY = Policy(provider="OpenHuman", hosts={"api.example.ai"})
TAGS = {
    "domain": "llm_provider",
    "operation": "chat_completions",
    "provider": "OpenHuman",
    "status": "401",
    "failure": "non_2xx",
}
HINT = {"exc_info": (ValueError, ValueError("x"), None)}


def run() -> bool:
    """Print the table, and return whether the ledger adds no more than the project allows itself."""
    return show("The ledger, on the thread that decides (its own thread writes all the while)", rows())


def rows() -> list[Row]:
    """Return the figures."""
    healthy = clean_event()
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.db", queue_size=5_000_000)
        without = SessionGuard(POLICY, lambda event: None)
        with_ledger = SessionGuard(POLICY, lambda event: None, audit=ledger)
        with initialised(dsn=DSN, transport=Sink, send_default_pii=True):
            client = sentry_sdk.get_client()
            acts: dict[str, Callable[[], object]] = {
                "capture_event": lambda: client.capture_event(dict(healthy), HINT),
                "ours": _hook(without, {**healthy, "tags": TAGS}),
                "ours, ledger": _hook(with_ledger, {**healthy, "tags": TAGS}),
                "third party's": _hook(without, {**healthy, "tags": {**TAGS, "provider": "OpenAI"}}),
                "third party's, ledger": _hook(
                    with_ledger, {**healthy, "tags": {**TAGS, "provider": "OpenAI"}}
                ),
                "healthy": _hook(without, healthy),
                "healthy, ledger": _hook(with_ledger, healthy),
            }
            taken = side_by_side(acts)
        with_ledger.close(timeout=60.0)
        without.close()
        lost = with_ledger.counters.get("audit_lost")
    capture = taken["capture_event"]
    figures = [Row("capture_event (sentry-sdk alone, 40 KB)", capture.median, capture.p99)]
    for name in ("ours", "third party's", "healthy"):
        bare, audited = taken[name], taken[f"{name}, ledger"]
        added = audited.median - bare.median
        what = f"added to before_send ({name}) / capture_event"
        figures.append(Row(what, added, audited.p99 - bare.median, added / capture.median, 0.05))
    figures.append(Row("records lost", 0, lost))
    return figures


def _hook(guard: SessionGuard, event: dict[str, object]) -> Callable[[], object]:
    hook = guard.sentry_options()["before_send"]
    return lambda: hook(event, HINT)
