"""The snippet of docs/redis.md runs exactly as printed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sentry_filters import Policy, SessionGuard
from tests.redis.conftest import KEY
from tests.support.redis import RedisServer

PAGE = Path(__file__).resolve().parents[2] / "docs/redis.md"


@pytest.mark.integration
def test_the_snippet_shares_a_guards_sessions(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    [snippet] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    monkeypatch.setenv("SENTRY_FILTERS_KEY", KEY)
    names: dict[str, Any] = {
        "SessionGuard": SessionGuard,
        "policy": Policy(provider="OpenHuman"),
        "ask_user_to_sign_in": print,
        "REDIS_URL": redis_server.url,
    }

    exec(compile(snippet, str(PAGE), "exec"), names)

    assert names["guard"].gate.is_open
    names["guard"].close()
