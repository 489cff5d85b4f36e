"""The README's snippets and commands, run as somebody would who has read nothing else."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import sentry_filters
from sentry_filters.cli import main
from tests.demo.test_demo import FIGURES
from tests.support.backend import LLMBackend
from tests.support.installed import installed
from tests.support.receiver import SentryReceiver
from tests.support.secrets import fake

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
SESSION = fake("eyJ", 40)
USERS_KEY = fake("sk-proj-", 40)
RUN_ELSEWHERE = {
    "make demo": "tests/demo",
    "make test": ".github/workflows",
    "sentry-filters demo": "tests/demo",
}
"""Where else a command is run, for those that take too long to be run here, too."""

_BEFORE = """
import sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

DSN, NEW_SESSION_TOKEN, BACKEND, VENDOR, USERS_KEY = sys.argv[1:]
exported = InMemorySpanExporter()
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exported))
"""
_AFTER = """
import httpx
from sentry_filters import SessionExpiredError

tracer = trace.get_tracer("readme")
for url, key in ((BACKEND, NEW_SESSION_TOKEN), (VENDOR, USERS_KEY)):
    try:
        with tracer.start_as_current_span(url):
            sent = {"authorization": f"Bearer {key}"}
            httpx.post(f"{url}/chat/completions", json={}, headers=sent).raise_for_status()
    except httpx.HTTPStatusError as error:
        sentry_sdk.capture_exception(error)
try:
    guard.gate.check()
except SessionExpiredError:
    print("refused")
guard.session_renewed("another")
guard.gate.check()
failed = [span.name for span in exported.get_finished_spans() if span.status.status_code.name == "ERROR"]
assert failed == [VENDOR], failed
guard.bus.flush()
guard.close()
"""


def snippets(language: str) -> list[str]:
    """Return the README's snippets in a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def code(snippet: str) -> list[str]:
    """Return the lines of a snippet that are code."""
    return [line for line in snippet.splitlines() if line.strip() and not line.startswith("#")]


def commands() -> list[str]:
    """Return every command of the README, without its comment."""
    lines = (line for block in snippets("console") for line in block.splitlines())
    return [line.partition("  #")[0].strip() for line in lines]


def program(*, with_ledger: bool) -> str:
    """Return the README's program: the ledger's guard is made in place of the first one."""
    start, work, opentelemetry, ledger = snippets("python")
    if with_ledger:
        [guard] = [line for line in code(start) if line.startswith("guard = ")]
        start = start.replace(guard, ledger)
    return "\n".join([_BEFORE, start, opentelemetry, work, _AFTER])


@pytest.fixture
def run(
    tmp_path: Path, backend: LLMBackend, other_backend: LLMBackend, receiver: SentryReceiver
) -> Callable[..., None]:
    """Run the program with an interpreter, and check what it printed and what Sentry received."""

    def run(python: str, *, with_ledger: bool, **environ: str) -> None:
        text = program(with_ledger=with_ledger).replace("api.example.ai", backend.address)
        arguments = [receiver.dsn, SESSION, backend.url, other_backend.url, USERS_KEY]
        done = subprocess.run(
            [python, "-c", text, *arguments],
            cwd=tmp_path,
            env=os.environ | environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

        assert done.returncode == 0, done.stderr
        assert done.stdout.count("please sign in again:") == 1
        assert "refused" in done.stdout
        [event] = receiver.events
        assert other_backend.address in event["exception"]["values"][-1]["value"]
        assert not any(secret.encode() in receiver.bytes for secret in (SESSION, USERS_KEY))

    return run


def test_the_readme_is_short() -> None:
    assert README.count("\n") <= 140


def test_the_project_is_described_in_the_same_words_everywhere() -> None:
    described = README.splitlines()[2].partition(" <!--")[0]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    site = (ROOT / "docs/site/mkdocs.yml").read_text("utf-8")

    assert project["description"] == described
    assert f"\nsite_description: {described}\n" in site
    assert (sentry_filters.__doc__ or "").strip() == described


@pytest.mark.promise("quick-start")
def test_the_quick_start_is_quick() -> None:
    start, work, opentelemetry, ledger = map(code, snippets("python"))

    assert len(start) + len(work) <= 12
    assert len(opentelemetry) <= 3
    assert len([line for line in ledger if not line.startswith("from ")]) == 1


@pytest.mark.promise("quick-start", "ledger")
def test_the_readme_runs_with_the_ledger_and_the_audit_reads_it(
    run: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rich")
    run(sys.executable, with_ledger=True, PYTHONPATH=str(ROOT))
    monkeypatch.chdir(tmp_path)
    [audit] = [shlex.split(command) for command in commands() if " audit " in command]

    assert audit[0] == "sentry-filters"
    assert main(audit[1:]) == 0


@pytest.mark.promise("quick-start")
@pytest.mark.integration
def test_the_readme_runs_in_a_clean_environment(run: Callable[..., None], tmp_path: Path) -> None:
    """Only what `pip install .` installs."""
    [install] = [command for command in commands() if command.startswith("pip ")]
    python = installed(tmp_path / "environment", install)

    run(str(python), with_ledger=False, PYTHONPATH="")
    help_of = subprocess.run(
        [python.with_name("sentry-filters"), "--help"], capture_output=True, text=True, check=True
    )
    assert "audit" in help_of.stdout


def test_every_command_is_run_somewhere() -> None:
    run_here = ("pip install .", "sentry-filters audit ledger.db")

    assert sorted(commands()) == sorted([*run_here, *RUN_ELSEWHERE])
    assert [place for place in RUN_ELSEWHERE.values() if not (ROOT / place).exists()] == []
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = [command.removeprefix("make ") for command in commands() if command.startswith("make ")]
    assert [target for target in targets if f"\n{target}:" not in makefile] == []


@pytest.mark.promise("shares-seen", "shares-unseen")
def test_the_readme_quotes_the_shares_of_what_redaction_removes() -> None:
    page = (ROOT / "docs/redaction.md").read_text("utf-8")

    def share(row: str) -> str:
        [found] = re.findall(rf"^\| {re.escape(row)} \| ([\d.]+) ", page, re.MULTILINE)
        return f"{float(found):.0%}".replace("%", " %")

    seen = re.findall(r"collection, (\d+):.*?^\| all \| ([\d.]+) ", page, re.DOTALL | re.MULTILINE)
    total = sum(int(number) for number, _ in seen)
    removed = sum(int(number) * float(removed) for number, removed in seen)
    unseen = [share("a key beside it (5,250)"), share("its own form, no word beside it (1,800)")]
    unseen.append(share("a vendor's name beside it (1,350)"))
    assert len(seen) == 2
    assert f"Of the {total:,} secrets that the rules were written with" in README
    assert re.findall(r"(\d+ %)", README) == [f"{removed / total:.0%}".replace("%", " %"), *unseen]


@pytest.mark.promise("comparison")
def test_the_readme_quotes_the_comparison_with_logfire() -> None:
    page = (ROOT / "docs/redaction.md").read_text("utf-8")
    [theirs] = re.findall(r"^\| logfire .* removes (\d+ of 20)", page, re.MULTILINE)
    [ours] = re.findall(r"^\| sentry-filters, dict .* removes (\d+) of 20", page, re.MULTILINE)

    assert f"found {theirs} secrets in" in README
    assert f"ours {ours} <!--" in README
    a_span = [
        int(re.findall(rf"^\| {name} .* \| (\d+) \|$", page, re.MULTILINE)[0])
        for name in ("logfire", "sentry-filters, dict")
    ]
    assert "cheaper than ours on a span" in README
    assert a_span == sorted(a_span)


@pytest.mark.promise("demo")
def test_the_picture_is_of_a_demo_that_kept_its_promises() -> None:
    picture = (ROOT / "docs/demo.svg").read_text("utf-8")

    [shown] = re.findall(
        r"prints: (\d+) events about the dead session without the filter, none with it", README
    )
    assert (int(shown), 0) == FIGURES["Sentry events: the dead session"]
    assert "All&#160;numbers&#160;are&#160;what&#160;they&#160;must&#160;be." in picture
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")
