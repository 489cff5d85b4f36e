"""`RedisSessions`: one expiry closes the gate of every process, and one process publishes it."""

from __future__ import annotations

import copy
import hashlib
import os
import re
import time
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from sentry_filters.core import SessionExpired, SharedLife
from sentry_filters.forking import after_fork_in_child
from sentry_filters.redis.exchange import Exchange
from sentry_filters.redis.lease import Lease
from sentry_filters.redis.messages import EVERYONE, UNNAMED, Expiry, Renewal
from sentry_filters.redis.replica import Replica
from sentry_filters.redis.store import Store
from sentry_filters.redis.threads import Announcement, Threads

KEY_VARIABLE = "SENTRY_FILTERS_KEY"
SHORTEST_KEY = 16
_NAMESPACE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SERVES_ANOTHER = "RedisSessions serves another guard already; make one for each"
_FIRST_LOOK_SECONDS = 0.5
_SOCKET_SECONDS = 1.0


class RedisSessions:
    """Shares expiries and renewals with all processes of a namespace: `SessionGuard(policy, shared=…)`.

    Two daemon threads use Redis; no other thread waits for it. If it cannot be reached within a second, the
    process carries on alone, publishes for itself, and informs the others afterwards. Only fingerprints and
    redacted texts are stored. docs/redis.md has the keys, the messages and what happens when.

    Making a guard waits for the first read of the state, for at most half a second.

    Args:
        url: Where Redis is: `redis://`, `rediss://` or `unix://`.
        namespace: The deployment: up to 64 letters, digits, `_`, `.`, `-`.
        key: The deployment's secret, at least 16 characters or bytes, which makes the fingerprints of all
            processes the same; `SENTRY_FILTERS_KEY` by default.

    Raises:
        ValueError: The URL, the namespace or the key is invalid; no secret is shown.
    """

    def __init__(self, url: str, *, namespace: str, key: str | bytes | None = None) -> None:
        if not isinstance(namespace, str) or not _NAMESPACE.fullmatch(namespace):
            raise ValueError(
                f"RedisSessions: invalid namespace {namespace!r}; expected 1 to 64 letters, digits, _ . -"
            )
        self._key = hashlib.blake2b(_checked_key(key)).digest()
        self._url = url
        self._namespace = namespace
        try:
            self._client().close()
        except (ValueError, TypeError, AttributeError):
            # Without its cause: the URL may hold a password.
            raise ValueError("RedisSessions: invalid url; expected redis://, rediss:// or unix://") from None
        self._lifecycle: SharedLife | None = None
        self._of_backends: frozenset[str] = frozenset()
        self._patience = _Patience()

    def __repr__(self) -> str:
        return f"<RedisSessions of {self._namespace}>"

    @property
    def key(self) -> bytes:
        """The key of the fingerprints."""
        return self._key

    def of_backend(self, provider: str) -> RedisSessions:
        """Return the same with keys, a channel and threads of their own, for one of a guard's backends.

        Raises:
            ValueError: Another guard uses it already.
        """
        if self._lifecycle is not None or provider in self._of_backends:
            raise ValueError(_SERVES_ANOTHER)
        self._of_backends |= {provider}
        one = copy.copy(self)
        # No namespace has a colon. The name is escaped: braces would move its keys to another node.
        one._namespace = f"{self._namespace}:{quote(provider, safe='')}"
        one._of_backends = frozenset()
        return one

    def expiry_id(self, session: str | None, after: int) -> str:
        """Return the id that every process computes for this expiry, without asking."""
        text = f"{self._namespace} {session or UNNAMED} {after}"
        return hashlib.blake2b(text.encode(), key=self._key, digest_size=8, person=b"expiry").hexdigest()

    def refresh_turns(self) -> Lease:
        """Return what lets one process of the namespace at a time renew a credential."""
        client, store = self._connect()
        return Lease(client, store.prefix, self._counted)

    def attach(self, lifecycle: SharedLife) -> None:
        """Start the threads; ValueError where another guard uses it already."""
        if self._lifecycle is not None or self._of_backends:
            raise ValueError(_SERVES_ANOTHER)
        self._lifecycle = lifecycle
        self._replica = Replica()
        self._start(lifecycle)
        self._threads.wait_for_first_look(self._patience.left())
        after_fork_in_child(self._start_afresh)

    def announce(self, event: SessionExpired, after: int, begun_at: float) -> None:
        """Hand an expiry found in this process to the threads; returns at once."""
        expiry = Expiry(name=event.session or UNNAMED, after=after, event=event)
        self._replica.found(expiry)
        self._threads.put(Announcement(expiry, round(begun_at * 1e6)))

    def renewed(self, session: str | None, stamp: int, credential: str | None) -> None:
        """Hand a renewal to the threads; returns at once."""
        self._say(Renewal(name=session or EVERYONE, stamp=stamp, credential=credential))

    def recovered(self, session: str | None, stamp: int) -> None:
        """Hand the end of an expiry that was a false alarm to the threads; returns at once."""
        self._say(Renewal(name=session or UNNAMED, stamp=stamp))

    def close(self, timeout: float = 2.0) -> None:
        """End the threads; what is queued has `timeout` seconds."""
        if self._lifecycle is not None:
            self._threads.close(timeout)

    def _counted(self, event: str) -> None:
        if self._lifecycle is not None:
            self._lifecycle.count(event)

    def _say(self, renewal: Renewal) -> None:
        self._replica.merge_renewal(renewal)
        self._threads.put(renewal)

    def _start(self, lifecycle: SharedLife) -> None:
        self._threads = Threads(self._connect, Exchange(self._replica, lifecycle), lifecycle)

    def _start_afresh(self) -> None:
        # The parent's connections and threads are the parent's; a child has its own from the first moment on,
        # because a gate that is only asked has to hear of the others, too.
        self._replica.start_afresh()
        if self._lifecycle is not None:
            self._start(self._lifecycle)

    def _connect(self) -> tuple[redis.Redis, Store]:
        client = self._client()
        scope = "process" if self._lifecycle is None else self._lifecycle.scope
        return client, Store(client, self._namespace, scope)

    def _client(self) -> redis.Redis:
        return redis.Redis.from_url(
            self._url,
            decode_responses=True,
            encoding_errors="replace",  # what is not UTF-8 is malformed, not an error
            socket_timeout=_SOCKET_SECONDS,
            socket_connect_timeout=_SOCKET_SECONDS / 2,
            retry=Retry(NoBackoff(), 0),
        )


class _Patience:
    """How long a guard's construction still waits for first looks: of all its backends together."""

    def __init__(self) -> None:
        self._until: float | None = None

    def left(self) -> float:
        """Return the seconds; the first call begins them."""
        if self._until is None:
            self._until = time.monotonic() + _FIRST_LOOK_SECONDS
        return max(0.0, self._until - time.monotonic())


def _checked_key(key: str | bytes | None) -> bytes:
    given = os.environ.get(KEY_VARIABLE, "") if key is None else key
    if len(given) < SHORTEST_KEY:
        place = KEY_VARIABLE if key is None else "RedisSessions: key"
        raise ValueError(
            f"{place}: invalid key of {len(given)} characters; expected {SHORTEST_KEY} or more, "
            "the same secret in every process, by which fingerprints are made"
        )
    return given if isinstance(given, bytes) else given.encode()
