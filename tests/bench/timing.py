"""Timing side by side: what is compared runs in turn within one process, and ratios are what counts."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Microseconds for one call: the median, and the 99th percentile."""

    median: float
    p99: float


def side_by_side(
    acts: Mapping[str, Callable[[], object]], *, seconds: float = 2.0, rounds: int = 400
) -> dict[str, Timing]:
    """Time each of `acts`, taking turns so that a machine whose speed drifts is fair to all.

    Args:
        acts: What to call, by name.
        seconds: About how long each is called in all.
        rounds: How many turns each has; each turn calls often enough to be measurable.
    """
    repeats = {name: _repeats(act, seconds / rounds) for name, act in acts.items()}
    samples: dict[str, list[float]] = {name: [] for name in acts}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, act in acts.items():
                samples[name].append(_turn(act, repeats[name]))
    finally:
        gc.enable()
    return {name: _timing(taken) for name, taken in samples.items()}


def _repeats(act: Callable[[], object], budget: float) -> int:
    act()
    once = max(_turn(act, 3), 0.05) / 1e6
    return max(1, min(1_000, int(budget / once)))


def _turn(act: Callable[[], object], repeats: int) -> float:
    started = time.perf_counter_ns()
    for _ in range(repeats):
        act()
    return (time.perf_counter_ns() - started) / repeats / 1_000


def _timing(samples: list[float]) -> Timing:
    return Timing(statistics.median(samples), statistics.quantiles(samples, n=100)[98])
