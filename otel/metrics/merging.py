"""Data points whose label sets became equal, put together by their own kind's rules.

Two points of one series with equal labels would be an error to a receiver; what cannot be put together is
left out, and counted by the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import TypeVar, cast

from opentelemetry.sdk.metrics.export import (
    Buckets,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    NumberDataPoint,
    Sum,
)

DataPoint = NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint
Data = Sum | Gauge | Histogram | ExponentialHistogram

_MOST_BUCKETS = 160
"""What OpenTelemetry's specification recommends as the limit, and the SDK's views have by default."""

_Point = TypeVar("_Point", NumberDataPoint, HistogramDataPoint, ExponentialHistogramDataPoint)


def put_together(data: Data, points: Sequence[DataPoint]) -> tuple[list[DataPoint], int]:
    """Return `points` with one for each label set, in the order of their first, and how many were left out.

    Sums add up, also cumulative ones: each is the whole of its own series. Histograms add up bucket by
    bucket where their bounds agree, exponential ones after scaling down to the coarser. Of gauges the latest
    stays.
    """
    merge = cast("Callable[[DataPoint, DataPoint], DataPoint | None]", _RULES[type(data)])
    merged: dict[Hashable, DataPoint] = {}
    left_out = 0
    for point in points:
        labels = _frozen(point.attributes or {})
        known = merged.get(labels)
        if known is None:
            merged[labels] = point
            continue
        both = merge(known, point)
        if both is None:
            left_out += 1
        else:
            merged[labels] = both
    return list(merged.values()), left_out


def _added(one: NumberDataPoint, other: NumberDataPoint) -> NumberDataPoint:
    return replace(_spanning(one, other), value=one.value + other.value)


def _latest(one: NumberDataPoint, other: NumberDataPoint) -> NumberDataPoint:
    return other if other.time_unix_nano >= one.time_unix_nano else one


def _histogram(one: HistogramDataPoint, other: HistogramDataPoint) -> HistogramDataPoint | None:
    if tuple(one.explicit_bounds) != tuple(other.explicit_bounds):
        return None
    counts = [a + b for a, b in zip(one.bucket_counts, other.bucket_counts, strict=True)]
    return replace(
        _spanning(one, other),
        count=one.count + other.count,
        sum=one.sum + other.sum,
        bucket_counts=counts,
        min=min(one.min, other.min),
        max=max(one.max, other.max),
    )


def _exponential(
    one: ExponentialHistogramDataPoint, other: ExponentialHistogramDataPoint
) -> ExponentialHistogramDataPoint:
    scale = _common_scale(one, other)
    positive = [_scaled_down(point.positive, point.scale - scale) for point in (one, other)]
    negative = [_scaled_down(point.negative, point.scale - scale) for point in (one, other)]
    return replace(
        _spanning(one, other),
        count=one.count + other.count,
        sum=one.sum + other.sum,
        scale=scale,
        zero_count=one.zero_count + other.zero_count,
        positive=_added_buckets(*positive),
        negative=_added_buckets(*negative),
        min=min(one.min, other.min),
        max=max(one.max, other.max),
    )


def _common_scale(one: ExponentialHistogramDataPoint, other: ExponentialHistogramDataPoint) -> int:
    """Return the finest scale at which both together have no more buckets than an aggregation of the SDK.

    Between two distant values there are millions at a fine scale.
    """
    scale = min(one.scale, other.scale)
    for pair in ((one.positive, other.positive), (one.negative, other.negative)):
        ends = [
            (buckets.offset, buckets.offset + len(buckets.bucket_counts) - 1, point.scale)
            for point, buckets in zip((one, other), pair, strict=True)
            if buckets.bucket_counts
        ]
        most = max(_MOST_BUCKETS, *(last - first + 1 for first, last, _ in ends), 0)
        while ends and _span(ends, scale) > most:
            scale -= 1
    return scale


def _span(ends: Sequence[tuple[int, int, int]], scale: int) -> int:
    """Return how many buckets there are from the lowest to the highest, each given with its own scale."""
    first = min(first >> (own - scale) for first, _, own in ends)
    last = max(last >> (own - scale) for _, last, own in ends)
    return last - first + 1


def _scaled_down(buckets: Buckets, by: int) -> Buckets:
    """Return `buckets` at a scale lower by `by`: each of them covers 2**by of the old ones."""
    if by == 0 or not buckets.bucket_counts:
        return Buckets(buckets.offset >> by, buckets.bucket_counts)
    offset = buckets.offset >> by
    counts = [0] * (((buckets.offset + len(buckets.bucket_counts) - 1) >> by) - offset + 1)
    for index, count in enumerate(buckets.bucket_counts, buckets.offset):
        counts[(index >> by) - offset] += count
    return Buckets(offset, counts)


def _added_buckets(one: Buckets, other: Buckets) -> Buckets:
    if not one.bucket_counts or not other.bucket_counts:
        return one if one.bucket_counts else other
    offset = min(one.offset, other.offset)
    padded = [[0] * (buckets.offset - offset) + list(buckets.bucket_counts) for buckets in (one, other)]
    return Buckets(offset, [a + b for a, b in zip_longest(*padded, fillvalue=0)])


def _spanning(one: _Point, other: _Point) -> _Point:
    return replace(
        one,
        start_time_unix_nano=min(one.start_time_unix_nano or 0, other.start_time_unix_nano or 0),
        time_unix_nano=max(one.time_unix_nano, other.time_unix_nano),
        exemplars=[*one.exemplars, *other.exemplars],
    )


def _frozen(value: object) -> Hashable:
    if isinstance(value, Mapping):
        return frozenset((key, _frozen(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    # 1, 1.0 and True are equal, and different labels all the same.
    return (type(value), value if isinstance(value, Hashable) else repr(value))


_RULES: Mapping[type, Callable[..., DataPoint | None]] = {
    Sum: _added,
    Gauge: _latest,
    Histogram: _histogram,
    ExponentialHistogram: _exponential,
}
