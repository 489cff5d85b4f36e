"""The session's credential in requests: one file for each kind of client."""

from sentry_filters.http.auth.session import SessionAuth, session_auth

__all__ = [
    "SessionAuth",
    "session_auth",
]
