"""What the wire said: one file for each HTTP client."""

from sentry_filters.http.httpx import Call, Client, HttpEdge

__all__ = [
    "Call",
    "Client",
    "HttpEdge",
]
