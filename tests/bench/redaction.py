"""What redaction costs compared with other redactors: one event, clean and with 20 secrets."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.events import clean_event, dirty_event, secrets_of
from tests.bench.peers import LOGFIRE, OURS, OURS_BYTES, SCRUBBER, Peer, found
from tests.bench.table import LeftOut, Row, compared
from tests.bench.timing import Act, Effort, side_by_side

TITLE = "Redaction of an event of 40 KB: the ratio is over this package's, given a dict"

_LIMITS = {(OURS, SCRUBBER): 2.0, (OURS_BYTES, SCRUBBER): 1.0, (OURS, LOGFIRE): 0.15}


def rows(effort: Effort) -> Iterator[Row | LeftOut]:
    """Measure every peer, then the project's own limits against two of them."""
    peers: list[Peer] = []
    for one in found():
        if isinstance(one, LeftOut):
            yield one
        else:
            peers.append(one)
    for name, event in (("clean", clean_event()), ("20 secrets", dirty_event())):
        acts = {
            peer.name: Act(peer.work, lambda peer=peer, event=event: peer.prepare(event))  # type: ignore[misc]
            for peer in peers
        }
        taken = side_by_side(acts, effort)
        for peer in peers:
            times = taken[peer.name]
            note = f"removes {_removed(peer)} of 20" if name != "clean" and peer.removes else ""
            what = f"{name}: {peer.name} ({peer.looks_at})"
            yield Row(what, times.median, times.p99, times.over(taken[OURS]), note=note)
        if name == "clean":
            for (ours, other), most in _LIMITS.items():
                if other in taken:
                    yield compared(f"{name}: {ours} / {other}", taken[ours], taken[other], most)


def _removed(peer: Peer) -> int:
    """Return how many of the 20 secrets are not in what a peer makes of the event."""
    given = peer.prepare(dirty_event())
    left = str(peer.work(given) or given)
    return sum(secret not in left for secret in secrets_of(20))
