from __future__ import annotations

import json
from typing import Any

import pytest

from sentry_filters import SessionExpiredError
from sentry_filters.web import RETRY_AFTER
from sentry_filters.web.answer import refusal_in, refused
from tests.support.expiries import expiry

REFUSAL = SessionExpiredError(expiry())


def test_the_answer_is_short_json_without_anything_of_the_expiry() -> None:
    answer = refused()

    assert answer.status == 503
    assert dict(answer.headers)["retry-after"] == str(RETRY_AFTER) == "60"
    assert dict(answer.headers)["content-length"] == str(len(answer.body))
    assert json.loads(answer.body)["error"] == "session_expired"
    assert b"OpenHuman" not in answer.body


def test_the_header_can_be_left_out() -> None:
    assert "retry-after" not in dict(refused(None).headers)


@pytest.mark.parametrize("retry_after", [-1, 1.5, "60", True])
def test_an_invalid_time_is_refused(retry_after: Any) -> None:
    with pytest.raises(ValueError, match=r"^invalid retry_after .*; expected whole seconds"):
        refused(retry_after)


@pytest.mark.parametrize(
    ("error", "found"),
    [
        pytest.param(REFUSAL, True, id="refusal"),
        pytest.param(ExceptionGroup("tasks", [REFUSAL, ExceptionGroup("more", [REFUSAL])]), True, id="group"),
        pytest.param(ExceptionGroup("tasks", [REFUSAL, ValueError()]), False, id="group-with-another"),
        pytest.param(RuntimeError(str(REFUSAL)), False, id="its-words"),
    ],
)
def test_only_the_gates_own_refusal_is_one(error: Exception, found: bool) -> None:
    assert refusal_in(error) is (REFUSAL if found else None)
