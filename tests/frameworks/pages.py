"""`python -m tests.frameworks.pages NAME`: the snippet of a page of docs/frameworks, as it stands there."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, Final

import sentry_sdk

from tests.frameworks.catalogue import Environment
from tests.frameworks.environments import CHECKOUT
from tests.support.backend import LLMBackend
from tests.support.receiver import SentryReceiver
from tests.support.secrets import fake

PAGES: Final[Mapping[str, Environment]] = {
    "langchain": "main",
    "litellm": "litellm",
    "openai-agents": "main",
    "pydantic-ai": "main",
}
"""Where each snippet's framework is installed."""


def snippet(name: str) -> str:
    """Return the program of a page."""
    page = (CHECKOUT / f"docs/frameworks/{name}.md").read_text("utf-8")
    [found] = re.findall(r"<!-- snippet: app -->\n```python\n(.*?)```", page, re.DOTALL)
    return str(found)


def run(name: str) -> None:
    """Run it against a backend whose session has ended, then once more behind the closed gate.

    Raises:
        AssertionError: Something reached Sentry, or not one `SessionExpired` was published.
    """
    with LLMBackend() as backend, SentryReceiver() as receiver:
        program = snippet(name).replace("https://api.example.ai", f"http://{backend.address}")
        program = program.replace("api.example.ai", backend.address)
        asked: list[object] = []
        names: dict[str, Any] = {
            "DSN": receiver.dsn,
            "SESSION_TOKEN": fake("eyJ", 40),
            "ask_to_sign_in": asked.append,
            "__name__": "app",
        }
        exec(compile(program, name, "exec"), names)
        failed = []
        for _ in range(2):
            try:
                names["answer"]("hi")
            except Exception as error:
                failed.append(type(error).__name__)
                sentry_sdk.capture_exception(error)
        sentry_sdk.get_client().flush(timeout=10)
        names["guard"].bus.flush()
        assert backend.state.calls == 1, failed
        assert failed[1] == "SessionExpiredError", failed
        assert (len(receiver.events), len(asked)) == (0, 1)


if __name__ == "__main__":
    for page in sys.argv[1:]:
        run(page)
