"""Merges what this process finds with what Redis has, for both threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial

from sentry_filters.core import SharedLife
from sentry_filters.redis.messages import EVERYONE, UNNAMED, Expiry, MalformedError, Renewal, read_message
from sentry_filters.redis.replica import Replica
from sentry_filters.redis.store import State, Store

_MOST = 10_000


class Exchange:
    """Both directions between the replica of this process and the store. Used by the two threads only.

    Args:
        replica: What is known here.
        lifecycle: Takes over what is new.
    """

    def __init__(self, replica: Replica, lifecycle: SharedLife) -> None:
        self._replica = replica
        self._lifecycle = lifecycle
        self._applying = threading.Lock()
        self._version = ""
        # Without threads, nobody ever tells Redis.
        self._unconfirmed: deque[Expiry] = deque(maxlen=_MOST)

    def receive(self, text: str) -> None:
        """Take over one message of the channel; a malformed one is counted and ignored."""
        try:
            version, news = read_message(text)
        except MalformedError:
            self._lifecycle.count("malformed")
            return
        if _follows(version, self._version):
            self._version = version  # none was missed: the next look finds nothing to load
        self._apply(news)

    def claim(self, store: Store, expiry: Expiry, begun: int) -> None:
        """Settle which process publishes an expiry, and publish it if it is this one."""
        won, winner = store.claim(expiry, begun)
        self._replica.settled(expiry)
        if won:
            self._lifecycle.count("claimed")
            self._publish(expiry)
            if winner is not None:
                self._apply(winner)
            return
        self._lifecycle.count("lost_claim")
        if winner is None or winner.event.id != expiry.event.id:
            # Records with the id of this process may have been written: the audit has to find their expiry.
            self._lifecycle.published_elsewhere(expiry.event)
        if winner is not None:
            self._settle(winner)
            self._end_with(winner, expiry)
        else:
            self.synchronise(store)

    def publish_alone(self, expiry: Expiry) -> None:
        """Publish without Redis, which cannot be reached."""
        self._replica.settled(expiry)
        self._lifecycle.count("fallback")
        self._publish(expiry)

    def confirm(self, store: Store) -> None:
        """Tell the others what this process has published, so that nobody takes it over."""
        if self._unconfirmed:
            confirmed = tuple(self._unconfirmed)
            store.published(confirmed)
            for _ in confirmed:
                self._unconfirmed.popleft()

    def synchronise(self, store: Store, interrupted: Callable[[], bool] = lambda: False) -> None:
        """Take over what Redis has, write what it lacks: after a start, an outage, a loss of its memory.

        Args:
            store: Redis.
            interrupted: Asked after each write; where something else is to be done first, the rest is left to
                the next time.
        """
        self.confirm(store)
        look = store.look()
        self._malformed(look.malformed)
        for expiry in look.unpublished:
            self._take_over(expiry)
        self.confirm(store)
        version = look.version
        expiries, renewals = self._replica.everything()
        if version == self._version and (version or not (expiries or renewals)):
            return
        state = store.load()
        self._malformed(state.malformed)
        for renewal in state.renewals:
            self._apply(renewal)
        for expiry in state.expiries:
            self._apply(expiry)
        for write in self._missing(store, state):
            write()
            if interrupted():
                self.missed()
                return
        self._version = state.version

    def missed(self) -> None:
        """Take note that Redis may lack something: the next look compares all, whatever the version."""
        self._version = ""

    def _publish(self, expiry: Expiry) -> None:
        self._replica.published(expiry)
        self._lifecycle.publish(expiry.event)
        self._unconfirmed.append(expiry)

    def _take_over(self, expiry: Expiry) -> None:
        """Publish what a process that has died since was to publish."""
        self._apply(expiry)
        if self._replica.is_over(expiry) or not self._replica.published(expiry):
            self._unconfirmed.append(expiry)  # nobody has to be told, or those here were
            return
        self._lifecycle.count("taken_over")
        self._publish(expiry)

    def _malformed(self, times: int) -> None:
        for _ in range(times):
            self._lifecycle.count("malformed")

    def _missing(self, store: Store, state: State) -> Iterator[Callable[[], None]]:
        """What is to be written so that Redis lacks nothing."""
        expiries, renewals = self._replica.everything()
        theirs = {renewal.name: renewal.stamp for renewal in state.renewals}
        for renewal in renewals:
            if theirs.get(renewal.name, 0) < renewal.stamp:
                yield partial(store.renew, renewal)
        written = {expiry.name: expiry.after for expiry in state.expiries}
        for expiry in expiries:
            if written.get(expiry.name, -1) < expiry.after:
                yield partial(self._say_again, store, expiry)

    def _say_again(self, store: Store, expiry: Expiry) -> None:
        _, winner = store.claim(expiry, None)
        if winner is not None:
            self._apply(winner)
            self._end_with(winner, expiry)

    def _end_with(self, winner: Expiry, expiry: Expiry) -> None:
        """Let an expiry without a credential that is the winner's end with it, as it does elsewhere."""
        if expiry.name == UNNAMED and winner.name != UNNAMED:
            self._apply(Renewal(name=UNNAMED, stamp=expiry.after + 1))

    def _apply(self, news: Expiry | Renewal) -> None:
        with self._applying:
            if isinstance(news, Renewal):
                if self._replica.merge_renewal(news):
                    self._lifecycle.count("adopted")
                    self._renewed(news)
            elif self._replica.merge_expiry(news):
                self._lifecycle.count("adopted")
                self._lifecycle.adopt_expiry(news.session, news.event, news.after)

    def _settle(self, winner: Expiry) -> None:
        with self._applying:  # the gate has to name the event that was published
            self._lifecycle.count("adopted")
            self._replica.merge_expiry(winner, settled=True)
            self._lifecycle.adopt_expiry(winner.session, winner.event, winner.after)

    def _renewed(self, renewal: Renewal) -> None:
        everyone = renewal.name == EVERYONE
        session = None if renewal.name in (EVERYONE, UNNAMED) else renewal.name
        self._lifecycle.adopt_renewal(session, renewal.stamp, renewal.credential, everyone=everyone)


def _follows(version: str, before: str) -> bool:
    epoch, _, seq = version.partition(":")
    epoch_before, _, seq_before = before.partition(":")
    return (
        epoch == epoch_before
        and seq.isdecimal()
        and seq_before.isdecimal()
        and int(seq) == int(seq_before) + 1
    )
