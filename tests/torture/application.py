"""An application, set up as its authors would: Sentry, all three signals of OpenTelemetry, and a guard."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import sentry_sdk
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from sentry_sdk.transport import HttpTransport

from otel import (
    GuardedLogRecordProcessor,
    GuardedSpanProcessor,
    RedactingMetricExporter,
    emit_decisions,
    emit_session_expired,
    observe_counters,
)
from sentry_filters import Ledger, Policy, RedisSessions, SessionGuard
from tests.torture.chaos import bad_handler
from tests.torture.hooks import OwnHooks
from tests.torture.leftovers import open_things, own_threads, own_threads_and_places
from tests.torture.memory import peak_bytes
from tests.torture.reports import Report
from tests.torture.task import Task
from tests.torture.traffic import Traffic

_LEAVING_SECONDS = 2.0  # for a handler that is in the middle of its work
_EXPORT_MILLIS = 200
LEAVES_EARLY = ("ends", "terminated")
_KEY = "the same in each process"


class Application:
    """The parts of one process.

    Args:
        task: Its task.
        stack: Closes its HTTP client.
    """

    def __init__(self, task: Task, stack: ExitStack) -> None:
        self.task = task
        self.report = Report(task.kind, shared=task.redis is not None)
        self.chance = random.Random(task.seed)
        self._at_birth = open_things(task)
        policy = Policy(provider="OpenHuman", hosts={task.backend}, secret_keys=["note"])
        ledger = Ledger(task.ledger, release=f"torture@{task.kind}") if task.guarded else None
        shared = RedisSessions(task.redis, namespace="torture", key=_KEY) if task.redis else None
        self.guard = SessionGuard(policy, bad_handler(self.chance), audit=ledger, shared=shared)
        self._set_up_sentry()
        self._set_up_opentelemetry()
        self.traffic = self._traffic(stack)

    def flush(self, seconds: float) -> None:
        """Send what is pending."""
        sentry_sdk.flush(seconds)
        for provider in (self.spans, self.logs, self.metrics):
            provider.force_flush(int(seconds * 1000))

    def close(self) -> None:
        """End as applications should, and look at what is left."""
        sentry_sdk.flush(10.0)
        sentry_sdk.get_client().close(timeout=5.0)
        for provider in (self.spans, self.logs, self.metrics):
            provider.shutdown()
        self.guard.close(timeout=10.0)
        left = time.monotonic() + _LEAVING_SECONDS
        while own_threads() and time.monotonic() < left:
            time.sleep(0.05)
        self.report.threads = own_threads_and_places()
        self.report.files = sorted(open_things(self.task) - self._at_birth)
        self.write()

    def write(self) -> None:
        """Write the report."""
        # Ending, the SDK waits for two seconds and forgets the rest, uncounted; one may be on its way.
        waiting = self._sending.qsize()
        self.report.pending = waiting + 1 if waiting or self.task.kind in LEAVES_EARLY else 0
        self.report.peak = peak_bytes()
        self.report.write(Path(self.task.folder))

    def begin_anew(self, kind: str) -> None:
        """Become a forked child: whatever it inherited open belongs to the parent.

        The guard stays as it is. Sentry's queue, the metrics of OpenTelemetry and httpx's pool have locks
        that may be held during the fork, and that nobody releases in the child: like an application that
        forks beside live threads, it sets these up anew.
        """
        self.report.begin_anew(kind)
        self._at_birth = open_things(self.task)
        self._set_up_sentry()
        self._set_up_opentelemetry()
        self.traffic = self._traffic(ExitStack())

    def _traffic(self, stack: ExitStack) -> Traffic:
        task = self.task
        client = stack.enter_context(httpx.Client(timeout=5.0))
        return Traffic(
            guard=self.guard,
            client=self.guard.instrument(client) if task.guarded else client,
            tracer=self.spans.get_tracer("torture"),
            logger=self.logs.get_logger("torture"),
            meter=self.metrics.get_meter("torture"),
            backend=f"http://{task.backend}/v1",
            other=f"http://{task.other}/v1",
            canary=task.canary,
            report=self.report,
        )

    def _set_up_sentry(self) -> None:
        report = self.report

        class Counting(HttpTransport):
            def record_lost_event(
                self, reason: str, data_category: Any = None, item: Any = None, **more: Any
            ) -> None:
                category = data_category or (None if item is None else item.data_category)
                if category == "error":
                    report.lost[reason] += more.get("quantity", 1)
                super().record_lost_event(reason, data_category, item, **more)

        options: Mapping[str, Any] = {
            "dsn": self.task.sentry, "transport": Counting, "traces_sample_rate": 0.3, "enable_logs": True,
            "before_send": OwnHooks(report, random.Random(self.task.seed)).before_send, "max_breadcrumbs": 5,
        }  # fmt: skip
        sentry_sdk.init(**(self.guard.sentry_options(**options) if self.task.guarded else options))
        transport: Any = sentry_sdk.get_client().transport
        self._sending = transport._worker._queue  # nothing public tells what waits there

    def _set_up_opentelemetry(self) -> None:
        guard, guarded, base = self.guard, self.task.guarded, self.task.otlp
        self.spans = TracerProvider(
            active_span_processor=GuardedSpanProcessor(guard) if guarded else None, shutdown_on_exit=False
        )
        spans = OTLPSpanExporter(f"{base}/v1/traces", timeout=1)
        self.spans.add_span_processor(BatchSpanProcessor(spans, schedule_delay_millis=_EXPORT_MILLIS))
        self.logs = LoggerProvider(
            multi_log_record_processor=GuardedLogRecordProcessor(guard) if guarded else None,
            shutdown_on_exit=False,
        )
        logs = OTLPLogExporter(f"{base}/v1/logs", timeout=1)
        self.logs.add_log_record_processor(
            BatchLogRecordProcessor(logs, schedule_delay_millis=_EXPORT_MILLIS)
        )
        metrics = OTLPMetricExporter(f"{base}/v1/metrics", timeout=1)
        exporter = RedactingMetricExporter(metrics, guard.redactor, counters=guard.counters)
        reader = PeriodicExportingMetricReader(
            exporter if guarded else metrics, export_interval_millis=2 * _EXPORT_MILLIS
        )
        self.metrics = MeterProvider([reader], shutdown_on_exit=False)
        if guarded:
            observe_counters(guard, self.metrics)
            emit_session_expired(guard, self.logs)
            emit_decisions(guard, self.logs)
