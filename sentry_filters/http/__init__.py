"""What the wire said: one file for each HTTP client."""

from typing import Final

from sentry_filters.http.aiohttp import Aiohttp
from sentry_filters.http.auth import SessionAuth, session_auth
from sentry_filters.http.calls import Call, Calls
from sentry_filters.http.clients import EVERYBODY, Client, Clients
from sentry_filters.http.http_client import HttpClient
from sentry_filters.http.httpx import Httpx
from sentry_filters.http.requests import Requests
from sentry_filters.http.urllib3 import Urllib3

LIBRARIES: Final = (Httpx, Requests, Aiohttp, Urllib3, HttpClient)
"""What `instrument` knows, in the order in which a client is looked for."""

__all__ = [
    "EVERYBODY",
    "LIBRARIES",
    "Aiohttp",
    "Call",
    "Calls",
    "Client",
    "Clients",
    "HttpClient",
    "Httpx",
    "Requests",
    "SessionAuth",
    "Urllib3",
    "session_auth",
]
