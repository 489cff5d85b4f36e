"""Whose turn it is to renew a credential: a claim with a lease. No credential is ever sent to Redis."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from typing import Any, Literal

import redis

from sentry_filters.core import LEASE_SECONDS, Turn

_MOST_TRIES = 2
_FENCE_SECONDS = 24 * 60 * 60
_AWAY = (redis.RedisError, OSError, ValueError)

# KEYS: the lease, the number of turns in its time, the number of all turns, which never goes back (a fencing
# token: who had a turn for too long learns that another followed). ARGV: a random name, milliseconds of a
# lease, the most turns in that time, seconds that the last key is kept.
_CLAIM = """
local held = redis.call('GET', KEYS[1])
if held == 'refused' then return {held, 0} end
if held == 'paused' then return {held, redis.call('PTTL', KEYS[1])} end
if held then return {'held', redis.call('PTTL', KEYS[1])} end
if tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[3]) then
  return {'paused', redis.call('PTTL', KEYS[2])}
end
local fence = redis.call('INCR', KEYS[3])
redis.call('EXPIRE', KEYS[3], ARGV[4])
local claim = fence .. ':' .. ARGV[1]
redis.call('SET', KEYS[1], claim, 'NX', 'PX', ARGV[2])
if redis.call('INCR', KEYS[2]) == 1 then redis.call('PEXPIRE', KEYS[2], ARGV[2]) end
return {'won', 0, claim}
"""
# KEYS: the lease, the number of turns. ARGV: the claim, the outcome, milliseconds of a pause, of a lease.
# Only who still has the turn gives it back.
_SETTLE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == 'renewed' then
  redis.call('DEL', KEYS[1], KEYS[2])
elseif ARGV[2] == 'refused' then
  redis.call('SET', KEYS[1], 'refused', 'PX', ARGV[4])
else
  redis.call('SET', KEYS[1], 'paused', 'PX', ARGV[3])
end
return 1
"""


class Lease:
    """Turns of one namespace, see `RefreshTurns`. Blocks for at most the client's time-outs; never raises.

    Args:
        client: Answers in text. A forked child's calls open connections of their own.
        prefix: Of the keys.
        count: Takes note of what happens between the processes.
    """

    def __init__(self, client: redis.Redis, prefix: str, count: Callable[[str], object]) -> None:
        self._client: Any = client
        self._prefix = prefix
        self._count = count
        self._claim = self._client.register_script(_CLAIM)
        self._settle = self._client.register_script(_SETTLE)

    def claim(self, session: str | None) -> Turn:
        """Ask for a turn to replace the credential with this fingerprint, None for the first one."""
        name = session or "-"
        most = (round(LEASE_SECONDS * 1e3), _MOST_TRIES, _FENCE_SECONDS)
        try:
            state, milliseconds, *claim = self._claim(
                keys=self._keys(name), args=[secrets.token_hex(8), *most]
            )
            seconds = max(0, int(milliseconds)) / 1e3
        except _AWAY:
            self._count("lease_unreachable")
            return Turn("alone")
        self._count(f"lease_{state}")
        return Turn(state, seconds, name, *claim)

    def settle(self, turn: Turn, outcome: Literal["renewed", "refused", "unavailable"]) -> None:
        """Give a turn back that was won."""
        pause = round(random.uniform(1e3, 2e3))  # noqa: S311 - spreads load
        args: list[str | int] = [turn.claim, outcome, pause, round(LEASE_SECONDS * 1e3)]
        try:
            if not self._settle(keys=self._keys(turn.name)[:2], args=args):
                self._count("lease_lost")
        except _AWAY:  # it ends by itself
            self._count("lease_unreachable")

    def is_latest(self, turn: Turn) -> bool:
        """Say whether nobody else had a turn since this one was won; where Redis is away, nobody knows."""
        try:
            latest = self._client.get(self._keys(turn.name)[2])
        except _AWAY:
            return True
        return latest is None or latest == turn.claim.partition(":")[0]

    def _keys(self, name: str) -> list[str]:
        return [f"{self._prefix}:{kind}:{name}" for kind in ("lease", "turns", "fence")]
