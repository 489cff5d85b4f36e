"""aiohttp: a client middleware, of aiohttp 3.13 and later."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sentry_filters.http.auth.credential import HEADER, Credential, signed


class Middleware:
    """For `aiohttp.ClientSession(middlewares=(auth.aiohttp,))`; aiohttp calls it for each redirect, too.

    Args:
        credential: What is sent.
    """

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    async def __call__(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """Send a request, and once more with a renewed credential where the first one has ended."""
        is_ours = self._credential.is_for(str(request.url))
        sent = await self._credential.to_send_async() if is_ours else None
        if sent is None:
            return await handler(request)
        request.headers[HEADER] = signed(sent)
        response = await handler(request)
        if not self._credential.is_refusal(response.status, response.headers.get("content-length")):
            self._credential.worked(sent)
            return response
        await response.read()
        again = await self._credential.again_async(sent, response)
        if again is None or not _is_at_hand(request.body):
            return response
        request.headers[HEADER] = signed(again)
        return await handler(request)


def _is_at_hand(body: Any) -> bool:
    """Say whether a body can be sent once more: bytes, or a payload that says so."""
    return isinstance(body, bytes) or getattr(body, "consumed", True) is False
