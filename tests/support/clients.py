"""The HTTP library that an LLM SDK uses: openai 3 and anthropic 2 moved from httpx to httpx2."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx
import httpx2
import openai


def _library_of(default_client: type) -> Any:
    return httpx2 if issubclass(default_client, httpx2.Client) else httpx


OPENAI_HTTP: Any = _library_of(openai.DefaultHttpxClient)
ANTHROPIC_HTTP: Any = _library_of(anthropic.DefaultHttpxClient)
