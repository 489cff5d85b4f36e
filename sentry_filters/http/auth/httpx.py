"""httpx and httpx2: the two flows of their `Auth` classes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, MutableMapping
from typing import Any, Protocol

from sentry_filters.http.auth.credential import HEADER, Credential, signed


class Response(Protocol):
    """A response of either library."""

    status_code: int
    headers: MutableMapping[str, str]


class Flows:
    """What `httpx.Auth` and `httpx2.Auth` do, without their code: a class of both has this one first."""

    _credential: Credential

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Send a request, and once more with a renewed credential where the first one has ended."""
        sent = self._credential.to_send() if self._credential.is_for(str(request.url)) else None
        if sent is None:
            yield request
            return
        request.headers[HEADER] = signed(sent)
        response = yield request
        if not _is_refusal(self._credential, response):
            self._credential.worked(sent)
            return
        response.read()
        again = self._credential.again(sent, response)
        if again is not None and _is_at_hand(request):
            request.headers[HEADER] = signed(again)
            yield request

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """As `sync_auth_flow`."""
        sent = await self._credential.to_send_async() if self._credential.is_for(str(request.url)) else None
        if sent is None:
            yield request
            return
        request.headers[HEADER] = signed(sent)
        response = yield request
        if not _is_refusal(self._credential, response):
            self._credential.worked(sent)
            return
        await response.aread()
        again = await self._credential.again_async(sent, response)
        if again is not None and _is_at_hand(request):
            request.headers[HEADER] = signed(again)
            yield request


def _is_refusal(credential: Credential, response: Response) -> bool:
    return credential.is_refusal(response.status_code, response.headers.get("content-length"))


def _is_at_hand(request: Any) -> bool:
    """Say whether a request's body can be sent once more; one that was streamed cannot."""
    try:
        return isinstance(request.content, bytes)
    except RuntimeError:  # `RequestNotRead` of both libraries
        return False
