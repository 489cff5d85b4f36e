"""A row of the table of the session's life, what is due, and the cells in which it is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.certainty.deployment import Deployment, Seen, Workers
from tests.certainty.setting import Handlers, Mode, Setting
from tests.certainty.telemetry import HAS_HTTP_SPANS
from tests.support.backend import LLMBackend
from tests.support.receiver import SentryReceiver

SetUp = Literal["sentry", "opentelemetry", "both", "redis"]

SET_UPS: tuple[SetUp, ...] = ("sentry", "opentelemetry", "both", "redis")
MODES: tuple[Mode, ...] = ("sync", "async")
OURS = "backend_session_expired"


@dataclass(frozen=True, kw_only=True)
class Due:
    """What is due at the end of a row, over all processes.

    Args:
        published: Expiries that were published.
        told: How many of them a handler was told of; None for all.
        is_open: Whether the gate is open, in every process.
        reasons: Under which the failures were decided that Sentry saw.
        span_reasons: The same for spans; None for the same ones.
        events: Error events that each process lets reach Sentry.
        tag: Their tag `session_expired`.
        traces: Failed traces that each process lets leave.
        only_one: Whether `events` and `traces` are those of all processes together.
        several: WARNINGs of several credentials in each process; None where it depends on who finds out.
        recovered: Whether a success ended an expiry.
        violation: The invariant that turns red.
        faults: Faults of the guard's own, over all processes.
    """

    published: int = 0
    told: int | None = None
    is_open: bool = True
    reasons: frozenset[str] = frozenset()
    span_reasons: frozenset[str] | None = None
    events: int = 0
    tag: str | None = None
    traces: int = 0
    only_one: bool = False
    several: int | None = 0
    recovered: bool = False
    violation: str | None = None
    faults: int = 0

    def reasons_in(self, cell: Cell) -> frozenset[str]:
        """Return the reasons that are due in a cell."""
        of_spans = self.reasons if self.span_reasons is None else self.span_reasons
        sentry = self.reasons if cell.has_sentry else frozenset()
        return sentry | (of_spans if cell.has_spans else frozenset())


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row.

    Args:
        life: What happens.
        rule: What is due, in words.
        due: What is due, in numbers.
        story: Lets it happen, and looks at what only shows in between; None for what is not built yet.
        policy: Further fields of the policy.
        handlers: Whether somebody subscribes.
        chained: Whether a second guard stands behind the first.
        unstarted: Why the row cannot be tried in a mode.
    """

    life: str
    rule: str
    due: Due
    story: Callable[[Deployment], None] | None
    policy: Mapping[str, Any] = field(default_factory=dict)
    handlers: Handlers = "listening"
    chained: bool = False
    unstarted: Mapping[Mode, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A row in a set-up and a mode."""

    row: Row
    set_up: SetUp
    mode: Mode

    @property
    def has_sentry(self) -> bool:
        """Whether there is Sentry in it."""
        return self.set_up != "opentelemetry"

    @property
    def has_spans(self) -> bool:
        """Whether there is OpenTelemetry in it."""
        return self.set_up != "sentry"

    @property
    def name(self) -> str:
        """Its name."""
        return f"{self.row.life}-{self.set_up}-{self.mode}"

    @property
    def why_not(self) -> str | None:
        """Why it cannot be tried, None where it can."""
        if self.row.story is None:
            return "not yet"
        return self.row.unstarted.get(self.mode)

    def run(self, workers: Workers | None) -> Seen:
        """Let the row happen in real processes, and return what was seen of it.

        Args:
            workers: The eight processes, for the set-up that needs them.
        """
        assert self.row.story is not None
        with ExitStack() as stack:
            backend, other = (stack.enter_context(LLMBackend()) for _ in range(2))
            receiver = stack.enter_context(SentryReceiver())
            setting = Setting(
                mode=self.mode,
                sentry=self.has_sentry,
                opentelemetry=self.has_spans,
                dsn=receiver.dsn,
                backend=backend.address,
                other=other.address,
                policy=self.row.policy,
                handlers=self.row.handlers,
                chained=self.row.chained,
            )
            processes = []
            if self.set_up == "redis":
                assert workers is not None
                setting, processes = workers.of_a_row(setting), workers.processes
            deployment = Deployment(setting, (backend, other, receiver), processes)
            try:
                self.row.story(deployment)
            finally:
                seen = deployment.end()
            return seen


def differences(cell: Cell, seen: Seen) -> list[str]:
    """Return what was seen that is not due, and the reverse, in sentences."""
    due = cell.row.due
    return [
        f"{what}: {found!r}, where {expected!r} is due"
        for what, found, expected in _compared(cell, due, seen)
        if found != expected
    ]


def _compared(cell: Cell, due: Due, seen: Seen) -> Iterator[tuple[str, object, object]]:
    reports = seen.reports
    processes = 8 if cell.set_up == "redis" else 1
    shown_by = 1 if due.only_one else processes
    published = sum(report.published for report in reports)
    yield "published", published, due.published
    yield "told", sum(report.told for report in reports), due.published if due.told is None else due.told
    yield "the gate is open", {report.is_open for report in reports}, {due.is_open}
    yield "reasons", frozenset(one for report in reports for one in report.reasons), due.reasons_in(cell)
    yield "events", list(seen.events), [due.tag] * (due.events * shown_by if cell.has_sentry else 0)
    failed = sum(report.failed_traces for report in reports)
    yield "failed traces", failed, due.traces * shown_by if cell.has_spans else 0
    if due.several is not None:
        yield "warned of several", {report.several for report in reports}, {due.several}
    yield "recovered", any(report.recovered for report in reports), due.recovered
    broken = {one for report in reports for one in report.violations}
    yield "violations", broken, set() if due.violation is None else {due.violation}
    # What holds in every row.
    yield "told in OpenTelemetry", sum(one.announced for one in reports), published if cell.has_spans else 0
    yield "told in Sentry", seen.informed, published if cell.has_sentry else 0
    yield "faults", sum(report.faults for report in reports), due.faults
    yield "unbalanced", [one for report in reports for one in report.unbalanced], []


HTTP_SPANS = int(HAS_HTTP_SPANS)
"""How many failed traces a failed call makes whose own span does not fail."""
