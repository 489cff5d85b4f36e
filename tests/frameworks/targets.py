"""Whom a call goes to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

MESSAGES: Any = [{"role": "user", "content": "hi"}]


@dataclass(frozen=True)
class Target:
    """A backend, and the credential that it is sent.

    Args:
        root: Its URL, without a version.
        key: The credential.
        fallback: Whom a framework's own fallback asks next; None without one.
    """

    root: str
    key: str
    fallback: Target | None = None

    @property
    def url(self) -> str:
        """Base URL for SDKs that speak OpenAI's protocol."""
        return f"{self.root}/v1"

    @property
    def chat(self) -> str:
        """URL for clients that have no protocol of their own."""
        return f"{self.url}/chat/completions"

    @property
    def headers(self) -> dict[str, str]:
        """The credential as a header."""
        return {"authorization": f"Bearer {self.key}"}


Call = Callable[[Target], object]


def blocking(call: Callable[[Target], Awaitable[object]]) -> Call:
    """Return a coroutine function as a plain one, which runs it in a loop of its own."""

    async def run(target: Target) -> object:
        return await call(target)

    return lambda target: asyncio.run(run(target))
