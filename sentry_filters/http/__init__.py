"""What the wire said: one file for each HTTP client."""

from sentry_filters.http.calls import Call, Calls
from sentry_filters.http.httpx import Client, instrument

__all__ = [
    "Call",
    "Calls",
    "Client",
    "instrument",
]
