"""Expiries as the guard publishes them."""

from __future__ import annotations

from datetime import UTC, datetime

from sentry_filters import SessionExpired


def expiry(session: str | None = None) -> SessionExpired:
    """Return the expiry of the session with this fingerprint."""
    return SessionExpired(
        source="llm_provider.openhuman_backend",
        reason="r",
        provider="OpenHuman",
        operation="chat",
        status=401,
        session=session,
        confirmed=True,
        at=datetime.now(UTC),
        trace_id=None,
    )
