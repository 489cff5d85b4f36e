"""Every snippet of docs/opentelemetry.md, run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.otel.canary import secret
from tests.otel.instrumented import require_group
from tests.support.backend import LLMBackend
from tests.support.otlp import OTLPReceiver

_PAGE = Path(__file__).resolve().parents[2] / "docs/opentelemetry.md"
SNIPPETS: dict[str, str] = dict(
    re.findall(r"<!-- snippet: (\w+) -->\n```\w+\n(.*?)```", _PAGE.read_text("utf-8"), re.DOTALL)
)

pytestmark = pytest.mark.integration

CALL = """
import httpx
from opentelemetry import trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
provider = globals().get("tracer_provider") or trace.get_tracer_provider()
HTTPXClientInstrumentor().instrument(tracer_provider=provider)
tracer = provider.get_tracer("app")
try:
    with tracer.start_as_current_span("turn", attributes={"key": KEY}):
        response = httpx.post(URL + "/chat/completions", json={})
        raise RuntimeError(f"Error code: {response.status_code} - {response.json()}")  # as SDKs word it
except RuntimeError:
    pass
"""


def run(
    code: str, folder: Path, backend: LLMBackend, *, command: tuple[str, ...] = (), **environ: str
) -> str:
    """Run a script in a process of its own: the snippets set what is global."""
    require_group()
    header = f"URL = {backend.url!r}\nKEY = {secret(1)!r}\n"
    script = folder / "app.py"
    script.write_text(header + code.replace("api.example.ai", backend.address), "utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "SENTRY_"))}
    done = subprocess.run(
        [*(command or (sys.executable, "-W", "ignore")), str(script)],
        env={**kept, "PYTHONPATH": str(_PAGE.parents[1]), **environ},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def assert_guarded(receiver: OTLPReceiver) -> None:
    assert [span.name for span in receiver.spans] == ["turn"]
    (turn,) = receiver.spans
    assert turn.status.code == 0
    assert [event.name for event in turn.events] == ["session.expired"]
    assert secret(1).encode() not in receiver.bytes


def otlp_to(receiver: OTLPReceiver) -> str:
    return f"""
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
span_exporter = OTLPSpanExporter(endpoint="{receiver.url}/v1/traces")
"""


def test_plain_and_metrics_and_headers(tmp_path: Path, backend: LLMBackend) -> None:
    add = """
from opentelemetry.sdk.trace.export import BatchSpanProcessor
tracer_provider.add_span_processor(BatchSpanProcessor(span_exporter))
"""
    with OTLPReceiver() as receiver:
        parts = [
            *(SNIPPETS["plain"], SNIPPETS["metrics"], SNIPPETS["headers"], otlp_to(receiver), add, CALL),
            "guard.bus.flush(); tracer_provider.shutdown(); meter_provider.shutdown()",
        ]
        out = run("\n".join(parts), tmp_path, backend)
        assert_guarded(receiver)
    assert "sentry_filters.session_expired" in out


def test_sentrys_otlp_integration(tmp_path: Path, backend: LLMBackend) -> None:
    with OTLPReceiver() as receiver:
        dsn = f"dsn = 'http://{'a' * 32}@{receiver.address}/1'"
        parts = [SNIPPETS["plain"], dsn, SNIPPETS["sentry"], CALL, "tracer_provider.shutdown()"]
        run("\n".join(parts), tmp_path, backend)
        posted = [one for one in receiver.posted if "otlp" in one.path]
    assert posted
    assert all(secret(1).encode() not in one.body for one in posted)
    assert b"session.expired" in b"".join(one.body for one in posted)
    assert b"POST" not in b"".join(one.body for one in posted)


def test_logfire(tmp_path: Path, backend: LLMBackend) -> None:
    call = CALL.replace('globals().get("tracer_provider") or ', "")
    with OTLPReceiver() as receiver:
        parts = [SNIPPETS["plain"], otlp_to(receiver), SNIPPETS["logfire"], call, "logfire.shutdown()"]
        run("\n".join(parts), tmp_path, backend)
        assert_guarded(receiver)


def test_auto_instrumentation(tmp_path: Path, backend: LLMBackend) -> None:
    with OTLPReceiver() as receiver:
        lines = SNIPPETS["auto"].replace("api.example.ai", backend.address).splitlines()
        exported: dict[str, str] = dict(
            pair.split("=", 1) for line in lines if line.startswith("export") for pair in line.split()[1:]
        )
        code = CALL.replace("from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor", "")
        code = "\n".join(line for line in code.splitlines() if "Instrumentor" not in line)
        command = (str(Path(sys.executable).with_name(lines[-1].split()[0])), sys.executable)
        # At exit the SDK reads the metrics before it exports the last spans.
        code += "\ntrace.get_tracer_provider().force_flush()"
        run(
            code,
            tmp_path,
            backend,
            command=command,
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
            PYTHONWARNINGS="ignore",
            **exported,
        )
        assert_guarded(receiver)
        assert "sentry_filters.session_expired" in {metric.name for metric in receiver.metrics}


def test_declarative_configuration(tmp_path: Path, backend: LLMBackend) -> None:
    (tmp_path / "otel.yaml").write_text(SNIPPETS["declarative"], "utf-8")
    code = """
from opentelemetry.configuration import configure_sdk, load_config_file
configure_sdk(load_config_file("otel.yaml"))
"""
    end = "trace.get_tracer_provider().shutdown()"
    with OTLPReceiver() as receiver:
        environ: Any = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
            "SENTRY_FILTERS_PROVIDER": "OpenHuman",
            "SENTRY_FILTERS_HOSTS": backend.address,
        }
        run("\n".join([code, CALL, end]), tmp_path, backend, **environ)
        assert_guarded(receiver)
