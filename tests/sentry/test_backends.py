"""Two backends in one guard, each a server of its own, real calls, and Sentry's own client."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import sentry_sdk

from sentry_filters import Ledger, Policy, SessionExpired, SessionExpiredError, SessionGuard
from tests.conftest import InitSentry
from tests.support.backend import LLMBackend
from tests.support.secrets import fake
from tests.support.sentry import CapturingTransport

pytestmark = pytest.mark.integration

KEY, NEW = fake("eyJ", 40, seed="old"), fake("eyJ", 40, seed="new")


class Application:
    """Calls two backends of its own, and a third party."""

    def __init__(self, servers: dict[str, LLMBackend], init: InitSentry, ledger: Path) -> None:
        own = [Policy(provider=name, hosts={servers[name].address}) for name in ("Alpha", "Beta")]
        self.servers = servers
        self.published: list[SessionExpired] = []
        self.guard = SessionGuard(own, self.published.append, audit=Ledger(ledger))
        self.sent = CapturingTransport()
        options = self.guard.sentry_options(
            dsn="http://a@127.0.0.1:1/1", transport=self.sent, traces_sample_rate=1.0, enable_logs=True
        )
        init(**options)
        self.client = self.guard.instrument(httpx.Client(trust_env=False))

    def call(self, name: str, key: str = KEY) -> None:
        """Call a backend; raises what its refusal becomes."""
        self.client.post(
            f"{self.servers[name].url}/chat/completions", json={}, headers={"authorization": f"Bearer {key}"}
        ).raise_for_status()

    def report(self, *names: str, key: str = KEY) -> None:
        """Call these one after the other, each as the fallback of the one before, and report the last."""
        try:
            self._fall_back(*names, key=key)
        except httpx.HTTPStatusError:
            sentry_sdk.capture_exception()

    def _fall_back(self, *names: str, key: str) -> None:
        try:
            self.call(names[0], key)
        except httpx.HTTPStatusError:
            if len(names) == 1:
                raise
            self._fall_back(*names[1:], key=key)

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.sent.events

    @property
    def told(self) -> list[str]:
        self.guard.bus.flush()
        return [event.provider for event in self.published]

    @property
    def dead(self) -> set[str]:
        return {name for name in ("Alpha", "Beta") if not self.guard.gate.of(name).is_open}


@pytest.fixture
def app(sentry: InitSentry, tmp_path: Path) -> Iterator[Application]:
    with ExitStack() as stack:
        servers = {name: stack.enter_context(LLMBackend()) for name in ("Alpha", "Beta", "Third")}
        app = Application(servers, sentry, tmp_path / "ledger.db")
        yield app
        app.client.close()
        app.guard.close()


def test_one_dead_and_one_alive(app: Application) -> None:
    app.servers["Beta"].state.valid.add(KEY)

    for _ in range(3):
        app.report("Alpha")
        app.report("Beta")
    assert (app.told, app.dead, app.events) == (["Alpha"], {"Alpha"}, [])
    app.guard.gate.check(provider="Beta")
    with pytest.raises(SessionExpiredError):
        app.guard.gate.check(provider="Alpha")

    app.report("Alpha", "Beta")
    assert app.events == []


def test_each_dead_and_renewed_by_itself(app: Application) -> None:
    for name in ("Alpha", "Beta", "Alpha", "Beta"):
        app.report(name)
    assert (app.told, app.dead, app.events) == (["Alpha", "Beta"], {"Alpha", "Beta"}, [])

    app.guard.session_renewed(NEW, provider="Alpha")
    app.servers["Alpha"].state.valid.add(NEW)
    assert app.dead == {"Beta"}
    app.call("Alpha", NEW)
    app.report("Beta")
    assert (app.told, app.dead, app.events) == (["Alpha", "Beta"], {"Beta"}, [])


def test_a_success_at_one_says_nothing_about_the_other(app: Application) -> None:
    app.report("Alpha")
    app.servers["Beta"].state.valid.add(KEY)

    app.call("Beta")
    assert app.dead == {"Alpha"}
    app.servers["Alpha"].state.valid.add(KEY)
    app.call("Alpha")
    assert app.dead == set()


def test_a_third_partys_failure_is_kept(app: Application) -> None:
    app.report("Alpha")
    app.report("Beta")

    app.report("Third")
    app.report("Alpha", "Third")
    app.report("Third", "Alpha")
    assert len(app.events) == 3
    assert app.told == ["Alpha", "Beta"]


def test_a_fallback_that_is_refused_too_announces_both(app: Application) -> None:
    for _ in range(3):
        app.report("Alpha", "Beta")
    assert (sorted(app.told), app.dead, app.events) == (["Alpha", "Beta"], {"Alpha", "Beta"}, [])


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("status", "body"), [(500, "{}"), (401, '{"code":"insufficient_quota"}')])
def test_a_fallback_after_another_failure_of_our_own_is_kept(
    app: Application, status: int, body: str, known: bool
) -> None:
    if known:
        app.report("Alpha")
    app.servers["Alpha"].state.status, app.servers["Alpha"].state.body = status, body

    app.report("Alpha", "Beta")
    assert len(app.events) == 1
    assert "Beta" not in app.dead, "what is kept announces nothing"


def test_a_group_of_both_is_dropped_and_announces_both(app: Application) -> None:
    errors = []
    for name in ("Alpha", "Beta"):
        try:
            app.call(name)
        except httpx.HTTPStatusError as error:
            errors.append(error)

    sentry_sdk.capture_exception(ExceptionGroup("both", errors))
    assert app.events == []
    assert sorted(app.told) == ["Alpha", "Beta"]


def test_a_transaction_loses_the_spans_of_both(app: Application) -> None:
    with sentry_sdk.start_transaction(name="job", op="task"):
        for name in ("Alpha", "Beta", "Third"):
            with pytest.raises(httpx.HTTPStatusError):
                app.call(name)
    [transaction] = [item.json for item in app.sent.items if item.type == "transaction"]
    named = str([span.get("description") for span in transaction["spans"]])
    assert app.servers["Third"].address in named
    assert app.servers["Alpha"].address not in named
    assert app.servers["Beta"].address not in named
    assert sorted(app.told) == ["Alpha", "Beta"]


def test_one_ledger_has_both(app: Application, tmp_path: Path) -> None:
    for name in ("Alpha", "Beta", "Third"):
        app.report(name)
    app.guard.close()

    with closing(sqlite3.connect(tmp_path / "ledger.db")) as ledger:
        found = ledger.execute("SELECT backend, verdict, third_party FROM decisions ORDER BY at").fetchall()
    assert found == [("Alpha", "drop", 0), ("Beta", "drop", 0), ("", "keep", 1)]
