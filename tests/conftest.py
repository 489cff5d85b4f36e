"""Real parts for tests: a guard, an LLM backend, a receiver of Sentry's protocol, Sentry clients."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import openai
import pytest
import sentry_sdk

from sentry_filters import Policy, SessionExpired, SessionGuard
from tests.support.backend import LLMBackend
from tests.support.clients import OPENAI_HTTP
from tests.support.receiver import SentryReceiver
from tests.support.sentry import initialised

InitSentry = Callable[..., sentry_sdk.Client]
OpenAIFor = Callable[..., openai.OpenAI]

_TESTS: Final = Path(__file__).parent
_NOT_MEASURED: Final = frozenset({
    # Thousands of cases, or programs of their own: they run what other tests run, and tracing takes as
    # long again as half of them.
    "architecture", "certainty", "evaluate", "frameworks", "fuzz", "machine", "model", "simulation",
    "torture",
    # What they measure, tracing changes.
    "test_bench.py", "redaction/test_linear.py",
    # Children of a process in which other threads run all the time, and would be traced.
    "redaction/test_forks.py",
})  # fmt: skip
# Of the tests with servers, those that run what no other does: traced, all of them take minutes longer.
_MEASURED_WITH_SERVERS: Final = frozenset({"demo", "redis", "schedulers"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out of what coverage measures what adds nothing to it."""
    for item in items:
        path = item.path.relative_to(_TESTS)
        room = path.parts[0]
        has_server = item.get_closest_marker("integration") is not None
        if (
            path.as_posix() in _NOT_MEASURED
            or room in _NOT_MEASURED
            or (has_server and room not in _MEASURED_WITH_SERVERS)
        ):
            item.add_marker("no_cover")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool | None, bool | None]:
    """Leave the processes that it starts out, too; pytest-cov itself leaves out what runs in this one.

    A forked child ends by the system's own `os._exit`, not by coverage's, which saves what was measured.
    """
    with pytest.MonkeyPatch.context() as patched:
        if item.get_closest_marker("no_cover"):
            patched.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
            patched.setattr(os, "_exit", getattr(sys.modules.get("posix", os), "_exit"))  # noqa: B009 - Windows has none
        return (yield)


@pytest.fixture
def backend() -> Iterator[LLMBackend]:
    """The hosted backend; it knows no session yet, so every call is a 401."""
    with LLMBackend() as server:
        yield server


@pytest.fixture
def other_backend() -> Iterator[LLMBackend]:
    """A third party's API, which rejects every key."""
    with LLMBackend() as server:
        server.state.body = '{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}'
        yield server


@pytest.fixture
def receiver() -> Iterator[SentryReceiver]:
    """Where Sentry's own HTTP transport sends to."""
    with SentryReceiver() as server:
        yield server


@pytest.fixture
def expired() -> list[SessionExpired]:
    """What has been published so far, once `guard.bus.flush()` has returned."""
    return []


@pytest.fixture
def guard(backend: LLMBackend, expired: list[SessionExpired]) -> Iterator[SessionGuard]:
    """A guard of the backend, with a listener."""
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={backend.address}), expired.append)
    yield guard
    guard.close()


@pytest.fixture
def sentry() -> Iterator[InitSentry]:
    """Set up Sentry as an application does; closed and removed after the test."""
    with ExitStack() as stack:

        def init(**options: Any) -> sentry_sdk.Client:
            return stack.enter_context(initialised(**options))

        yield init


@pytest.fixture
def openai_for(guard: SessionGuard) -> Iterator[OpenAIFor]:
    """Make OpenAI clients for a backend, on an instrumented HTTP client that is closed after the test."""
    with ExitStack() as stack:

        def make(backend: LLMBackend, key: str) -> openai.OpenAI:
            http_client = guard.instrument(stack.enter_context(OPENAI_HTTP.Client()))
            return openai.OpenAI(base_url=backend.url, api_key=key, http_client=http_client, max_retries=0)

        yield make


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C is heeded here and by processes started here; what a shell runs in its background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
