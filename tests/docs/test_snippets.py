"""Every Python snippet of the documents is run by a test."""

from __future__ import annotations

from typing import Any

from tests.docs.pages import DOCS, ROOT, snippets

RUN_BY = {
    "audit.md": "tests/cli/test_docs.py",
    "check.md": "tests/testing/test_docs.py",
    "command-line.md": "tests/cli/test_explain.py",
    "coverage.md": "tests/docs/test_coverage.py",
    "examples": "tests/examples",
    "fleet.md": "tests/audit/test_fleet.py",
    "frameworks": "tests/frameworks/pages.py",
    "how-to": "tests/docs/test_how_to.py",
    "kept.md": "tests/docs/test_reasons.py",
    "opentelemetry.md": "tests/otel/test_docs.py",
    "redaction.md": "tests/docs/test_snippets.py",
    "redis.md": "tests/redis/test_docs.py",
    "schedulers.md": "tests/schedulers/test_docs.py",
    "tutorial.md": "tests/docs/test_tutorial.py",
}


def test_every_page_with_snippets_has_a_test() -> None:
    shown = {page.relative_to(DOCS).parts[0] for page in DOCS.rglob("*.md") if snippets(page, "python")}

    assert sorted(shown - set(RUN_BY)) == []
    assert [page for page in shown if not (ROOT / RUN_BY[page]).exists()] == []


def test_a_redactor_is_extended_as_the_page_says() -> None:
    names: dict[str, Any] = {}
    exec("\n".join(snippets(DOCS / "redaction.md", "python")), names)
    redact = names["redactor"].redact

    assert redact("ticket TCK-123456") == "ticket [REDACTED]"
    assert redact("tenantSeal=abc") == "tenantSeal=[REDACTED]"
    assert redact("reset_token=abc") == "reset_token=abc"
    assert redact("other_token=hunter2hunter") != "other_token=hunter2hunter"
