"""The wheel, installed, with nothing of the checkout in sight: what an application gets."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.packaging.building import CHECKOUT, Environment
from tests.support.otlp import OTLPReceiver
from tests.support.receiver import SentryReceiver
from tests.support.secrets import fake

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
AUTO = (CHECKOUT / "docs/opentelemetry.md").read_text("utf-8").partition("\n## Auto-instrumentation\n")[2]
OPTIONAL = {
    *("apscheduler", "arq", "celery", "redis", "datasette_dashboards", "rich"),  # of extras
    *("asgiref", "flask", "pytest"),  # of the application's own framework
}
"""What a module may miss where no extra is installed."""

IMPORT_ALL = """
import importlib, json, pkgutil
import otel, sentry_filters

missing = {}
for package in (sentry_filters, otel):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ImportError as error:
                missing[module.name] = getattr(error.__cause__ or error, "name", None)
print(json.dumps([sentry_filters.__file__, sentry_filters.__version__, missing]))
"""

BOTH_EDGES = """
import sentry_sdk
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sentry_filters import Policy, SessionGuard
from sentry_filters.otel import GuardedSpanProcessor

guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}), lambda event: None)
sentry_sdk.init(**guard.sentry_options(dsn=DSN))
exporter = InMemorySpanExporter()
provider = TracerProvider(active_span_processor=GuardedSpanProcessor(guard, SimpleSpanProcessor(exporter)))
with provider.get_tracer("app").start_as_current_span("turn", attributes={"note": f"password={KEY}"}):
    pass
sentry_sdk.capture_message(f"password={KEY}")
guard.report(RuntimeError("401"), provider="OpenHuman", operation="chat", status=401)
sentry_sdk.flush()
[span] = exporter.get_finished_spans()
print(span.attributes["note"])
"""

ONE_SPAN = """
from opentelemetry import trace

with trace.get_tracer("app").start_as_current_span(f"password={KEY}"):
    pass
"""

pytestmark = pytest.mark.integration


def script(folder: Path, code: str, **names: str) -> str:
    """Write a program that begins with these names, and return its path."""
    path = folder / "app.py"
    path.write_text("".join(f"{name} = {value!r}\n" for name, value in names.items()) + code, "utf-8")
    return str(path)


def test_everything_is_there_but_for_extras(bare: Environment, tmp_path: Path) -> None:
    done = bare.run("python", "-W", "error", script(tmp_path, IMPORT_ALL), cwd=tmp_path)
    file, version, missing = json.loads(done.stdout)

    assert Path(file).is_relative_to(bare.folder)
    assert version == PROJECT["version"]
    assert {name.partition(".")[0] for name in missing.values()} <= OPTIONAL


def test_the_command_runs(bare: Environment, tmp_path: Path) -> None:
    key = fake("sk-proj-", 40)
    (tmp_path / "log").write_text(f"password={key}\n")

    version = bare.run("sentry-filters", "--version", cwd=tmp_path).stdout
    assert version == f"sentry-filters {PROJECT['version']}\n"
    redacted = bare.run("sentry-filters", "redact", "log", cwd=tmp_path).stdout
    assert redacted.startswith("password=")
    assert key not in redacted
    inbound = bare.run(
        "sentry-filters", "export", "inbound", cwd=tmp_path, SENTRY_FILTERS_PROVIDER="OpenHuman"
    )
    assert "OpenHuman" in inbound.stdout


def test_both_edges_redact(bare: Environment, tmp_path: Path) -> None:
    key = fake("", 24)
    with SentryReceiver() as receiver:
        done = bare.run("python", script(tmp_path, BOTH_EDGES, DSN=receiver.dsn, KEY=key), cwd=tmp_path)

        assert receiver.events
        assert key not in repr(receiver.events)
    assert done.stdout.splitlines()[0].startswith("password=")
    assert key not in done.stdout


@pytest.mark.parametrize("how", ["variables", "file"])
def test_auto_instrumentation_runs_as_printed_with_the_extra_alone(
    with_otlp: Environment, tmp_path: Path, how: str
) -> None:
    key = fake("", 24)
    assert "pip install 'sentry-filters[otlp]'" in AUTO
    [lines] = re.findall(r"<!-- snippet: auto -->\n```sh\n(.*?)```", AUTO, re.DOTALL)
    [file] = re.findall(r"<!-- snippet: declarative -->\n```yaml\n(.*?)```", AUTO, re.DOTALL)
    exported: dict[str, str] = dict(
        pair.split("=", 1)
        for line in lines.splitlines()
        if line.startswith("export")
        for pair in line.split()[1:]
    )
    if how == "file":
        (tmp_path / "otel.yaml").write_text(file, "utf-8")
        exported = {"OTEL_CONFIG_FILE": "otel.yaml"}
    with OTLPReceiver() as receiver:
        program = script(tmp_path, ONE_SPAN, KEY=key)
        exported["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.url
        with_otlp.run("opentelemetry-instrument", "python", program, cwd=tmp_path, **exported)

        assert [span.name.partition("=")[0] for span in receiver.spans] == ["password"]
        assert key.encode() not in receiver.bytes
