"""The snippets of docs/check.md run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.receiver import SentryReceiver

pytest_plugins = ["pytester"]
DOCS = Path(__file__).resolve().parents[2] / "docs" / "check.md"
APPLICATION = """
import sentry_sdk
from sentry_filters import Policy, SessionGuard

guard = SessionGuard(Policy(provider="OpenHuman"))

def set_up():
    sentry_sdk.init(**guard.sentry_options(dsn="{dsn}"))
"""


def snippet(name: str) -> str:
    pattern = rf"<!-- snippet: {name} -->\n```python\n(.*?)```"
    [found] = re.findall(pattern, DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)
    return str(found)


@pytest.mark.integration
def test_the_snippet_for_the_start_runs(pytester: pytest.Pytester, receiver: SentryReceiver) -> None:
    program = pytester.makepyfile(program=f"dsn = {receiver.dsn!r}\n{snippet('start')}")

    ran = pytester.runpython(program)

    assert ran.ret == 0
    assert "sentry event: message clean" in ran.stdout.str()
    assert receiver.bytes == b""


@pytest.mark.integration
def test_the_snippet_for_tests_runs(pytester: pytest.Pytester, receiver: SentryReceiver) -> None:
    pytester.makeconftest('pytest_plugins = ["sentry_filters.testing.plugin"]')
    pytester.makepyfile(app=APPLICATION.format(dsn=receiver.dsn))
    pytester.makepyfile(test_app=snippet("tests"))

    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)

    assert receiver.bytes == b""
