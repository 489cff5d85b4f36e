"""Every snippet of docs/schedulers.md, run as it stands there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from sentry_filters import Policy, SessionExpiredError, SessionGuard
from tests.schedulers.conftest import ROOT
from tests.support.expiries import expiry

PAGE = ROOT / "docs/schedulers.md"
SNIPPETS: dict[str, str] = dict(
    re.findall(r"<!-- snippet: (\w+) -->\n```\w+\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
)


class BackendError(Exception):
    status = 401


def call_backend() -> str:
    raise BackendError("OpenHuman API error (401 Unauthorized)")


def ask_model(text: str) -> str:
    return text.upper()


@pytest.fixture
def names() -> Iterator[dict[str, Any]]:
    """What the page takes for granted."""
    guard = SessionGuard(Policy(provider="OpenHuman", scope="session"), print)
    yield {
        "guard": guard,
        "BROKER": "memory://",
        "BackendError": BackendError,
        "call_backend": call_backend,
        "ask_model": ask_model,
        "token_of": lambda user: f"token of {user}",
        "__name__": "schedulers",
    }
    guard.close()


def run(snippet: str, names: dict[str, Any]) -> None:
    exec(compile(snippet, str(PAGE), "exec"), names)


def close_for(names: dict[str, Any], user: str) -> None:
    guard = names["guard"]
    guard.gate.close(expiry(guard.fingerprint(f"token of {user}")))


def test_a_failing_call_asks_the_gate(names: dict[str, Any]) -> None:
    [snippet] = re.findall(r"```python\n(try:.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    names["guard"] = SessionGuard(Policy(provider="OpenHuman"), print)  # its failure names no session

    with pytest.raises(SessionExpiredError):
        run(snippet, names)
    names["guard"].close()


def test_celery(names: dict[str, Any]) -> None:
    pytest.importorskip("celery")
    run(SNIPPETS["celery"], names)
    close_for(names, "alice")

    assert names["summarise"]("bob", "text") is not None
    assert names["clean_up"]() == "runs on"
    with pytest.raises(SessionExpiredError):
        names["summarise"]("alice", "text")


def test_apscheduler(names: dict[str, Any]) -> None:
    pytest.importorskip("apscheduler")
    run(SNIPPETS["apscheduler"], names)

    [job] = names["scheduler"].get_jobs()

    assert job.executor == "llm"
    names["scheduler"].shutdown()


def test_arq(names: dict[str, Any]) -> None:
    pytest.importorskip("arq")
    run(SNIPPETS["arq"], names)

    assert [one.__name__ for one in names["WorkerSettings"].functions] == ["summarise", "clean_up"]
