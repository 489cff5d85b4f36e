"""What redaction costs compared with other redactors, on the same recorded data, with new text in each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from sentry_filters import Redactor
from tests.bench.peers import LOGFIRE, OF_EVENTS, OURS, OURS_BYTES, SCRUBBER, Peer, found
from tests.bench.recordings import Events, attributes
from tests.bench.table import LeftOut, Row, compared, plain, rated
from tests.bench.timing import Act, Effort, side_by_side
from tests.bench.words import Words

TITLE = "Redaction: the ratio is over this package's, given a dict"

_LIMITS = {(OURS, SCRUBBER): 2.0, (OURS_BYTES, SCRUBBER): 1.5, (OURS, LOGFIRE): 0.15}
_LARGE = 40_000  # bytes
_SECRETS = 20
_TEXT = 4_000  # characters
_SECRET = re.compile(r"sk-proj-[A-Za-z0-9]{40}")
SPAN = "attributes of a GenAI span with 4 KB of messages"


def rows(effort: Effort) -> Iterator[Row | LeftOut]:
    """Measure every peer on events and on a span's attributes; then the limits against two of them."""
    words = Words()
    peers: list[Peer] = []
    for one in found():
        if isinstance(one, LeftOut):
            yield one
        else:
            peers.append(one)
    dirty = Events(words, least=_LARGE, secrets=_SECRETS)
    sources: dict[str, Callable[[], dict[str, Any]]] = {
        "clean": Events(words, least=_LARGE),
        "20 secrets": dirty,
        SPAN: lambda: attributes(words),
    }
    for name, source in sources.items():
        some = [peer for peer in peers if name != SPAN or peer.name not in OF_EVENTS]
        taken = side_by_side({peer.name: _act(peer, source) for peer in some}, effort)
        for peer in some:
            times = taken[peer.name]
            note = (
                f"removes {_removed(peer, dirty())} of {_SECRETS}" if source is dirty and peer.removes else ""
            )
            what = f"{name}: {peer.name} ({peer.looks_at})"
            yield rated(what, times.median, times.p99, times.over(taken[OURS]), note=note)
        for (ours, other), most in _LIMITS.items():
            if other in taken and name == "clean":
                yield compared(f"{name}: {ours} / {other}", taken[ours], taken[other], most)
    yield from _floor(words, effort)


def _floor(words: Words, effort: Effort) -> Iterator[Row]:
    """Measure what is left to be won: the search itself, in C++, beside all that Python does around it."""
    redactor, again = Redactor(), words.prose(_TEXT)

    def texts() -> str:
        return "\n".join(str(value) for value in attributes(words).values())

    taken = side_by_side(
        {
            "new": Act(redactor.is_clean_text, lambda: words.prose(_TEXT)),
            "again": Act(redactor.is_clean_text, lambda: again),
            "walk": Act(redactor.redact_value, lambda: attributes(words)),
            "search": Act(redactor.is_clean_text, texts),
        },
        effort,
    )
    yield plain("search of 4 KB of text that is new in every call", taken["new"])
    yield compared("4 KB of text: search, new in every call / the same again", taken["new"], taken["again"])
    yield compared(f"{SPAN}: redact_value / the search of their texts alone", taken["walk"], taken["search"])


def _act(peer: Peer, source: Callable[[], dict[str, Any]]) -> Act:
    return Act(peer.work, lambda: peer.prepare(source()))


def _removed(peer: Peer, event: dict[str, Any]) -> int:
    """Return how many of the secrets are not in what a peer makes of the event."""
    secrets = set(_SECRET.findall(str(event)))
    assert len(secrets) == _SECRETS
    given = peer.prepare(event)
    left = str(peer.work(given) or given)
    return sum(secret not in left for secret in secrets)
