"""`RedactingMetricExporter`: metrics without secrets in names, labels and exemplars."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar, cast

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    ResourceMetrics,
    ScopeMetrics,
)

from sentry_filters import Counters, Redactor

from ..redaction import Accounts, Cleaner, sdk_records
from .merging import DataPoint, put_together

_Item = TypeVar("_Item")


class RedactingMetricExporter(MetricExporter):
    """Redacts metrics in the export thread: names, descriptions, labels, exemplars, resource and scope.

    Label sets that become equal by redaction are merged by the metric's own rules. Fails closed: a metric
    that cannot be redacted, and a data point that cannot be merged, is withheld.

    Args:
        exporter: Gets the redacted metrics; its results and exceptions are passed on.
        redactor: Finds and replaces secrets.
        counters: Where redactions and withheld metrics are counted, usually a guard's.
    """

    def __init__(
        self, exporter: MetricExporter, redactor: Redactor, *, counters: Counters | None = None
    ) -> None:
        super().__init__(**sdk_records.preferences_of(exporter))
        self._exporter = exporter
        self._accounts = Accounts("metric", counters)
        self._cleaner = Cleaner(redactor, self._accounts.count_redaction)

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        """Export the metrics without secrets."""
        redacted = self._accounts.clean_each(metrics_data.resource_metrics, self._resource_metrics)
        if redacted is not metrics_data.resource_metrics:
            metrics_data = replace(metrics_data, resource_metrics=redacted)
        return self._exporter.export(metrics_data, timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """As the exporter's."""
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """As the exporter's."""
        self._exporter.shutdown(timeout_millis, **kwargs)

    def _resource_metrics(self, of_resource: ResourceMetrics) -> ResourceMetrics:
        return _changed(
            of_resource,
            resource=self._cleaner.resource(of_resource.resource),
            scope_metrics=self._accounts.clean_each(of_resource.scope_metrics, self._scope_metrics),
        )

    def _scope_metrics(self, of_scope: ScopeMetrics) -> ScopeMetrics:
        metrics = self._accounts.clean_each(of_scope.metrics, self._metric)
        self._accounts.count_exported(len(metrics))
        return _changed(of_scope, scope=self._cleaner.scope(of_scope.scope), metrics=metrics)

    def _metric(self, metric: Metric) -> Metric:
        data = metric.data
        points = [self._point(point) for point in data.data_points]
        if any(new is not old for new, old in zip(points, data.data_points, strict=True)):
            merged, left_out = put_together(data, points)
            for _ in range(left_out):
                self._accounts.withhold("series")
            data = cast("Any", replace)(data, data_points=merged)
        return _changed(
            metric,
            name=self._cleaner.value(metric.name),
            description=self._cleaner.value(metric.description),
            unit=self._cleaner.value(metric.unit),
            data=data,
        )

    def _point(self, point: DataPoint) -> DataPoint:
        old = dict(point.attributes or {})
        attributes = self._cleaner.attributes(old)
        exemplars = [self._exemplar(exemplar) for exemplar in point.exemplars]
        if attributes is old and all(new is old for new, old in zip(exemplars, point.exemplars, strict=True)):
            return point
        return replace(point, attributes=attributes, exemplars=exemplars)

    def _exemplar(self, exemplar: Exemplar) -> Exemplar:
        old = dict(exemplar.filtered_attributes or {})
        attributes = self._cleaner.attributes(old)
        return exemplar if attributes is old else replace(exemplar, filtered_attributes=attributes)


def _changed(record: _Item, **fields: object) -> _Item:
    """Return a copy of a frozen dataclass with these fields, the same object where all are the same."""
    if all(getattr(record, name) is value for name, value in fields.items()):
        return record
    return cast("_Item", cast("Any", replace)(record, **fields))
