"""`check`: sends canaries through the application's own set-up, and says which arrived with their secret."""

from __future__ import annotations

import contextvars
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points

import sentry_sdk
from sentry_sdk.client import BaseClient

from sentry_filters.guard import SessionGuard
from sentry_filters.testing.canaries import Canaries
from sentry_filters.testing.rehearsal import Rehearsal
from sentry_filters.testing.report import CheckedPath, Outcome, Report, fault_at
from sentry_filters.testing.sentry import SentryCheck

GROUP = "sentry_filters.checks"
"""Entry points of further edges' checks; each is an `EdgeCheck`."""

_KNOWN = ("opentelemetry",)
"""Packages whose telemetry leaves, and that should have a check."""

EdgeCheck = Callable[[SessionGuard, Canaries, Rehearsal], Iterator[CheckedPath]]
"""Checks an edge, inside a rehearsal of the guard."""


def check(guard: SessionGuard, *, client: BaseClient | None = None) -> Report:
    """Send canaries through the application's own Sentry client and OpenTelemetry providers.

    Nothing reaches the network: the last step of sending is replaced, in Sentry for a stand-in of the
    client, in OpenTelemetry at the exporters for what carries the check's trace id. Nothing is published,
    counted, written to the ledger or remembered, and everything is as before afterwards. What other threads
    report meanwhile is handled as usual.

    Never raises: a check that fails itself is a path with the outcome FAULT. `Report.raise_for_leaks` raises.

    Args:
        guard: The guard that everything should pass through.
        client: The Sentry client; the current one by default.
    """
    sentry = sentry_sdk.get_client() if client is None else client
    return checked(guard, {"sentry": lambda *parts: SentryCheck(sentry, *parts).paths(), **_further_edges()})


def checked(guard: SessionGuard, edges: dict[str, EdgeCheck]) -> Report:
    """Run the checks of these edges, by name, in one rehearsal. Never raises."""
    # A context of its own: no scope, span or flag of the check's stays behind.
    return contextvars.copy_context().run(_checked, guard, edges)


def _checked(guard: SessionGuard, edges: dict[str, EdgeCheck]) -> Report:
    began = time.perf_counter()
    canaries = Canaries()
    rehearsal = Rehearsal(guard, canaries.run)
    paths: list[CheckedPath] = []
    with rehearsal.held(), guard.redactor.registered(canaries.live):
        for name, edge in edges.items():
            paths += _guarded(name, edge, guard, canaries.afresh(), rehearsal)
    return Report(paths=tuple(paths), seconds=time.perf_counter() - began)


def _guarded(
    name: str, edge: EdgeCheck, guard: SessionGuard, canaries: Canaries, rehearsal: Rehearsal
) -> Iterator[CheckedPath]:
    try:
        yield from edge(guard, canaries, rehearsal)
    except Exception as error:  # noqa: BLE001 - a check must never break the application that it checks
        yield fault_at(name, error)


def _further_edges() -> dict[str, EdgeCheck]:
    edges: dict[str, EdgeCheck] = {}
    for entry_point in entry_points(group=GROUP):
        name = entry_point.name  # of the package whose telemetry it checks
        if name in sys.modules:
            edges[name] = _loaded(entry_point)
        else:
            edges[name] = _unchecked(name, Outcome.OFF, "the application has not loaded it")
    for name in _KNOWN:
        if name in sys.modules and name not in edges:
            edges[name] = _unchecked(name, Outcome.NOT_COVERED, "its check is not installed: install again")
    return edges


def _loaded(entry_point: EntryPoint) -> EdgeCheck:
    return lambda *parts: entry_point.load()(*parts)  # noqa: PLW0108 - what fails to load is a fault of its path


def _unchecked(name: str, outcome: Outcome, detail: str) -> EdgeCheck:
    return lambda *_: iter([CheckedPath(path=name, outcome=outcome, detail=detail)])
