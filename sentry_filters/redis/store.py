"""The keys in Redis, and the scripts that change them in one step."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import redis

from sentry_filters.redis.messages import (
    Expiry,
    MalformedError,
    Renewal,
    read_expiry,
    read_renewal,
    record_of,
    text_of,
)

KEPT_SECONDS = 24 * 60 * 60
TAKEN_OVER_SECONDS = 10.0
"""Who has won a claim and has not published in that time has died: another process publishes."""
_MOST = 10_000
_MOST_AT_A_TIME = 100
_TAKEN_OVER_MILLISECONDS = round(TAKEN_OVER_SECONDS * 1e3)
# Both scripts end with this: a new version, a lifetime for both keys, no more than so many fields, a message.
_PUBLISH = """
local function told(field, message)
  redis.call('HSETNX', KEYS[1], 'epoch', ARGV[1])
  local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
  redis.call('ZADD', KEYS[2], seq, field)
  if redis.call('ZCARD', KEYS[2]) > tonumber(ARGV[3]) then
    redis.call('HDEL', KEYS[1], redis.call('ZPOPMIN', KEYS[2])[1])
  end
  redis.call('EXPIRE', KEYS[1], ARGV[2])
  redis.call('EXPIRE', KEYS[2], ARGV[2])
  local version = redis.call('HGET', KEYS[1], 'epoch') .. ':' .. seq
  redis.call('PUBLISH', ARGV[4], version .. ' ' .. message)
end
"""
_COMPARE = """
local function stamp(name)
  return string.match(redis.call('HGET', KEYS[1], 'r:' .. name) or '0', '^%d+')
end
local function later(one, other)
  if tonumber(one) > tonumber(other) then return one else return other end
end
local function milliseconds()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
"""
# ARGV from 5: name, after, id, event, scope, when the failure began and was found (microseconds), and whether
# it is new or said again, because Redis lost its memory. While a session's expiry runs, others' claims of it
# are repeats, whatever they know. A new one that knows less of renewals than Redis is stale if its call began
# before the latest, an old credential's if that one named another, and else later than it. Who has written a
# new one is to publish it in ARGV[13] milliseconds; see `Store.published`.
_CLAIM = (
    _COMPARE
    + _PUBLISH
    + """
local name, after, id, scope, begun = ARGV[5], ARGV[6], ARGV[7], ARGV[9], tonumber(ARGV[10])
local new = ARGV[12] == 'new'
local ending = later(stamp('*'), stamp(name))
local newest = tonumber(later(ending, after))
local known = redis.call('HGET', KEYS[1], 'e:' .. name)
if known then
  local known_after, known_id = string.match(known, '^(%d+) (%x+) ')
  local runs = tonumber(known_after) >= newest
  if known_id == id or runs or tonumber(known_after) > tonumber(after) then return {0, name, known} end
end
if tonumber(ending) > tonumber(after) then
  local credential = string.match(redis.call('HGET', KEYS[1], 'r:*') or '', ' (%x+)$')
  local old = new and tonumber(stamp('*')) > tonumber(after) and credential and credential ~= name
  if name == '-' or old or (new and begun < tonumber(ending)) then return {2, name, ''} end
end
if scope == 'process' then
  local current = redis.call('HGET', KEYS[1], 'current')
  local running = current and redis.call('HGET', KEYS[1], 'e:' .. current)
  if running and current ~= name then
    local its_after, its_at = string.match(running, '^%d+'), redis.call('HGET', KEYS[1], 'current_at')
    local same = name == '-' or (current == '-' and begun <= tonumber(its_at))
    if same and tonumber(its_after) >= tonumber(later(stamp('*'), stamp(current))) then
      return {0, current, running}
    end
  end
  if new or tonumber(after) >= tonumber(ending) then
    redis.call('HSET', KEYS[1], 'current', name, 'current_at', ARGV[11])
  end
end
if new then after = later(after, ending) end
local record = after .. ' ' .. id .. ' ' .. ARGV[8]
redis.call('HSET', KEYS[1], 'e:' .. name, record)
told('e:' .. name, 'expiry ' .. name .. ' ' .. record)
if new then
  redis.call('ZADD', KEYS[3], milliseconds() + ARGV[13], name .. ' ' .. id)
  redis.call('EXPIRE', KEYS[3], ARGV[2])
end
return {1, name, record}
"""
)
# ARGV from 5: name, stamp, the renewal as it is kept.
_RENEW = (
    _COMPARE
    + _PUBLISH
    + """
if tonumber(stamp(ARGV[5])) >= tonumber(ARGV[6]) then return 0 end
redis.call('HSET', KEYS[1], 'r:' .. ARGV[5], ARGV[7])
told('r:' .. ARGV[5], 'renewal ' .. ARGV[5] .. ' ' .. ARGV[7])
return 1
"""
)
# ARGV: milliseconds in which who takes over has to publish, how many one process takes over at a time. What
# was renewed since, or expired again, is over: nobody has to be told.
_LOOK = (
    _COMPARE
    + """
local now, found = milliseconds(), {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, ARGV[2])) do
  local name, id = string.match(member, '^(%S+) (%x+)$')
  local record = name and redis.call('HGET', KEYS[1], 'e:' .. name) or ''
  local after, its_id = string.match(record, '^(%d+) (%x+) ')
  if its_id == id and after and tonumber(after) >= tonumber(later(stamp('*'), stamp(name))) then
    redis.call('ZADD', KEYS[3], now + ARGV[1], member)
    found[#found + 1] = name
    found[#found + 1] = record
  else
    redis.call('ZREM', KEYS[3], member)
  end
end
local version = redis.call('HMGET', KEYS[1], 'epoch', 'seq')
return {version[1] or '', version[2] or '', found}
"""
)


@dataclass(frozen=True, slots=True)
class Look:
    """What a process asks for every few seconds.

    Args:
        version: Changes with every write; empty where there is no state.
        unpublished: Expiries whose winner has not published them in time: who looks has taken them over.
        malformed: How many of them could not be read.
    """

    version: str
    unpublished: list[Expiry]
    malformed: int


@dataclass(frozen=True, slots=True)
class State:
    """All that Redis has.

    Args:
        version: Changes with every write; empty where there is no state.
        expiries: The expiries.
        renewals: The renewals.
        malformed: How many fields could not be read.
    """

    version: str
    expiries: list[Expiry]
    renewals: list[Renewal]
    malformed: int


class Store:
    """One namespace in Redis. Blocks for at most the client's time-outs; raises what redis-py raises.

    Args:
        client: Answers in text.
        namespace: The deployment.
        scope: `Policy.scope`; processes of another scope have other keys.
    """

    def __init__(self, client: redis.Redis, namespace: str, scope: str) -> None:
        self._client: Any = client
        self._scope = scope
        # The braces keep all keys of a namespace on one node of a cluster.
        prefix = f"sentry-filters:{{{namespace}}}:{scope}"
        self.prefix = prefix
        self.channel = f"{prefix}:channel"
        self._keys = [f"{prefix}:{name}" for name in ("state", "order", "unpublished")]
        self._claim = self._client.register_script(_CLAIM)
        self._renew = self._client.register_script(_RENEW)
        self._look = self._client.register_script(_LOOK)

    def look(self) -> Look:
        """Return the version of the state, and take over what was not published in time, in one step."""
        epoch, seq, found = self._look(keys=self._keys, args=[_TAKEN_OVER_MILLISECONDS, _MOST_AT_A_TIME])
        unpublished: list[Expiry] = []
        malformed = 0
        for name, record in zip(found[::2], found[1::2], strict=True):
            try:
                unpublished.append(read_expiry(name, record))
            except MalformedError:
                malformed += 1
        return Look(f"{epoch}:{seq}" if epoch and seq else "", unpublished, malformed)

    def load(self) -> State:
        """Read everything."""
        fields: dict[str, str] = self._client.hgetall(self._keys[0])
        version = f"{fields.get('epoch')}:{fields.get('seq')}" if "epoch" in fields else ""
        expiries: list[Expiry] = []
        renewals: list[Renewal] = []
        malformed = 0
        for field, value in fields.items():
            kind, _, name = field.partition(":")
            try:
                if kind == "e":
                    expiries.append(read_expiry(name, value))
                elif kind == "r":
                    renewals.append(read_renewal(name, value))
            except MalformedError:
                malformed += 1
        return State(version, expiries, renewals, malformed)

    def claim(self, expiry: Expiry, begun: int | None) -> tuple[bool, Expiry | None]:
        """Write an expiry unless it is there already, in one step.

        Args:
            expiry: The expiry.
            begun: When the failed request began, in microseconds since the epoch; None where the expiry
                is not new, but what Redis lacks.

        Returns:
            Whether this process is the one that publishes it; and the expiry as it is stored in Redis, None
            where a renewal that is not yet known here was later than it.

        Raises:
            MalformedError: What is stored in Redis cannot be read.
        """
        after, id_, event = record_of(expiry).split(" ", 2)
        at = round(expiry.event.at.timestamp() * 1e6)
        won, name, record = self._claim(
            keys=self._keys,
            args=[
                *self._common(),
                *(expiry.name, after, id_, event, self._scope),
                *(at if begun is None else begun, at, "again" if begun is None else "new"),
                _TAKEN_OVER_MILLISECONDS,
            ],
        )
        return won == 1, None if won == 2 else read_expiry(name, record, known=expiry.after)

    def published(self, expiries: Iterable[Expiry]) -> None:
        """Note that expiries were published: nobody takes them over."""
        self._client.zrem(self._keys[2], *(f"{one.name} {one.event.id}" for one in expiries))

    def renew(self, renewal: Renewal) -> None:
        """Write a renewal unless a later one is there, in one step."""
        self._renew(keys=self._keys, args=[*self._common(), renewal.name, renewal.stamp, text_of(renewal)])

    def _common(self) -> list[str | int]:
        return [secrets.token_hex(8), KEPT_SECONDS, 2 * _MOST, self.channel]
