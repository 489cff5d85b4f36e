"""The command, on a suite whose telemetry leads to what healthy telemetry never leads to: it says so."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.peers import __main__ as command
from tests.peers import runs
from tests.peers.environments import CHECKOUT, Installed, Unavailable
from tests.peers.page import BEGIN, END
from tests.peers.results import Results
from tests.peers.suites import Guarding, Suite

HERE: Final = Path(__file__).parent
CONFTEST: Final = """
def pytest_addoption(parser):
    parser.addoption("--timeout")  # what a suite's own environment has pytest-timeout for
"""
SUITE: Final = """
import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope, Item, PayloadRef
from sentry_sdk.transport import Transport


class Sending(Transport):
    def capture_envelope(self, envelope):
        pass


@pytest.fixture
def client():
    return sentry_sdk.Client(
        "http://key@localhost/1",
        transport=Sending(),
        default_integrations=False,
        auto_enabling_integrations=False,
    )


def event(provider):
    error = {"type": "ApiError", "value": provider + " API error (401 Unauthorized): Invalid token"}
    tags = {"domain": "llm_provider", "operation": "chat_completions", "provider": provider, "status": "401"}
    return {"exception": {"values": [error]}, "tags": {**tags, "failure": "non_2xx"}}


def test_healthy(client):
    client.capture_event(event("SomebodyElse"))


def test_shown(client):
    client.capture_event(event("OpenHuman"))


def test_dropped(client):
    for _ in range(2):  # the first one of a session that nobody listens for is kept
        client.capture_event(event("OpenHuman"))


def test_unknown(client):
    client.transport.capture_envelope(Envelope(items=[Item(b"{}", type="of_tomorrow")]))


class Unreadable(PayloadRef):
    def get_bytes(self):
        raise OSError


def test_unreadable(client):
    client.transport.capture_envelope(Envelope(items=[Item(Unreadable(), type="event")]))


def test_fails():
    assert False
"""
GUARDED = Suite(
    "requests",
    "requests",
    ("sentry",),
    needs="",
    paths=("test_theirs.py",),
    environ=(
        ("PYTHONPATH", os.pathsep.join((str(HERE), str(CHECKOUT)))),
        ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1"),
    ),
)
GONE = Suite("openai", "openai", ("clients",), needs="")


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page for two suites: one is installed already, the other cannot be had."""
    for name, text in (("conftest", CONFTEST), ("test_theirs", SUITE)):
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
    (tmp_path / "pyproject.toml").touch()
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}\n| httpx | of an earlier run |\n{END}\n", "utf-8")

    def installed(suite: Suite, wheel: Path) -> Installed:
        if suite is GONE:
            # What was written so far is what a run that is cut short here keeps.
            (tmp_path / "by then.md").write_bytes(page.read_bytes())
            raise Unavailable("it cannot be downloaded")
        return Installed(Path(sys.executable), tmp_path, "1.2.3")

    first: dict[Guarding | None, Results] = {}
    run = runs._run

    def run_once(suite: Suite, here: Installed, guarding: Guarding | None, *rest: Any) -> Results:
        """To run it again takes as long, and comes to the same."""
        if guarding not in first:
            first[guarding] = run(suite, here, guarding, *rest)
        return first[guarding]

    monkeypatch.setattr(runs, "_run", run_once)
    monkeypatch.setattr(command, "SUITES", (GUARDED, GONE))
    monkeypatch.setattr(command, "built", lambda: tmp_path / "a.whl")
    monkeypatch.setattr(command, "installed", installed)
    monkeypatch.setattr(runs, "CACHE", tmp_path)
    return page


def test_faults_drops_and_what_is_withheld_fail_the_command_and_are_on_the_page(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = command.main(["--keep", str(page)])

    said = capsys.readouterr().out
    assert status == 1
    expired = "session_expired/llm_provider.openhuman_backend/false/false 1"
    assert f"test_theirs::test_shown: counted: {expired}\n" in said
    assert f"test_theirs::test_dropped: counted: dropped/event 1, {expired}\n" in said
    assert "test_theirs::test_unknown: counted: withheld/other/unknown_item_type 1" in said
    assert "test_theirs::test_unreadable: counted: faults/boundary 1, withheld/event/fault 1" in said
    assert "4 tests differ that are not listed" in said
    assert "test_theirs::test_healthy" not in said
    row = "| requests | 1.2.3 | 6 | 5 | clients | 5 | 5 | 0 | 4 |"
    written = page.read_text("utf-8")
    assert row in written
    assert "| openai | could not be had: it cannot be downloaded |" in written
    assert row in page.with_name("by then.md").read_text("utf-8")
    assert "| httpx | of an earlier run |" in written
