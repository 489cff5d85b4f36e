"""What the wire said: one file for each HTTP client."""

from sentry_filters.http.auth import SessionAuth, session_auth
from sentry_filters.http.calls import Call, Calls
from sentry_filters.http.httpx import Client, instrument

__all__ = [
    "Call",
    "Calls",
    "Client",
    "SessionAuth",
    "instrument",
    "session_auth",
]
