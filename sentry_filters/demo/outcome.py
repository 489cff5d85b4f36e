"""What one side of the demo measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one side of the demo measured.

    Args:
        events_received: All events that the Sentry receiver got.
        session_events: Of these, about the dead session.
        third_party_events: Of these, about a user's own rejected key at another provider.
        bug_events: Of these, about a bug in the handling of the 401.
        secrets: How often a secret occurs in the bytes that the receiver got.
        published: How many `SessionExpired` were published.
        saved: How many LLM calls the gate refused.
        calls: How many LLM calls the dead session cost.
        after_sign_in: How many LLM calls worked after the sign-in.
        reason: `SessionExpired.reason`; a dash without one.
        seconds: How long it took.
    """

    events_received: int
    session_events: int
    third_party_events: int
    bug_events: int
    secrets: int
    published: int
    saved: int
    calls: int
    after_sign_in: int
    reason: str
    seconds: float
