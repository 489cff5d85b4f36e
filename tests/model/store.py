"""Redis as the model has it: what the scripts of `sentry_filters/redis/store.py` do, without a server.

`test_store.py` compares both on random commands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from sentry_filters.redis.messages import EVERYONE, UNNAMED, Expiry, Renewal
from sentry_filters.redis.store import Look, State

Kept = tuple[str, int, str]
"""An expiry: name, after, id."""
Named = tuple[str, int, str | None]
"""A renewal: name, stamp, credential."""


class Contents(NamedTuple):
    """All that the server keeps."""

    expiries: tuple[Kept, ...] = ()
    renewals: tuple[Named, ...] = ()
    current: tuple[str, int] | None = None


class ModelStore:
    """A store over `contents`; what it publishes is in `said`.

    Args:
        scope: `Policy.scope`.
        expiry_of: Makes the expiry of what is kept of it.
    """

    def __init__(self, scope: str, expiry_of: Callable[[Kept], Expiry]) -> None:
        self._scope = scope
        self._expiry_of = expiry_of
        self.restore(Contents())

    def restore(self, contents: Contents) -> None:
        """Begin from here."""
        self._expiries = {one[0]: one for one in contents.expiries}
        self._renewals = {one[0]: one for one in contents.renewals}
        self._current = contents.current
        self.said: list[Kept | Named] = []

    def contents(self) -> Contents:
        """Return what is kept now."""
        return Contents(
            tuple(sorted(self._expiries.values())),
            tuple(sorted(self._renewals.values(), key=str)),
            self._current,
        )

    def look(self) -> Look:
        """Of no use here: the model compares all at every look, and who wins a claim publishes at once."""
        return Look("1:1", [], 0)

    def published(self, expiries: Iterable[Expiry]) -> None:
        """Of no use here, either."""

    def load(self) -> State:
        """Read everything."""
        renewals = [
            Renewal(name=name, stamp=stamp, credential=to) for name, stamp, to in self._renewals.values()
        ]
        return State("1:1", [self._expiry_of(one) for one in self._expiries.values()], renewals, 0)

    def renew(self, renewal: Renewal) -> None:
        """Write a renewal unless a later one is there."""
        if self._stamp(renewal.name) < renewal.stamp:
            new = (renewal.name, renewal.stamp, renewal.credential)
            self._renewals[renewal.name] = new
            self.said.append(new)

    def claim(self, expiry: Expiry, begun: int | None) -> tuple[bool, Expiry | None]:
        """Write an expiry unless it is there already; see the script of the real store."""
        name, after, new = expiry.name, expiry.after, begun is not None
        at = round(expiry.event.at.timestamp() * 1e6)
        begun = at if begun is None else begun
        everyone = self._stamp(EVERYONE)
        ending = max(everyone, self._stamp(name))
        known = self._expiries.get(name)
        if known is not None and (
            known[2] == expiry.event.id or known[1] >= max(ending, after) or known[1] > after
        ):
            return False, self._expiry_of(known)
        if ending > after:
            credential = self._renewals[EVERYONE][2] if everyone > after else None
            old = new and credential is not None and credential != name
            if name == UNNAMED or old or (new and begun < ending):
                return False, None
        if self._scope == "process":
            running = self._expiries.get(self._current[0]) if self._current else None
            if running is not None and self._current is not None and self._current[0] != name:
                same = name == UNNAMED or (self._current[0] == UNNAMED and begun <= self._current[1])
                if same and running[1] >= max(everyone, self._stamp(self._current[0])):
                    return False, self._expiry_of(running)
            if new or after >= ending:
                self._current = (name, at)
        kept = (name, max(after, ending) if new else after, expiry.event.id)
        self._expiries[name] = kept
        self.said.append(kept)
        return True, self._expiry_of(kept)

    def _stamp(self, name: str) -> int:
        renewal = self._renewals.get(name)
        return 0 if renewal is None else renewal[1]
