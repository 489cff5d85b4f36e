"""`sentry-filters check`, as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.otel.instrumented import require_group
from tests.support.receiver import SentryReceiver
from tests.support.secrets import fake

APPLICATION = """\
import sentry_sdk
from sentry_filters import Policy, SessionGuard

print("the application greets")
guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}), print)
held = type("Application", (), {"guard": guard})


def create_app():
    sentry_sdk.init(**guard.sentry_options(dsn="%DSN%"))
    return held


def create_guard():
    create_app()
    return guard


def create_bare():
    sentry_sdk.init(dsn="%DSN%")
    return guard


def create_traced():
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

    trace.set_tracer_provider(TracerProvider())
    trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
    return create_guard()


def create_with_otlp(guarded=True):
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from otel import GuardedSpanProcessor
    from sentry_sdk.integrations.otlp import OTLPIntegration

    choke_point = GuardedSpanProcessor(guard) if guarded else None
    trace.set_tracer_provider(TracerProvider(active_span_processor=choke_point))
    sentry_sdk.init(**guard.sentry_options(dsn="%DSN%", integrations=[OTLPIntegration()]))


def create_with_otlp_beside():
    create_with_otlp(guarded=False)


def create_with_sentrys_processor():
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from sentry_sdk.integrations.opentelemetry import SentrySpanProcessor

    trace.set_tracer_provider(TracerProvider())
    trace.get_tracer_provider().add_span_processor(SentrySpanProcessor())
    sentry_sdk.init(**guard.sentry_options(dsn="%DSN%", instrumenter="otel", traces_sample_rate=1.0))


def create_two():
    held.second = SessionGuard(Policy(provider="Other"))
    return "app"


def create_broken():
    raise ValueError("no database at postgres://app:%PASSWORD%@db.example.test/app")


def create_end():
    raise SystemExit(3)
"""


@pytest.fixture
def folder(tmp_path: Path, receiver: SentryReceiver) -> Path:
    text = APPLICATION.replace("%DSN%", receiver.dsn).replace("%PASSWORD%", fake("", 20))
    (tmp_path / "application.py").write_text(text)
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sentry_filters", "check", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.integration
@pytest.mark.parametrize(
    "name", ["create_app", "create_guard", "held.guard"], ids=["an application", "a guard", "no set-up"]
)
def test_it_finds_the_guard_of_what_was_named(name: str, folder: Path, receiver: SentryReceiver) -> None:
    ran = run(folder, f"application:{name}")

    assert ran.stdout.splitlines()[0].split() == ["path", "covered", "clean"]
    assert "the application greets" not in ran.stdout
    if name == "held.guard":
        assert ran.returncode == 1
        assert "nothing was covered" in ran.stderr
    else:
        assert (ran.returncode, "sentry event: message" in ran.stdout) == (0, True)
    assert receiver.bytes == b""


@pytest.mark.promise("check")
@pytest.mark.integration
def test_a_leak_is_the_exit_code_and_named(folder: Path, receiver: SentryReceiver) -> None:
    ran = run(folder, "application:create_bare", "--json")

    report = json.loads(ran.stdout)
    leaks = {path["path"] for path in report["paths"] if path["outcome"] == "leak"}
    assert ran.returncode == 1
    assert report["clean"] is False
    assert {"sentry event: message", "sentry session: user"} <= leaks
    assert receiver.bytes == b""


@pytest.mark.promise("check")
@pytest.mark.integration
def test_opentelemetry_is_checked_where_the_application_has_loaded_it(folder: Path) -> None:
    report = json.loads(run(folder, "application:create_traced", "--json").stdout)

    bypasses = {path["path"] for path in report["paths"] if path["outcome"] == "bypass"}
    assert bypasses == {"opentelemetry spans to ConsoleSpanExporter"}


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "bypasses"),
    [
        pytest.param("create_with_otlp", set(), id="behind the choke point"),
        pytest.param("create_with_otlp_beside", {"opentelemetry spans to OTLPSpanExporter"}, id="beside it"),
    ],
)
def test_sentrys_own_otlp_exporter_is_found(
    name: str, bypasses: set[str], folder: Path, receiver: SentryReceiver
) -> None:
    require_group()
    report = json.loads(run(folder, f"application:{name}", "--json").stdout)

    outcomes = {path["path"]: path["outcome"] for path in report["paths"]}
    assert {path for path, outcome in outcomes.items() if outcome == "bypass"} == bypasses
    assert outcomes["opentelemetry span: name"] == ("leak" if bypasses else "clean")
    assert receiver.bytes == b""


@pytest.mark.integration
def test_spans_that_leave_through_the_sentry_client_are_not_sent(
    folder: Path, receiver: SentryReceiver
) -> None:
    report = json.loads(run(folder, "application:create_with_sentrys_processor", "--json").stdout)

    outcomes = {path["path"]: path["outcome"] for path in report["paths"]}
    assert report["clean"] is True
    assert outcomes["opentelemetry spans to SentrySpanProcessor"] == "not covered"
    assert outcomes["sentry transaction: name"] == "clean"
    assert receiver.bytes == b""


@pytest.mark.integration
@pytest.mark.parametrize(
    ("target", "said"),
    [
        pytest.param("application", "expected MODULE:NAME", id="no name"),
        pytest.param("absent:app", "ModuleNotFoundError", id="no module"),
        pytest.param("application:absent", "AttributeError", id="no attribute"),
        pytest.param("application:create_broken", "ValueError: no database", id="it raises"),
        pytest.param("application:create_end", "SystemExit", id="it ends"),
        pytest.param("application:create_two", "there are 2 guards", id="two guards"),
    ],
)
def test_what_cannot_be_set_up_is_told_in_one_line(target: str, said: str, folder: Path) -> None:
    ran = run(folder, target)

    assert ran.returncode == 2
    told = [line for line in ran.stderr.splitlines() if line.startswith("sentry-filters check: ")]
    assert len(told) == 1
    assert said in told[0]
    assert fake("", 20) not in ran.stderr
    assert ran.stdout == ""
