"""`SessionAuth`: one object for every client, round the application's own `refresh` and `load`."""

from __future__ import annotations

import importlib
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sentry_filters.core import Ask, Policy, Renewals
from sentry_filters.evidence import Reading
from sentry_filters.http.auth.aiohttp import Middleware
from sentry_filters.http.auth.credential import HEADER, Credential
from sentry_filters.http.auth.httpx import Flows
from sentry_filters.http.auth.requests import prepared_with

if TYPE_CHECKING:
    from httpx import Auth
else:
    Auth = object


class SessionAuth(Flows, Auth):
    """Sends the session's credential as a bearer token, and renews it; made by `SessionGuard.auth`.

    It is the `auth` of clients of httpx and httpx2, sync and async, and so of SDKs that take such a client as
    `http_client`, and of requests. `aiohttp` is a middleware, `token` for all others. Thread-safe.

    Only hosts of the policy get the credential; any other request is sent as it is. A 401 that is the end of
    the session is answered with one renewal, and the request is sent once more if its body is at hand, which
    one that was streamed is not.

    Raises, where a request is sent:
        SessionExpiredError: There is no credential, since a new sign-in is needed; or its time is over, and
            the policy says `refuse_expired`.
        Exception: There is no credential yet: what `load` or `refresh` raised.
    """

    def __init__(self, credential: Credential, provider: str) -> None:
        self._credential = credential
        self._provider = provider
        self.aiohttp = Middleware(credential)

    def __repr__(self) -> str:
        return f"<SessionAuth of {self._provider}>"

    def __call__(self, request: Any) -> Any:
        """Sign a `requests.PreparedRequest`; requests calls it as `auth`."""
        return prepared_with(self._credential, request)

    def token(self) -> str:
        """Return the credential, for clients and SDKs that take a callable: `OpenAI(api_key=auth.token)`.

        It is renewed when it is due by its own `exp`; what the backend answers is not seen. It blocks for at
        most `timeout` seconds.
        """
        return self._credential.to_send() or ""

    async def token_async(self) -> str:
        """As `token`, without blocking the event loop."""
        return await self._credential.to_send_async() or ""


def session_auth(
    renewals: Renewals,
    policy: Policy,
    reading: Reading,
    refresh: Ask,
    load: Ask | None,
    renew_before: float,
    timeout: float,
) -> SessionAuth:
    """Return an object that the clients of all libraries take; see `SessionGuard.auth`.

    Args:
        renewals: What renewals mean for the sessions.
        policy: Which hosts are our own.
        reading: Reads facts off a client's response.
        refresh: The application's.
        load: The application's, if there is one.
        renew_before: Seconds.
        timeout: Seconds.
    """
    if not policy.endpoints:
        raise ValueError("auth: invalid hosts set() in the policy; expected those that get the credential")
    if HEADER.lower() not in policy.credential_headers:  # else no answer to it would be recognised
        named = tuple(policy.credential_headers)
        raise ValueError(
            f"auth: invalid credential_headers {named} in the policy; expected {HEADER.lower()!r} among them"
        )
    for name, seconds in (("renew_before", renew_before), ("timeout", timeout)):
        if not 0 <= seconds < math.inf:
            raise ValueError(f"auth: invalid {name} {seconds!r}; expected a number of seconds, 0 or more")
    for name, one in (("refresh", refresh), ("load", load or refresh)):
        if not callable(one):
            raise TypeError(f"auth: invalid {name} of type {type(one).__name__}; expected a callable")
    renewer = renewals.renewer(refresh, load, renew_before, timeout)
    kind = type("SessionAuth", (SessionAuth, *_auth_classes()), {"__module__": __name__})
    made: SessionAuth = kind(Credential(renewer, renewals, policy, reading), policy.provider)
    return made


def _auth_classes() -> tuple[type, ...]:
    """Return the classes that httpx and httpx2 ask for, of whichever is installed."""
    classes: list[type] = []
    for library in ("httpx", "httpx2"):
        with suppress(ImportError):
            classes.append(importlib.import_module(library).Auth)
    return tuple(classes)
