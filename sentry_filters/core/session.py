"""The end of a session, as handlers, refused work and the audit see it."""

from __future__ import annotations

import enum
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionExpired:
    """The app session of the hosted backend has ended; a new sign-in is needed.

    Args:
        source: Where it comes from: domain, dot, provider in lower case, `_backend`.
        reason: The backend's answer or the reported message, redacted, then cut to 200 characters.
        provider: `Policy.provider`.
        operation: The operation that failed first; `"unknown"` if only its text was seen.
        status: HTTP status, 401 or 403.
        session: Fingerprint of the credential (12 hex digits); None if it is not known.
        confirmed: Whether a response of one of `Policy.hosts` said so, not only a report.
        at: When it was recognised; with a time zone.
        trace_id: Trace of the first failure (32 hex digits); None outside a trace.
        id: Names this expiry (16 hex digits), also in the audit's records of what was dropped for it.
    """

    source: str
    reason: str
    provider: str
    operation: str
    status: int
    session: str | None
    confirmed: bool
    at: datetime
    trace_id: str | None
    id: str = field(default_factory=partial(secrets.token_hex, 8), compare=False)


class SessionExpiredError(RuntimeError):
    """LLM work was refused because the session has expired; a new sign-in is needed.

    Args:
        event: The expiry that closed the gate.
    """

    def __init__(self, event: SessionExpired) -> None:
        super().__init__(f"the {event.provider} session has expired; sign in again")
        self.event = event

    def __reduce__(self) -> tuple[type[SessionExpiredError], tuple[SessionExpired]]:
        return type(self), (self.event,)


class Standing(enum.Enum):
    """Where a recognised failure stands in its session's life."""

    FIRST = "first"
    REPEAT = "repeat"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Observed:
    """Where a recognised failure stands, and in which expiry.

    Args:
        standing: Where it stands; None for one that is kept, since a success contradicts it.
        expiry: The id of its expiry, None for a late failure of a session that was renewed before it expired.
        reason: A code in place of the verdict's: `contradicting_success`, `old_credential`.
        tag: The value of the tag `session_expired` under which Sentry keeps the report all the same:
            `unhandled`, `old_credential`; None where it need not be shown.
    """

    standing: Standing | None
    expiry: str | None
    reason: str | None = None
    tag: str | None = None
