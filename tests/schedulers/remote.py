"""The gate of a worker process, closed and opened from the test; and what its jobs write down."""

from __future__ import annotations

import os
import threading
from typing import Any, cast

import httpx
import redis
import sentry_sdk

from sentry_filters import Policy, SessionGuard
from tests.schedulers.waiting import until
from tests.support.expiries import expiry

_ACTS = "test:acts"
_DONE = "test:done"
_RAN = "test:ran"


class Worker:
    """A worker's side: its guard follows the acts of the test, from the first on.

    Its environment holds `TEST_REDIS`, and `TEST_DSN` for its Sentry.
    """

    def __init__(self) -> None:
        self.redis_url = os.environ["TEST_REDIS"]
        self.guard = SessionGuard(Policy(provider="OpenHuman", scope="session"))
        self._redis = redis.Redis.from_url(self.redis_url)

    def init_sentry(self) -> None:
        """As an application does."""
        sentry_sdk.init(**self.guard.sentry_options(dsn=os.environ["TEST_DSN"], traces_sample_rate=1.0))

    def follow(self, *_: object, **__: object) -> None:
        """Follow the test's acts in a thread of this process."""
        threading.Thread(target=self._follow, daemon=True).start()

    def fingerprint(self, user: str | None) -> str | None:
        """Return the session of a user, whose credential is his name."""
        return None if user is None else self.guard.fingerprint(user)

    def end_session(self, user: str) -> None:
        """Report a call with this user's credential that failed."""
        refusing = httpx.MockTransport(lambda request: httpx.Response(401))
        with self.guard.instrument(httpx.Client(transport=refusing)) as client:
            response = client.post("http://backend/v1/chat/completions", headers={"authorization": user})
        try:
            response.raise_for_status()
        except httpx.HTTPStatusError as error:
            self.guard.report(error, operation="chat", provider="OpenHuman", status=401)

    def note(self, job: str) -> None:
        """Write down that a job ran."""
        self._redis.rpush(_RAN, job)

    def notes(self, job: str) -> int:
        """Return how often a job was written down."""
        return cast("list[bytes]", self._redis.lrange(_RAN, 0, -1)).count(job.encode())

    def _follow(self) -> None:
        latest: Any = "0"
        while True:
            [(_, entries)] = cast("Any", self._redis.xread({_ACTS: latest}, block=0))
            for number, act in entries:
                latest = number
                user = act[b"user"].decode() or None
                if act[b"act"] == b"expire":
                    self.guard.gate.close(expiry(self.fingerprint(user)))
                else:
                    self.guard.session_renewed(user)
                self._redis.incr(_DONE)


class Control:
    """The test's side.

    Args:
        url: The Redis that the workers know.
    """

    def __init__(self, url: str) -> None:
        self.redis = redis.Redis.from_url(url)
        self._acts = 0

    def expire(self, user: str | None = None, *, workers: int = 1) -> None:
        """Let a user's session, or the only one, expire in every worker."""
        self._act("expire", user, workers)

    def renew(self, user: str | None = None, *, workers: int = 1) -> None:
        """Sign a user in again."""
        self._act("renew", user, workers)

    def ran(self) -> list[str]:
        """Return what ran so far, in order."""
        return [job.decode() for job in cast("list[bytes]", self.redis.lrange(_RAN, 0, -1))]

    def _act(self, act: str, user: str | None, workers: int) -> None:
        self.redis.xadd(_ACTS, {"act": act, "user": user or ""})
        self._acts += workers
        until(lambda: int(cast("bytes", self.redis.get(_DONE)) or 0) >= self._acts)

    def expect_act_by(self, workers: int) -> None:
        """Let `until` know that workers which start now follow all earlier acts."""
        self._acts += workers
