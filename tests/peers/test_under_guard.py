"""The plugins, on tests as our peers write them: the guard is in the way, and otherwise nothing changes."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from sentry_sdk.client import _Client

from tests.peers.environments import CHECKOUT
from tests.peers.results import Result, read
from tests.peers.suites import SUITES, Guarding

HERE = Path(__file__).parent
PLUGINS: Final[tuple[Guarding, ...]] = ("clients", "everything", "exporters", "processors", "sentry")
SECRET: Final = '"pass" + "word=Hunter2-of-" + "83hfQ9xW"'
SUITE: Final = f"""
import httpx
import pytest
import sentry_sdk
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sentry_sdk.transport import Transport


class Sending(Transport):
    def capture_envelope(self, envelope):
        pass


@pytest.fixture
def capture_events(monkeypatch):
    def inner():
        events = []

        def capture(envelope):
            events.append(envelope.get_event())

        monkeypatch.setattr(sentry_sdk.get_client().transport, "capture_envelope", capture)
        return events

    return inner


@pytest.mark.parametrize("text", ["harmless", {SECRET}], ids=["harmless", "secret"])
def test_captures(capture_events, text):
    options = {{"release": "1", "default_integrations": False, "auto_enabling_integrations": False}}
    client = sentry_sdk.Client("http://key@localhost/1", options, transport=Sending())
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(client)
        events = capture_events()
        sentry_sdk.capture_message(text)
    assert client.options["release"] == "1"
    assert events[0]["message"] == text


def test_refuses():
    with pytest.raises(TypeError):
        sentry_sdk.Client("http://key@localhost/1", {{}}, {{}})


@pytest.mark.parametrize("text", ["harmless", {SECRET}], ids=["harmless", "secret"])
def test_exports(text):
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("theirs").start_span("span", attributes={{"text": text}}).end()
    assert exporter.get_finished_spans()[0].attributes["text"] == text


def test_answers():
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    with httpx.Client(transport=transport) as client:
        assert client.get("http://localhost/").status_code == 200


def test_does_nothing():
    pass
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("theirs")
    (folder / "test_theirs.py").write_text(SUITE, "utf-8")
    return folder


def results_of(folder: Path, *plugins: Guarding) -> Mapping[str, Result]:
    """Run the suite in a process of its own."""
    results = folder / "results.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    command += ["-o", "junit_family=xunit1", f"--junitxml={results}", "--rootdir", str(folder), str(folder)]
    command += [part for name in plugins for part in ("-p", f"under_guard.{name}")]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE), str(CHECKOUT)))}
    environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return {test.rpartition("::")[2]: result for test, result in read(results).items()}


def test_all_pass_without_the_guard(folder: Path) -> None:
    results = results_of(folder)

    assert {result.outcome for result in results.values()} == {"passed"}
    assert not any(result.guarded for result in results.values())


@pytest.mark.parametrize(
    ("plugins", "reached"),
    [
        pytest.param(
            ("sentry", "exporters", "clients"),
            {"test_captures", "test_refuses", "test_exports", "test_answers"},
            id="clients and exporters",
        ),
        pytest.param(("processors", "everything"), {"test_exports"}, id="providers and the process"),
    ],
)
def test_secrets_go_and_nothing_else_changes(
    folder: Path, plugins: tuple[Guarding, ...], reached: set[str]
) -> None:
    results = results_of(folder, *plugins)

    failed = {test for test, result in results.items() if result.outcome != "passed"}
    assert failed == {f"{test}[secret]" for test in reached & {"test_captures", "test_exports"}}
    assert not any(result.counted for result in results.values())
    guarded = {test.partition("[")[0] for test, result in results.items() if result.guarded}
    assert guarded >= reached - {"test_refuses"}
    assert ("test_does_nothing" in guarded) == ("everything" in plugins)


def test_each_suite_is_run_with_plugins_that_are_there() -> None:
    assert {guarding for suite in SUITES for guarding in suite.guardings} == set(PLUGINS)


@pytest.mark.parametrize("name", PLUGINS)
def test_to_import_a_plugin_wraps_nothing(name: str) -> None:
    classes = (_Client, TracerProvider, SimpleSpanProcessor, PeriodicExportingMetricReader)
    before = [cls.__init__ for cls in classes]

    module = importlib.import_module(f"tests.peers.under_guard.{name}")

    assert callable(module.pytest_configure)
    assert [cls.__init__ for cls in classes] == before
