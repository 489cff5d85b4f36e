"""Reports decided by the Python filter and by the inbound filter's patterns.

Sentry's matcher is not to be had as a library: the patterns are read as its documentation says, `*` for any
text, without case, over the whole of `{type}: {value}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from sentry_filters import Policy, SessionGuard
from sentry_filters.evidence import stated_tags
from sentry_filters.targets import inbound_patterns

POLICY = Policy(provider="OpenHuman")
OURS = "OpenHuman API error (401 Unauthorized)"
TAGS = stated_tags("llm_provider", "chat", "OpenHuman", 401)


def is_filtered(message: str, policy: Policy = POLICY) -> bool:
    """Whether one of the patterns fits the whole message."""
    expressions = [
        ".*".join(map(re.escape, pattern.split("*")))
        for pattern in inbound_patterns(policy).text.splitlines()
    ]
    return any(re.fullmatch(one, message, re.IGNORECASE | re.DOTALL) for one in expressions)


@pytest.fixture
def guard() -> Iterator[SessionGuard]:
    guard = SessionGuard(POLICY, lambda _: None)
    yield guard
    guard.close()


def is_dropped(guard: SessionGuard, kind: str, value: str, **tags: str) -> bool:
    event = {"exception": {"values": [{"type": kind, "value": value}]}, "tags": tags}
    return guard.before_send(event, {}) is None


@pytest.mark.promise("export-inbound")
@pytest.mark.parametrize(
    ("kind", "value", "drops"),
    [
        pytest.param("BackendError", OURS, True, id="ours"),
        pytest.param("BackendError", f"{OURS}: {{'error': 'Invalid token'}}", True, id="ours, with a body"),
        pytest.param("BackendError", "OpenHuman API error (403 Forbidden)", True, id="403"),
        pytest.param("E", "OpenHuman streaming API error (401 Unauthorized)", True, id="streaming"),
        pytest.param("E", "OpenHuman returned HTTP 401\nmore", True, id="third form, several lines"),
        pytest.param("E", "OpenHuman API error (500 Internal Server Error)", False, id="other status"),
        pytest.param("E", "OpenRouter API error (401 Unauthorized)", False, id="third party"),
        pytest.param("E", "my-OpenHuman API error (401 Unauthorized)", False, id="another label"),
        pytest.param("E", "XOpenHuman API error (401 Unauthorized)", False, id="a longer label"),
        pytest.param(
            "AuthenticationError", "Error code: 401 - Incorrect API key", False, id="a user's own key"
        ),
        pytest.param("HTTPError", "401 Unauthorized", False, id="the status alone"),
        pytest.param("ValueError", "OpenHuman is down", False, id="the label alone"),
    ],
)
def test_the_filter_drops_what_the_guard_drops_of_a_dead_session(
    kind: str, value: str, drops: bool, guard: SessionGuard
) -> None:
    """The guard keeps words until it knows that the session is dead; an inbound filter never knows."""
    assert not is_dropped(guard, kind, value)
    assert is_dropped(guard, "E", "chat failed", **TAGS)
    assert is_dropped(guard, kind, value) is drops
    assert is_filtered(f"{kind}: {value}") is drops


@pytest.mark.parametrize(
    ("value", "python_drops", "filter_drops"),
    [
        pytest.param(f'{OURS}: {{"code": "invalid_api_key"}}', False, True, id="a code cannot veto"),
        pytest.param("openhuman API error (401 Unauthorized)", False, True, id="case is ignored"),
        pytest.param(f"{OURS}: OpenRouter API error (401)", False, True, id="a third party, quoted behind"),
        pytest.param(f"retries exhausted, {OURS}", True, False, id="words before it"),
    ],
)
def test_the_differences_are_those_stated(
    value: str, python_drops: bool, filter_drops: bool, guard: SessionGuard
) -> None:
    assert is_dropped(guard, "E", "chat failed", **TAGS)
    assert is_dropped(guard, "E", value) is python_drops
    assert is_filtered(f"E: {value}") is filter_drops


def test_tags_are_not_seen(guard: SessionGuard) -> None:
    assert is_dropped(guard, "E", "chat failed", **TAGS)
    assert not is_filtered("E: chat failed")


def test_the_remarks_say_that_words_are_dropped() -> None:
    said = [
        remark for remark in inbound_patterns(POLICY).remarks if "words" in remark and "session" in remark
    ]

    assert any("keeps" in remark for remark in said)


def test_a_bare_status_would_hide_a_users_own_key() -> None:
    """Why the label is in every pattern."""
    third_party = "AuthenticationError: Error code: 401 - Incorrect API key provided"

    assert re.fullmatch(".*401.*", third_party)
    assert not is_filtered(third_party)
    assert all("OpenHuman" in pattern for pattern in inbound_patterns(POLICY).text.splitlines())


def test_only_the_policys_statuses_are_filtered() -> None:
    policy = Policy(provider="OpenHuman", statuses=[401])

    assert is_filtered(f"E: {OURS}", policy)
    assert not is_filtered("E: OpenHuman API error (403 Forbidden)", policy)


@pytest.mark.parametrize("label", ["A*", "A?", "[A]", "{A}", "A!", "A\\B"])
def test_a_label_with_wildcards_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="wildcard"):
        inbound_patterns(Policy(provider=label))


def test_a_label_of_two_lines_is_refused_since_each_line_would_be_a_pattern() -> None:
    with pytest.raises(ValueError, match="one line"):
        inbound_patterns(Policy(provider="A\nB"))
