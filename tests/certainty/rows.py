"""A row of the table of the session's life, what is due, and the cells in which it is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.certainty.deployment import PROCESSES, Deployment, Seen, Workers
from tests.certainty.setting import Handlers, Mode, Setting
from tests.certainty.telemetry import HAS_HTTP_SPANS
from tests.support.backend import LLMBackend
from tests.support.receiver import SentryReceiver
from tests.support.tokens import TokenEndpoint

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
        by_http_spans: Whether spans show anything only where an instrumentation makes some of the calls.
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
    by_http_spans: bool = False
    only_one: bool = False
    several: int | None = 0
    recovered: bool = False
    violation: str | None = None
    faults: int = 0


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row.

    Args:
        life: What happens.
        rule: What is due, in words.
        due: What is due, in numbers.
        story: Lets it happen, and looks at what only shows in between.
        policy: Further fields of the policy.
        handlers: Whether somebody subscribes.
        chained: Whether a second guard stands behind the first.
    """

    life: str
    rule: str
    due: Due
    story: Callable[[Deployment], None]
    policy: Mapping[str, Any] = field(default_factory=dict)
    handlers: Handlers = "listening"
    chained: bool = False


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
    def processes(self) -> int:
        """How many processes there are in it."""
        return PROCESSES if self.set_up == "redis" else 1

    @property
    def reasons(self) -> frozenset[str]:
        """The reasons that are due in it."""
        due = self.row.due
        of_spans = due.reasons if due.span_reasons is None else due.span_reasons
        of_sentry = due.reasons if self.has_sentry else frozenset()
        return of_sentry | (of_spans if self.has_spans and shows_in_spans(due) else frozenset())

    @property
    def events(self) -> int:
        """How many error events are due in Sentry."""
        due = self.row.due
        return due.events * (1 if due.only_one else self.processes) if self.has_sentry else 0

    @property
    def traces(self) -> int:
        """How many failed traces are due, with an instrumentation of HTTP clients."""
        due = self.row.due
        return due.traces * (1 if due.only_one else self.processes) if self.has_spans else 0

    def run(self, workers: Workers | None) -> Seen:
        """Let the row happen in real processes, and return what was seen of it.

        Args:
            workers: The eight processes, for the set-up that needs them.
        """
        with ExitStack() as stack:
            backend, other = (stack.enter_context(LLMBackend()) for _ in range(2))
            receiver = stack.enter_context(SentryReceiver())
            tokens = stack.enter_context(TokenEndpoint(backend))
            setting = Setting(
                mode=self.mode,
                sentry=self.has_sentry,
                opentelemetry=self.has_spans,
                dsn=receiver.dsn,
                backend=backend.address,
                other=other.address,
                tokens=tokens.url,
                policy=self.row.policy,
                handlers=self.row.handlers,
                chained=self.row.chained,
            )
            processes = []
            if self.set_up == "redis":
                assert workers is not None
                setting, processes = workers.of_a_row(setting), workers.processes
            deployment = Deployment(setting, (backend, other, receiver, tokens), processes)
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
    published = sum(report.published for report in reports)
    yield "published", published, due.published
    yield "told", sum(report.told for report in reports), due.published if due.told is None else due.told
    yield "the gate is open", {report.is_open for report in reports}, {due.is_open}
    yield "reasons", frozenset(one for report in reports for one in report.reasons), cell.reasons
    yield "events", list(seen.events), [due.tag] * cell.events
    failed = sum(report.failed_traces for report in reports)
    yield "failed traces", failed, cell.traces if shows_in_spans(due) else 0
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


def shows_in_spans(due: Due) -> bool:
    """Say whether spans can show what is due, with what is installed here."""
    return HAS_HTTP_SPANS or not due.by_http_spans
