"""The credential that is held, when it ends by its own words, and how often another was asked for."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from sentry_filters.evidence import expires_at

LEASE_SECONDS = 30.0
"""How long one process may have the others wait; in that time `refresh` is called twice at most."""
LEEWAY_SECONDS = 5.0
"""How long after `exp` a credential is refused: clocks disagree."""
_MOST_TRIES = 2


@dataclass(frozen=True, slots=True)
class Held:
    """A credential. All moments are seconds since the epoch.

    Args:
        credential: Without `Bearer `.
        session: Its fingerprint.
        due: When to renew it although nobody refused it, None for never.
        ends: When it ends by its own words, None where it has none.
        over: When it is not sent any more, None for never.
        fresh: Whether this process's own `refresh` has made it.
    """

    credential: str = field(repr=False)
    session: str
    due: float | None
    ends: float | None
    over: float | None
    fresh: bool = False

    def is_due(self) -> bool:
        """Say whether it is time to renew it."""
        return self.due is not None and time.time() >= self.due

    def is_valid(self) -> bool:
        """Say whether it has not ended, by its own words."""
        return self.ends is None or time.time() < self.ends

    def is_over(self) -> bool:
        """Say whether it must not be sent any more."""
        return self.over is not None and time.time() >= self.over


def session_of(held: Held | None) -> str | None:
    """Return the session of a credential, None where none is held."""
    return None if held is None else held.session


@dataclass(frozen=True, slots=True)
class HeldAs:
    """How credentials are held.

    Args:
        fingerprint: Names a credential.
        scope: `Policy.scope`.
        refuse_expired: `Policy.refuse_expired`.
        renew_before: Seconds before its end in which a credential is renewed; 0 to renew it at its end.
    """

    fingerprint: Callable[[str], str]
    scope: Literal["process", "session"]
    refuse_expired: bool
    renew_before: float

    def held(self, credential: str, *, fresh: bool) -> Held:
        """Return a credential with the moments that are its own.

        Args:
            credential: Without `Bearer `.
            fresh: Whether it was made just now. One that is due already would be renewed for ever: its
                lifetime is shorter than `renew_before`, or a clock is wrong.
        """
        ends = expires_at(credential)
        due = None
        if ends is not None:
            # Spread over the first half of that time: processes must not come in one moment.
            due = ends - self.renew_before * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load
            if fresh and due <= time.time():
                due = ends if ends > time.time() else None
        over = ends + LEEWAY_SECONDS if ends is not None and self.refuse_expired else None
        return Held(credential, self.fingerprint(credential), due, ends, over, fresh)


class Tries:
    """Says when `refresh` may be called again: soon after one failure, not for the rest of a lease after two.

    Every call counts until a credential has worked, so that a backend that refuses whatever it gets is not
    answered with a renewal for each call.
    """

    def __init__(self) -> None:
        self._begun: tuple[float, ...] = ()
        self._not_before = 0.0

    def may_ask(self) -> bool:
        """Say whether it may be called now."""
        return time.monotonic() >= self._not_before

    def begin(self) -> None:
        """Note that it is called."""
        now = time.monotonic()
        recent = tuple(begun for begun in self._begun if begun > now - LEASE_SECONDS)
        self._begun = (*recent, now)[-_MOST_TRIES:]
        if len(self._begun) < _MOST_TRIES:
            self.failed()
        else:
            self.pause(self._begun[0] + LEASE_SECONDS - now)

    def failed(self) -> None:
        """Note that it could not be asked: a short pause."""
        self.pause(random.uniform(1.0, 2.0))  # noqa: S311 - spreads load

    def pause(self, seconds: float) -> None:
        """Ask nobody for so many seconds."""
        self._not_before = max(self._not_before, time.monotonic() + seconds)

    def forget(self) -> None:
        """Note that a credential worked, or that somebody signed in."""
        self._begun = ()
        self._not_before = 0.0
