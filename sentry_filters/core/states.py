"""What the session's life is made of: what is known, what can happen, and what is then due. Values only.

Moments are seconds on one steady clock of the process. Stamps order renewals alike in all processes.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sentry_filters.core.policy import Policy
from sentry_filters.core.session import Standing

NEVER = -math.inf

UNRENEWED_AFTER = 60.0
"""Seconds after which nobody handles an expiry, whoever was told, if calls with the dead session go on."""
UNRENEWED_CALLS = 10
"""How many calls have to fail until then: fewer may be a user's who is about to sign in."""


class Due(enum.Enum):
    """What is due after a transition."""

    CLOSE = "close"  # the gate, for this session's expiry, before anything that takes time
    OPEN = "open"  # the gate, for this session
    OPEN_ALL = "open all"  # the gate, for every session
    PUBLISH = "publish"  # this session's expiry
    WAIT = "wait"  # `Rule.healing_window`, then `Elapsed`
    RECOVERED = "recovered"  # it was no expiry: open the gate for this session, and let the others know
    SHOW = "show"  # this report, although it is recognised
    WARN = "warn"  # of several credentials in use
    UNRENEWED = "unrenewed"  # whoever was told did nothing: let the audit know


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What the policy says about sessions.

    Args:
        scope: `Policy.scope`.
        renewal_grace: `Policy.renewal_grace`, in seconds.
        healing_window: `Policy.healing_window`, in seconds.
        expiry_id: Names an expiry by its session and the stamp of the renewal that it followed.
        unrenewed_after: `UNRENEWED_AFTER`; never in shadow mode, where nobody is told.
    """

    scope: Literal["process", "session"]
    renewal_grace: float
    healing_window: float
    expiry_id: Callable[[str | None, int], str]
    unrenewed_after: float = UNRENEWED_AFTER

    @classmethod
    def of(cls, policy: Policy, expiry_id: Callable[[str | None, int], str]) -> Rule:
        """Return what a policy says."""
        return cls(
            scope=policy.scope,
            renewal_grace=policy.renewal_grace,
            healing_window=policy.healing_window,
            expiry_id=expiry_id,
            unrenewed_after=math.inf if policy.mode == "shadow" else UNRENEWED_AFTER,
        )


@dataclass(frozen=True, slots=True)
class Renewal:
    """A sign-in: its stamp (0: none), its moment, and the new credential, None where it was not named."""

    stamp: int = 0
    at: float = NEVER
    credential: str | None = None


@dataclass(frozen=True, slots=True)
class Expiry:
    """One end of a session.

    Args:
        id: Its name.
        after: The stamp of the renewal that it followed; a later one ends it.
        failed: When the latest call that failed for it began.
        found: When it was found.
        told: Whether it was published, or is about to be, here or elsewhere.
        handled: Whether all who subscribed got it, and no handler failed; None while it is not known.
        shown: Whether Sentry was shown a failure of it.
        calls: How many more calls failed that began later, up to `UNRENEWED_CALLS`; one more once the audit
            knows of it.
    """

    id: str
    after: int
    failed: float
    found: float
    told: bool
    handled: bool | None = None
    shown: bool = False
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Process:
    """What is known of all sessions: the latest renewal of all, and who succeeded since, the latest last."""

    renewal: Renewal = Renewal()
    used: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """What is known of one session.

    Args:
        name: Its credential's fingerprint, None for the one of failures that name none.
        renewal: The latest renewal of this very session.
        expiry: Its latest expiry.
        shown: When the use of an old credential was last shown.
        asked_after: The stamp of the renewal after which another was asked for, and is not answered yet.
    """

    name: str | None
    renewal: Renewal = Renewal()
    expiry: Expiry | None = None
    shown: float = NEVER
    asked_after: int | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What one transition sees.

    Args:
        process: What is known of all sessions.
        session: What is known of this one.
        beside: With `scope="process"`: for a session without a name the latest running expiry of the others,
            for a named one the running expiry of the session without a name.
        crowded: Whether an expiry of another named session is running.
        succeeded: When the latest call of this credential that succeeded began.
        seen: When the first call of this credential began whose end is known.
    """

    process: Process
    session: Session
    beside: Expiry | None = None
    crowded: bool = False
    succeeded: float = NEVER
    seen: float = NEVER

    @property
    def covering(self) -> Renewal:
        """The latest renewal that holds for this session."""
        every, own = self.process.renewal, self.session.renewal
        return own if own.stamp > every.stamp else every

    @property
    def running(self) -> Expiry | None:
        """This session's expiry, unless a renewal has ended it."""
        expiry = self.session.expiry
        return expiry if expiry is not None and expiry.after >= self.covering.stamp else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A call failed that is recognised, by a fact or a statement, as this session's end.

    Args:
        now: The moment of the decision.
        reported: When it was reported; counts where it is not known when the call began.
        began: When the call began, None where unknown.
        can_show: Whether this report can be shown in Sentry.
    """

    now: float
    reported: float
    began: float | None = None
    can_show: bool = False


@dataclass(frozen=True, slots=True)
class Succeeded:
    """A call of `credential` succeeded that began at `began`; `stamp` is this moment's."""

    credential: str
    began: float
    stamp: int


@dataclass(frozen=True, slots=True)
class Renewed:
    """A sign-in, here or in another process: of this session, or `everyone`'s."""

    renewal: Renewal
    everyone: bool


@dataclass(frozen=True, slots=True)
class Adopted:
    """Another process's expiry of this session; the renewal that it followed was `Renewed` before."""

    id: str
    after: int
    now: float


@dataclass(frozen=True, slots=True)
class RenewalAsked:
    """`guard.auth` asks for this session's renewal; not `pending` any more when it is renewed or refused."""

    pending: bool


@dataclass(frozen=True, slots=True)
class Elapsed:
    """The healing window of this expiry is over."""

    id: str


@dataclass(frozen=True, slots=True)
class Published:
    """This expiry was handed to the handlers; `handled`: whether there were any, and all of them took it."""

    id: str
    handled: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """May a report of this session be dropped unseen? `listening`: whether anybody subscribed."""

    listening: bool


Event: TypeAlias = Failed | Succeeded | Renewed | Adopted | RenewalAsked | Elapsed | Published | Asked


@dataclass(frozen=True, slots=True)
class Step:
    """What came of an event.

    Args:
        state: What is known then.
        due: What is to be done, in this order.
        standing: Where a failure stands, None where it is kept.
        reason: A code in place of the verdict's.
    """

    state: State
    due: tuple[Due, ...] = ()
    standing: Standing | None = None
    reason: str | None = None
