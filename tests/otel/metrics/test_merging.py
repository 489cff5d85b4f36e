"""Data points whose labels became equal are put together by their kind's rules, or left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    InMemoryMetricReader,
    NumberDataPoint,
)
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from otel.metrics.merging import put_together

LABELS = {"key": "[REDACTED]"}


def number(value: float, at: int, **labels: Any) -> NumberDataPoint:
    return NumberDataPoint(labels or LABELS, 1, at, value)


def histogram(bounds: list[float], counts: list[int]) -> HistogramDataPoint:
    return HistogramDataPoint(LABELS, 1, 2, sum(counts), 1.0, counts, bounds, 0.0, 9.0)


def test_of_gauges_the_latest_stays() -> None:
    points, left_out = put_together(Gauge([]), [number(1, at=5), number(2, at=3), number(3, at=4, other=1)])
    assert [(point.attributes, point.value) for point in points] == [(LABELS, 1), ({"other": 1}, 3)]  # type: ignore[union-attr]
    assert left_out == 0


def test_labels_of_another_type_are_another_series() -> None:
    points, _ = put_together(Gauge([]), [number(1, 1, n=1), number(2, 1, n=True), number(3, 1, n="1")])
    assert len(points) == 3


def test_histograms_with_other_bounds_are_left_out() -> None:
    data = Histogram([], AggregationTemporality.DELTA)
    same = [histogram([1.0], [1, 2]), histogram([1.0], [3, 4])]
    points, left_out = put_together(data, [*same, histogram([2.0], [9, 9])])
    assert [(point.bucket_counts, point.count) for point in points] == [([4, 6], 10)]  # type: ignore[union-attr]
    assert left_out == 1


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=20), min_size=2, max_size=4))
def test_exponential_histograms_hold_every_measurement_in_its_bucket(groups: list[list[float]]) -> None:
    view = View(instrument_name="h", aggregation=ExponentialBucketHistogramAggregation(max_size=20))
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader], Resource({}), views=[view]).get_meter("t")
    recorded = meter.create_histogram("h")
    for index, group in enumerate(groups):
        for value in group:
            recorded.record(value, {"group": index})
    collected = reader.get_metrics_data()
    assert collected is not None
    data: Any = collected.resource_metrics[0].scope_metrics[0].metrics[0].data
    ((point,), left_out) = put_together(data, [replace(one, attributes=LABELS) for one in data.data_points])
    merged: Any = point
    values = [value for group in groups for value in group]
    assert left_out == 0
    assert merged.count == len(values) == sum(merged.positive.bucket_counts) + merged.zero_count
    assert (merged.min, merged.max) == (min(values), max(values))
    assert len(merged.positive.bucket_counts) <= 160, "each group alone has 20 at most"
    base = 2 ** (2**-merged.scale)
    for index, count in enumerate(merged.positive.bucket_counts, merged.positive.offset):
        low, high = base**index, base ** (index + 1)
        slack = 1e-9 * high
        inside = sum(low + slack < value <= high - slack for value in values)
        assert inside <= count
