"""Timing side by side: what is compared takes turns within one process, and only ratios count.

For a ratio at a quantile, each block's quantile with the guard is divided by the one without it, and the
median over the run's blocks is taken, with their 10th and 90th percentiles as its spread; every call is timed
by itself. A machine that is slow for a while spoils a block, not the figure.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

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
        turns: How often each side of a comparison has its turn.
        calls: Of a side in one turn.
        tidy: Whether garbage is collected before a comparison, which takes a tenth of a second.
    """

    blocks: int = 10
    seconds: float = 0.5
    items: int = 100_000
    size: int = 10_000_000
    turns: int = 30
    calls: int = 128
    tidy: bool = True

    def longer(self, times: float) -> Effort:
        """Return the same with more time for each act."""
        return replace(self, seconds=self.seconds * times)

    def share(self, share: float) -> Effort:
        """Return a share of it: figures that show a machine's mood, too."""
        return replace(
            self,
            seconds=self.seconds * share,
            items=max(40, int(self.items * share)),
            turns=max(3, int(self.turns * share)),
        )


QUICK = Effort(blocks=2, seconds=0.001, items=40, size=10_000, turns=2, calls=2, tidy=False)
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
class Ratio:
    """A ratio of one run, and its spread.

    Args:
        median: Over the run's blocks.
        low: The 10th percentile of the blocks'.
        high: The 90th.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, blocks: Iterable[float]) -> Ratio:
        """Return it, from the ratio of each block."""
        taken = sorted(blocks)
        tenth = round(0.1 * (len(taken) - 1))
        return cls(statistics.median(taken), taken[tenth], taken[-1 - tenth])

    def times(self, other: float) -> Ratio:
        """Return the ratio multiplied by a number."""
        return Ratio(self.median * other, self.low * other, self.high * other)

    def less(self, other: float) -> Ratio:
        """Return the ratio reduced by a number: what is added, if that is 1."""
        return Ratio(self.median - other, self.low - other, self.high - other)


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

    def over(self, other: Samples, at: float = 0.5) -> Ratio:
        """Return the ratio to `other` at a quantile, as the module says."""
        return Ratio.of(
            _quantile(ours, at) / _quantile(theirs, at)
            for ours, theirs in zip(self.blocks, other.blocks, strict=True)
        )


def side_by_side(
    acts: Mapping[str, Callable[[], object] | Act], effort: Effort, clock: Clock = time.thread_time_ns
) -> dict[str, Samples]:
    """Time each of `acts` in turns. The garbage collector is on, as in an application.

    Args:
        acts: What to call, by name.
        effort: How much.
        clock: Gives nanoseconds; that of the thread's own processor time excludes other programs' turns.
    """
    made = {name: act if isinstance(act, Act) else Act(act) for name, act in acts.items()}
    seconds = {name: _seconds(act) for name, act in made.items()}
    turns = _within(effort.seconds / effort.blocks / max(seconds.values()), 1, _MOST_TURNS)
    share = effort.seconds / effort.blocks / turns
    calls = {name: _within(share / once, 1, _MOST_CALLS) for name, once in seconds.items()}
    samples = {name: Samples() for name in made}
    order = list(made)
    _freeze(effort)
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


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison whose work is only partly done by the caller.

    Args:
        ready: Called before each turn, and not timed: returns the turn's calls, each with text of its own.
        rest: Called after them: what other threads do with what the calls left, as an export does.
    """

    ready: Callable[[int], Sequence[Callable[[], object]]]
    rest: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Shares:
    """Processor time of one call.

    Args:
        thread: Of the calling thread, call by call.
        process: Of the whole process, the rest included, turn by turn.
    """

    thread: Samples = field(default_factory=Samples)
    process: Samples = field(default_factory=Samples)


def in_turns(sides: Mapping[str, Side], effort: Effort) -> dict[str, Shares]:
    """Let each side make `effort.calls` calls, in turns; each block is one turn of every side."""
    shares = {name: Shares() for name in sides}
    order = list(sides)
    for side in sides.values():  # what is met for the first time
        _turn(side, min(effort.calls, 16))
    _freeze(effort)
    try:
        for _ in range(effort.turns):
            order.reverse()
            for name in order:
                thread, process = _turn(sides[name], effort.calls)
                shares[name].thread.blocks.append(thread)
                shares[name].process.blocks.append([process])
    finally:
        gc.unfreeze()
    return shares


def _freeze(effort: Effort) -> None:
    """Let the garbage collector look through nothing that the benchmark itself holds."""
    if effort.tidy:
        gc.collect()
    gc.freeze()


def _turn(side: Side, calls: int) -> tuple[list[float], float]:
    ready, clock = side.ready(calls), time.thread_time_ns
    thread = []
    whole = time.process_time_ns()
    for call in ready:
        started = clock()
        call()
        thread.append((clock() - started) / 1_000)
    side.rest()
    return thread, (time.process_time_ns() - whole) / calls / 1_000


def _seconds(act: Act) -> float:
    """Return about how long one `work` takes, caches warm."""
    act.timed(time.perf_counter_ns)
    return max(min(act.timed(time.perf_counter_ns) for _ in range(3)) * act.calls, 0.1) / 1e6


def _within(value: float, least: int, most: int) -> int:
    return max(least, min(most, int(value)))


def _quantile(samples: Sequence[float], at: float) -> float:
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(at * len(ordered)))]
