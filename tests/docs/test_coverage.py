"""docs/coverage.md says what is not covered, and it is so."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk

from sentry_filters import Policy, SessionGuard
from sentry_filters.testing import Report, check
from tests.docs.pages import DOCS
from tests.support.secrets import fake

PAGE = (DOCS / "coverage.md").read_text("utf-8")
SNIPPETS: dict[str, str] = dict(
    re.findall(r"<!-- snippet: (\w+) -->\n```python\n(.*?)```", PAGE, flags=re.DOTALL)
)


@pytest.fixture
def names() -> Iterator[dict[str, Any]]:
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}), print)
    yield {
        "guard": guard,
        "sentry_sdk": sentry_sdk,
        "DSN": "http://a@127.0.0.1:1/1",
        "SESSION_TOKEN": fake("eyJ", 40),
    }
    sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.get_global_scope().set_client(None)
    logging.getLogger("app").handlers.clear()
    guard.close()


def checked(snippet: str, names: dict[str, Any]) -> Report:
    exec(SNIPPETS[snippet], names)
    return check(names["guard"])


def paths(report: Report, outcome: str) -> set[str]:
    return {one.path.removeprefix("sentry ") for one in report.paths if one.outcome == outcome}


@pytest.mark.promise("plain-logging")
def test_plain_logging_writes_the_secret_and_the_filter_removes_it(names: dict[str, Any]) -> None:
    exec(SNIPPETS["logging"], names)

    assert names["SESSION_TOKEN"] in names["plain"].getvalue()
    assert names["SESSION_TOKEN"] not in names["filtered"].getvalue()


@pytest.mark.promise("hook-alone")
def test_the_smallest_form_leaks_what_the_page_lists(names: dict[str, Any]) -> None:
    table = PAGE.partition("| kind | path |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| ([\w ]+) \| (`.*`|all of it) \|$", table, re.MULTILINE)
    listed = {f"{kind}: {one}" for kind, row in rows for one in re.findall(r"`([^`]+)`", row)}
    listed.update(kind for kind, row in rows if row == "all of it")

    report = checked("smallest", names)

    assert paths(report, "leak") == listed
    assert paths(report, "bypass") == {"transport"}
    assert f"one bypass, the transport itself, and {len(listed)} leaks" in PAGE


@pytest.mark.promise("hook-alone")
def test_the_full_form_leaks_nothing(names: dict[str, Any]) -> None:
    report = checked("full", names)

    assert paths(report, "leak") | paths(report, "bypass") == set()
    assert len(paths(report, "clean")) > 30
