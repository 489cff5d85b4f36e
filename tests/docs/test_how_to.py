"""Every page of docs/how-to runs as it stands there, after the lines that its README.md begins with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk

from sentry_filters import SessionGuard
from sentry_filters.redaction.catalogue import CATALOGUE
from tests.docs.pages import DOCS, HOW_TO, snippets, without_code
from tests.support.secrets import fake

PAGES = sorted(page for page in HOW_TO.glob("*.md") if page.stem != "README")


class BackendError(Exception):
    status = 401
    body = '{"error":"Invalid token"}'


def post_to_backend() -> None:
    raise BackendError("OpenHuman API error (401 Unauthorized)")


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the pages take for granted, and what they have set up, undone afterwards."""
    [table] = snippets(HOW_TO / "configure.md", "toml")
    (tmp_path / "pyproject.toml").write_text(table)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SENTRY_FILTERS_KEY", fake("", 40, seed="deployment"))
    given: dict[str, Any] = {
        "DSN": "http://a@127.0.0.1:1/1",
        "SESSION_TOKEN": fake("eyJ", 40),
        "NEW_SESSION_TOKEN": fake("eyJ", 40, seed="new"),
        "ONE_TIME_SECRET": fake("", 30),
        "stored_grant": dict,
        "stored_token": lambda: fake("eyJ", 40),
        "store": str,
        "warm_up": lambda: None,
        "BackendError": BackendError,
        "post_to_backend": post_to_backend,
        "__name__": "how_to",
    }
    with ExitStack() as stack:
        stack.callback(sentry_sdk.get_global_scope().set_client, None)
        stack.callback(lambda: sentry_sdk.get_client().close(timeout=0))
        run(HOW_TO / "README.md", given)
        first = given["guard"]
        stack.callback(first.close)
        yield given
        for made in given.values():
            if isinstance(made, SessionGuard) and made is not first:
                made.close()  # also another one of the same name: its ledger is in this folder


def run(page: Path, names: dict[str, Any]) -> None:
    exec(compile("\n".join(snippets(page, "python")), str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs(page: Path, names: dict[str, Any]) -> None:
    run(page, names)


def test_a_session_is_waited_for(names: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    run(HOW_TO / "halt-llm-work.md", names)

    assert "there is a session" in capsys.readouterr().out


def test_a_reported_error_is_raised_and_not_sent(names: dict[str, Any]) -> None:
    run(HOW_TO / "report-from-call-sites.md", names)

    with pytest.raises(BackendError):
        names["call_backend"]()

    assert names["guard"].counters.get("decisions", "report", "drop") == 1


def test_secrets_of_ones_own_are_removed(names: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    run(HOW_TO / "remove-your-own-secrets.md", names)

    assert "Authorization: Bearer [REDACTED]" in capsys.readouterr().out
    assert names["guard"].redactor.redact(names["ONE_TIME_SECRET"]) == "[REDACTED]"


def test_shadow_mode_silences_nothing(names: dict[str, Any]) -> None:
    run(HOW_TO / "try-a-policy.md", names)

    trial = names["trial"]
    error = BackendError("OpenHuman API error (401 Unauthorized)")

    verdict = trial.report(error, operation="chat", provider="OpenHuman", status=401)

    assert not verdict.drop
    assert trial.gate.is_open
    assert trial.counters.get("decisions", "report", "would_drop") == 1


def test_the_pages_count_the_kinds_of_the_catalogue() -> None:
    for page in (HOW_TO / "try-the-redactor.md", DOCS / "redaction.md"):
        assert f"{len(CATALOGUE)} kinds" in page.read_text("utf-8"), page


def test_the_first_page_leads_to_every_other() -> None:
    first = without_code(HOW_TO / "README.md")

    assert [page.name for page in PAGES if f"({page.name})" not in first] == []
