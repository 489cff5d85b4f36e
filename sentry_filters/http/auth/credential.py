"""Which credential a call is sent with, and with which it is tried again, whatever client sends it."""

from __future__ import annotations

import asyncio

from sentry_filters.core import Policy, Renewals, Renewer
from sentry_filters.evidence import LONGEST_BODY, Reading, Response, endpoint_of_url, exchange_of, serves

HEADER = "Authorization"
"""The one header that every client takes off where a redirect leads to another host."""


class Credential:
    """The credential, for the clients' own files. Thread-safe.

    Args:
        renewer: Holds it.
        renewals: Knows what an answer means.
        policy: Which hosts are our own.
        reading: Reads facts off a client's response.
    """

    def __init__(self, renewer: Renewer, renewals: Renewals, policy: Policy, reading: Reading) -> None:
        self._renewer = renewer
        self._renewals = renewals
        self._policy = policy
        self._reading = reading

    def is_for(self, url: str) -> bool:
        """Say whether the credential may be sent to this URL."""
        endpoint = endpoint_of_url(url)
        return endpoint is not None and serves(self._policy.endpoints, endpoint)

    def is_refusal(self, status: int, length: str | None) -> bool:
        """Say whether an answer can be the end of the session, and is short enough to be read.

        Args:
            status: HTTP status.
            length: The header `Content-Length`.
        """
        is_long = length is not None and (not length.isdecimal() or int(length[:9]) > LONGEST_BODY)
        return status in self._policy.statuses and not is_long

    def to_send(self) -> str | None:
        """Return the credential for a call; renews it first where that is due.

        None where `refresh` itself calls and there is none yet.

        Raises:
            SessionExpiredError: A new sign-in is needed, or its time is over.
            Exception: There is none: what `load` or `refresh` raised.
        """
        flight = self._renewer.before()
        if flight is not None:
            flight.wait()
        return self._renewer.sendable()

    async def to_send_async(self) -> str | None:
        """As `to_send`, without blocking the event loop."""
        flight = self._renewer.before(asyncio.get_running_loop())
        if flight is not None:
            await flight.wait_async()
        return self._renewer.sendable()

    def again(self, sent: str, response: object) -> str | None:
        """Return the credential to send the call with again, None where its answer stays.

        Args:
            sent: The credential that it was sent with.
            response: The client's own object, its body read.
        """
        facts = self._ended(response)
        if facts is None:
            return None
        flight = self._renewer.after(sent)
        if flight is not None:
            flight.wait()
        return self._renewer.instead_of(sent, facts)

    async def again_async(self, sent: str, response: object) -> str | None:
        """As `again`, without blocking the event loop."""
        facts = self._ended(response)
        if facts is None:
            return None
        flight = self._renewer.after(sent, asyncio.get_running_loop())
        if flight is not None:
            await flight.wait_async()
        return self._renewer.instead_of(sent, facts)

    def worked(self, sent: str) -> None:
        """Note that a call with this credential was not refused."""
        self._renewer.worked(sent)

    def _ended(self, response: object) -> Response | None:
        exchange = exchange_of(response, self._reading)
        if exchange is None or not self._renewals.is_ours(exchange.response):
            return None
        return exchange.response


def signed(credential: str) -> str:
    """Return the header's value."""
    return f"Bearer {credential}"
