"""Timing side by side: what is compared takes turns within one process, and only ratios count.

For a ratio at a quantile, each block's quantile with the guard is divided by the one without it, and the
median over the run's blocks is taken; every call is timed by itself. A machine that is slow for a while
spoils a block, not the figure.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Clock = Callable[[], int]

# Of each act in a block: so many that a slow act is called once in each. What is called in a row finds its
# own memory in the processor's caches, what is called next does not: a tail of the measurement's own.
_MOST_TURNS = 400
_MOST_CALLS = 2_000  # in one turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is measured.

    Args:
        blocks: Into how many blocks a run is divided.
        seconds: About how long each act is called in all; a slow act at least once in each block.
        items: How many events or spans the threads share, and how many sessions are known at most.
        size: The largest event, in bytes.
    """

    blocks: int = 10
    seconds: float = 0.5
    items: int = 100_000
    size: int = 10_000_000

    def longer(self, times: float) -> Effort:
        """Return the same with more time for each act."""
        return Effort(blocks=self.blocks, seconds=self.seconds * times, items=self.items, size=self.size)


QUICK = Effort(blocks=2, seconds=0.002, items=40, size=10_000)
"""So little that the figures say nothing: shows that a benchmark runs."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something to time.

    Args:
        work: Called with what `prepare` returned, and timed.
        prepare: Called before each `work`, and not timed.
        calls: How many calls of what is measured one `work` makes.
    """

    work: Callable[..., object]
    prepare: Callable[[], object] | None = None
    calls: int = 1

    def timed(self, clock: Clock) -> float:
        """Call once; return microseconds for one call."""
        if self.prepare is None:
            started = clock()
            self.work()
        else:
            given = self.prepare()
            started = clock()
            self.work(given)
        return (clock() - started) / self.calls / 1_000


@dataclass(frozen=True, slots=True)
class Samples:
    """Microseconds of every call, block by block."""

    blocks: list[list[float]] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Of all."""
        return _quantile([one for block in self.blocks for one in block], 0.5)

    @property
    def p99(self) -> float:
        """Of all."""
        return _quantile([one for block in self.blocks for one in block], 0.99)

    def over(self, other: Samples, at: float = 0.5) -> float:
        """Return the ratio to `other` at a quantile, as the module says."""
        return statistics.median(
            _quantile(ours, at) / _quantile(theirs, at)
            for ours, theirs in zip(self.blocks, other.blocks, strict=True)
        )


def side_by_side(
    acts: Mapping[str, Callable[[], object] | Act], effort: Effort, clock: Clock = time.perf_counter_ns
) -> dict[str, Samples]:
    """Time each of `acts` in turns. The garbage collector is on, as in an application.

    Args:
        acts: What to call, by name.
        effort: How much.
        clock: Gives nanoseconds; `time.thread_time_ns` excludes other programs' turns on the processor.
    """
    made = {name: act if isinstance(act, Act) else Act(act) for name, act in acts.items()}
    seconds = {name: _seconds(act) for name, act in made.items()}
    turns = _within(effort.seconds / effort.blocks / max(seconds.values()), 1, _MOST_TURNS)
    share = effort.seconds / effort.blocks / turns
    calls = {name: _within(share / once, 1, _MOST_CALLS) for name, once in seconds.items()}
    samples = {name: Samples() for name in made}
    order = list(made)
    gc.collect()
    gc.freeze()  # what the benchmark itself holds is not looked through
    try:
        for _ in range(effort.blocks):
            block: dict[str, list[float]] = {name: [] for name in made}
            for _ in range(turns):
                order.reverse()
                for name in order:
                    timed, taken = made[name].timed, block[name]
                    for _ in range(calls[name]):
                        taken.append(timed(clock))
            for name, taken in block.items():
                samples[name].blocks.append(taken)
    finally:
        gc.unfreeze()
    return samples


def _seconds(act: Act) -> float:
    """Return about how long one `work` takes, caches warm."""
    act.timed(time.perf_counter_ns)
    return max(min(act.timed(time.perf_counter_ns) for _ in range(3)) * act.calls, 0.1) / 1e6


def _within(value: float, least: int, most: int) -> int:
    return max(least, min(most, int(value)))


def _quantile(samples: Sequence[float], at: float) -> float:
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(at * len(ordered)))]
