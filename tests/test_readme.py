"""Every Python snippet of the README, and of the how-tos behind it, runs, in order, as one program."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk

from tests.support.clients import OPENAI_HTTP
from tests.support.secrets import fake

README = Path(__file__).resolve().parents[1] / "README.md"
PAGES = (README, README.parent / "docs" / "how-to.md")


class BackendError(Exception):
    status = 401
    body = '{"error":"Invalid token"}'


def post_to_backend() -> None:
    raise BackendError("OpenHuman API error (401 Unauthorized)")


def snippets(language: str) -> list[str]:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [table] = snippets("toml")
    (tmp_path / "pyproject.toml").write_text(table)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SENTRY_FILTERS_KEY", fake("", 40, seed="deployment"))
    names: dict[str, Any] = {
        "DSN": "http://a@127.0.0.1:1/1",
        "SESSION_TOKEN": fake("eyJ", 40),
        "NEW_SESSION_TOKEN": fake("eyJ", 40, seed="new"),
        "stored_grant": dict,
        "stored_token": lambda: fake("eyJ", 40),
        "store": str,
        "ONE_TIME_SECRET": fake("", 30),
        "BackendError": BackendError,
        "post_to_backend": post_to_backend,
        "__name__": "readme",
    }
    program = "\n".join(snippets("python")).replace("httpx2", OPENAI_HTTP.__name__)
    try:
        exec(compile(program, str(README), "exec"), names)
        with pytest.raises(BackendError):
            names["call_backend"]()
        names["guard"].close()
    finally:
        sentry_sdk.get_client().close(timeout=0)
        sentry_sdk.get_global_scope().set_client(None)

    printed = capsys.readouterr().out
    assert "there is a session" in printed
    assert "Authorization: Bearer [REDACTED]" in printed
    # Right after a renewal, a failure whose start nobody knows counts as older than it.
    assert names["guard"].counters.get("decisions", "report", "drop") == 1


def test_readme_names_the_commands_of_the_makefile() -> None:
    makefile = (README.parent / "Makefile").read_text()
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    for command in re.findall(r"make ([a-z]+)", text):
        assert f"\n{command}:" in makefile
