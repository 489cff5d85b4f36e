"""What failures elsewhere cost a healthy span: a third party's in the background, and our own storm."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from opentelemetry.sdk.trace import TracerProvider

from sentry_filters import Policy
from tests.bench.edge import HOST, listening_guard
from tests.bench.exporting import tracing
from tests.bench.recordings import Kind, failed_call, kinds, lives
from tests.bench.table import Row, added, plain, rated
from tests.bench.timing import Effort, Ratio, Samples, Side, in_turns
from tests.bench.words import Words

TITLE = (
    "A healthy GenAI span on the thread, while calls in other traces fail: the guard's share / the bare life"
)

_RATES = {"0 %": 0.0, "0.1 %": 0.001, "1 %": 0.01, "10 %": 0.1}
_STORM = "our own storm"
_HALF = 0.5  # of all calls are our expired session's, in the storm
_POLICY = Policy(provider="OpenHuman", hosts={HOST}, not_session_codes=())  # so that a status is enough


def rows(effort: Effort) -> Iterator[Row]:
    """Measure all rates in turns, each with a guard of its own; only the healthy spans are timed."""
    words, genai = Words(), kinds()["GenAI"]
    with ExitStack() as stack:
        bare = stack.enter_context(tracing())
        sides = {"bare": Side(lives(bare, genai, words), bare.force_flush)}
        backgrounds = {
            **{name: (rate, failed_call(503)) for name, rate in _RATES.items()},
            _STORM: (_HALF, failed_call(401)),
        }
        for name, (rate, failed) in backgrounds.items():
            guard = listening_guard(_POLICY)
            stack.callback(guard.close)
            provider = stack.enter_context(tracing(guard))
            sides[name] = Side(_beside(provider, genai, failed, rate, words), provider.force_flush)
        taken = {name: shares.thread for name, shares in in_turns(sides, effort).items()}
    yield plain("GenAI: bare life", taken["bare"])
    for name in backgrounds:
        what = name if name == _STORM else f"{name} of calls fail elsewhere"
        yield added(f"{what}: on the thread", taken[name], taken["bare"])
        if name != "0 %":
            more = _more(taken[name], taken["0 %"], taken["bare"])
            most = 0.1 if name == _STORM else 0.05
            yield rated(
                f"{what}: more than without failures", taken[name].median, taken[name].p99, more, most
            )


def _beside(
    provider: TracerProvider, healthy: Kind, failed: Kind, rate: float, words: Words
) -> Callable[[int], Sequence[Callable[[], object]]]:
    """Return what makes healthy calls ready, with failing ones having just ended beside them."""
    owed = 1.0 if rate else 0.0  # from the first turn on at least one has failed
    healthy_ready, failed_ready = lives(provider, healthy, words), lives(provider, failed, words)

    def ready(number: int) -> Sequence[Callable[[], object]]:
        nonlocal owed
        owed += number * rate
        failing, owed = int(owed), owed - int(owed)
        calls = healthy_ready(number)
        for fail in failed_ready(failing):
            fail()
        return calls

    return ready


def _more(ours: Samples, quiet: Samples, bare: Samples) -> Ratio:
    """Return by how much of a bare life the first is more than the second, block by block."""
    return Ratio.of(
        (Samples([one]).median - Samples([two]).median) / Samples([three]).median
        for one, two, three in zip(ours.blocks, quiet.blocks, bare.blocks, strict=True)
    )
