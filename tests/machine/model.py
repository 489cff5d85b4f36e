"""What the contract says of a session's life, written down once more: small, and without the package's code.

Moments are counted, not measured. A credential is its name, None the one of a failure that names none.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

Name = str | None


class Fate(enum.Enum):
    """What becomes of one report of a failure."""

    KEPT = "kept"
    DROPPED = "dropped"
    SHOWN_UNHANDLED = "unhandled"
    SHOWN_OLD = "old_credential"

    @property
    def arrives(self) -> bool:
        """Whether Sentry gets the report."""
        return self is not Fate.DROPPED


@dataclass(eq=False)
class Expiry:
    """One end of a session: who can still act on it."""

    failed: int
    found: int
    handled: bool
    shown: bool = False


@dataclass
class Model:
    """The life of all sessions in one process.

    Args:
        scope: `Policy.scope`.
        now: The moment.
        listeners: How many handlers are subscribed.
        published: How many expiries were published.
        running: The expiries that nothing has ended yet, by credential.
    """

    scope: str
    now: int = 0
    listeners: int = 0
    published: int = 0
    running: dict[Name, Expiry] = field(default_factory=dict)
    _renewed: dict[Name, tuple[int, Name]] = field(default_factory=dict)
    _succeeded: dict[str, int] = field(default_factory=dict)
    _seen: dict[str, int] = field(default_factory=dict)
    _old_shown: set[Name] = field(default_factory=set)
    _failed_last: Name = None

    def tick(self) -> int:
        """Return the next moment."""
        self.now += 1
        return self.now

    def is_open(self, name: Name) -> bool:
        """Say whether work with this credential may begin."""
        return name not in self.running if self.scope == "session" else not self.running

    def renews(self, name: Name, replaces: Name) -> None:
        """Sign in, with the credential of this name, in the place of another's."""
        at = self.tick()
        if self.scope == "process" or name is None:
            self._renewed = {None: (at, name)}
            self.running.clear()
            return
        for one in {name, replaces or name}:
            self._renewed[one] = (at, name)
            self.running.pop(one, None)

    def succeeds(self, name: str, began: int) -> None:
        """Let a call succeed that the guard sees: its credential lives."""
        self._succeeded[name] = max(began, self._succeeded.get(name, 0))
        self._seen.setdefault(name, began)
        expiry = self.running.get(name)
        if expiry is not None and began > expiry.failed:
            self.running = {one: other for one, other in self.running.items() if other is not expiry}

    def fails(self, name: Name, start: int | None, *, can_show: bool) -> Fate:
        """Let a failure be reported that is recognised by a fact or a statement, with its start if known."""
        began = self.tick() if start is None else start
        if name is not None:
            self._seen[name] = min(began, self._seen.get(name, began))
        if self.scope == "session" and name is None:
            return Fate.KEPT  # words, outside of any trace
        at, credential = self._renewal_of(name)
        if name is not None and began < self._succeeded.get(name, 0):
            return Fate.KEPT
        if began < at:
            return Fate.DROPPED
        expiry = self.running.get(name)
        if expiry is None:
            if name is not None and credential not in (None, name) and not self._is_newer(name, at):
                return self._old(name, can_show=can_show)
            expiry = self._joined(name, start) or self._ends(name, began)
        if name in self.running:
            expiry.failed = max(began, expiry.failed)
        return self._shown_or_dropped(expiry, can_show=can_show)

    def words_about(self, name: str, began: int) -> Fate:
        """Let a text be reported that quotes the failure, after the one call of its task, which failed."""
        fate = self.words()
        if fate is not Fate.KEPT or not self._would_end(name, began):
            return fate
        self.spoken_of(name)
        return self.fails(name, began, can_show=True)

    def words(self) -> Fate:
        """Let a text be reported that quotes the failure, in the trace of the other reports to Sentry."""
        if self.scope == "session":
            expiry = self.running.get(self._failed_last) if self._failed_last else None
        else:
            expiry = self.running.get(None) or self._latest()
        return Fate.KEPT if expiry is None else self._shown_or_dropped(expiry, can_show=True)

    def spoken_of(self, name: str) -> None:
        """Let a failure of this credential be reported to Sentry, in the one trace there is."""
        self._failed_last = name

    def _would_end(self, name: str, began: int) -> bool:
        at, credential = self._renewal_of(name)
        if began < max(at, self._succeeded.get(name, 0)):
            return False
        is_old = credential not in (None, name) and not self._is_newer(name, at)
        return name in self.running or not is_old

    def _latest(self) -> Expiry | None:
        return max(self.running.values(), key=lambda expiry: expiry.found, default=None)

    def _renewal_of(self, name: Name) -> tuple[int, Name]:
        everyone, own = self._renewed.get(None, (0, None)), self._renewed.get(name, (0, None))
        return max(everyone, own, key=lambda renewal: renewal[0])

    def _old(self, name: str, *, can_show: bool) -> Fate:
        if not can_show or name in self._old_shown:
            return Fate.DROPPED
        self._old_shown.add(name)
        return Fate.SHOWN_OLD

    def _is_newer(self, name: str, at: int) -> bool:
        """Say whether a credential appeared after this sign-in, and worked."""
        return min(self._seen.get(name, 0), self._succeeded.get(name, 0)) > at

    def _joined(self, name: Name, start: int | None) -> Expiry | None:
        """Return the expiry that a failure belongs to which was found first without, or with, a name."""
        if name is None:
            return self._latest()
        unnamed = self.running.get(None)
        if unnamed is None or (start is not None and start > unnamed.found):
            return None
        self.running[name] = unnamed
        return unnamed

    def _ends(self, name: Name, began: int) -> Expiry:
        self.published += 1
        self.running[name] = Expiry(began, self.now, handled=self.listeners > 0)
        return self.running[name]

    def _shown_or_dropped(self, expiry: Expiry, *, can_show: bool) -> Fate:
        if not can_show or expiry.handled or expiry.shown:
            return Fate.DROPPED
        expiry.shown = True
        return Fate.SHOWN_UNHANDLED
