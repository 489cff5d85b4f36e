from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentry_filters import Endpoint, Failure, Policy, Response, Verdict, recognise
from sentry_filters.core.recognition import operation_of
from sentry_filters.evidence.failure import failure_of_tags, status_number, tags_of

POLICY = Policy(provider="OpenHuman", hosts={"api.example.ai"})
HOSTLESS = Policy(provider="OpenHuman")
TAGS = {
    "domain": "llm_provider",
    "operation": "chat_completions",
    "provider": "OpenHuman",
    "status": "401",
    "failure": "non_2xx",
}
WIRE_TEXT = 'OpenHuman API error (401 Unauthorized): {"success":false,"error":"Invalid token"}'


def response(
    status: int = 401, host: str = "api.example.ai", path: str | None = "/v1/chat/completions", **facts: Any
) -> Response:
    facts = {"body_known": True, "body": "{}", **facts}
    return Response(status=status, endpoint=Endpoint(host, 443), path=path, **facts)


def reason(failure: Failure, policy: Policy = POLICY) -> str:
    verdict = recognise(failure, policy)
    assert verdict.drop is (verdict.reason == "backend_session_expired")
    return verdict.reason


def tagged(**changes: object) -> Failure:
    return failure_of_tags({**TAGS, **changes})


@pytest.mark.parametrize("status", [401, "401", 403, "403", 401.0, "401 Unauthorized"])
@pytest.mark.parametrize("operation", POLICY.operations)
def test_reference_tags_are_our_session(status: object, operation: str) -> None:
    assert reason(tagged(status=status, operation=operation)) == "backend_session_expired"


@pytest.mark.promise("in-doubt", "who-publishes")
@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        pytest.param(tagged(provider="kiro"), "other_provider", id="third party's tag"),
        pytest.param(tagged(provider="openhuman"), "other_provider", id="label in another case"),
        pytest.param(tagged(provider="OpenHuman "), "other_provider", id="label with a blank"),
        pytest.param(tagged(provider=["OpenHuman"]), "other_provider", id="unreadable provider"),
        pytest.param(tagged(provider=None), "unknown_provider", id="no provider"),
        pytest.param(tagged(status=500), "other_status", id="server error"),
        pytest.param(tagged(status=429), "other_status", id="rate limit"),
        pytest.param(tagged(status=None), "unrelated", id="no status"),
        pytest.param(tagged(status=True), "unrelated", id="status is no number"),
        pytest.param(tagged(operation="audio_speech"), "other_operation", id="no LLM call"),
        pytest.param(tagged(operation=None), "unknown_operation", id="no operation"),
        pytest.param(tagged(failure="all_exhausted"), "other_failure", id="aggregate of the provider layer"),
        pytest.param(Failure(text="401 unauthorized"), "unrelated", id="text without label"),
        pytest.param(Failure(status=401), "unknown_provider", id="status alone"),
        pytest.param(Failure(text="kiro API error (401 no)"), "unrelated", id="another's wire text"),
        pytest.param(
            Failure(text=f"{WIRE_TEXT}; kiro API error (401 no)"), "other_provider", id="two providers failed"
        ),
        pytest.param(Failure(text="OpenHuman API error (500 no)"), "other_status", id="other status in text"),
        pytest.param(
            Failure(text='OpenHuman API error (401 no): {"error":{"code":"invalid_api_key"}}'),
            "not_a_session_code",
            id="veto by the code in the text's body",
        ),
    ],
)
def test_when_in_doubt_the_report_is_kept(failure: Failure, expected: str) -> None:
    assert reason(failure) == expected


@pytest.mark.parametrize(
    "tags",
    [
        {"domain": "cron", "operation": "agent_job", "failure": "retries_exhausted"},
        {"domain": "agent", "operation": "run_turn"},
        {"operation": "agent_job"},
        {},
    ],
)
def test_outer_layer_with_our_wire_text_is_our_session(tags: dict[str, object]) -> None:
    assert reason(failure_of_tags(tags, text=f"turn failed: {WIRE_TEXT}")) == "backend_session_expired"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(response(), "backend_session_expired", id="own host, LLM path"),
        pytest.param(response(403), "backend_session_expired", id="403"),
        pytest.param(response(host="other.example"), "contradicting_host", id="other host"),
        pytest.param(response(500), "other_status", id="other status"),
        pytest.param(response(path="/v1/audio/speech"), "other_operation", id="other path"),
        pytest.param(response(path="/v1/messages/count_tokens"), "other_operation", id="below an LLM path"),
        pytest.param(response(path="/xchat/completions"), "other_operation", id="not at a segment"),
        pytest.param(response(path="/v1/models", operation="warmup"), "backend_session_expired", id="named"),
        pytest.param(response(operation="billing"), "other_operation", id="named otherwise"),
        pytest.param(response(codes=frozenset({"invalid_api_key"})), "not_a_session_code", id="vetoed"),
        pytest.param(
            response(codes=frozenset({"unauthorized"})), "backend_session_expired", id="session code"
        ),
    ],
)
def test_typed_cause_decides(facts: Response, expected: str) -> None:
    assert reason(Failure(response=facts)) == expected


@pytest.mark.promise("all-evidence", "wire-outweighs-text")
def test_response_contradicts_tags() -> None:
    assert reason(failure_with(tagged(), response(host="other.example"))) == "contradicting_host"
    assert reason(failure_with(tagged(), response(500))) == "other_status"
    assert reason(failure_with(tagged(), response(path="/v1/audio/speech"))) == "other_operation"
    assert reason(failure_with(tagged(provider="kiro"), response())) == "other_provider"


def test_an_operation_that_owns_no_path_may_run_on_any_path() -> None:
    failure = failure_with(tagged(operation="warmup"), response(path="/v1/models"))

    assert reason(failure) == "backend_session_expired"


def test_without_hosts_a_response_neither_proves_nor_contradicts() -> None:
    assert reason(Failure(response=response()), HOSTLESS) == "unknown_provider"
    assert reason(failure_with(tagged(), response()), HOSTLESS) == "backend_session_expired"


def test_veto_can_be_switched_off() -> None:
    policy = Policy(provider="OpenHuman", hosts={"api.example.ai"}, not_session_codes=())

    assert recognise(Failure(response=response(codes=frozenset({"invalid_api_key"}))), policy).drop


def test_an_error_raised_while_handling_is_kept_even_with_our_tags() -> None:
    failure = Failure(
        provider="OpenHuman", operation="chat", status=401, text="bug", raised_while_handling=True
    )

    assert reason(failure) == "raised_while_handling"


@pytest.mark.promise("confirmed")
def test_confirmed_means_that_the_backend_itself_answered() -> None:
    assert recognise(Failure(response=response()), POLICY).confirmed
    assert not recognise(tagged(), POLICY).confirmed


def test_longest_path_suffix_names_the_operation() -> None:
    policy = Policy(
        provider="x", paths={"/completions": "native_chat", "/chat/completions": "chat_completions"}
    )

    assert operation_of(Failure(response=response()), policy) == "chat_completions"


def failure_with(failure: Failure, facts: Response) -> Failure:
    return Failure(
        domain=failure.domain,
        operation=failure.operation,
        provider=failure.provider,
        status=failure.status,
        failure=failure.failure,
        response=facts,
    )


@pytest.mark.parametrize(
    "tags",
    [
        [["provider", "x"], ["status", 401]],
        (("provider", "x"), ("status", 401), ("odd",), None, ("other", 1)),
        {"provider": "x", "status": 401, "other": object()},
    ],
)
def test_tags_come_as_mapping_or_pairs(tags: object) -> None:
    assert tags_of(tags) == {"provider": "x", "status": 401}


class RaisingItems(dict[str, object]):
    def __contains__(self, key: object) -> bool:
        raise RuntimeError("no")


@pytest.mark.parametrize("tags", [None, 7, "provider", b"x", object(), RaisingItems()])
def test_what_is_not_tags_has_none(tags: object) -> None:
    assert tags_of(tags) == {}


@pytest.mark.parametrize(
    ("value", "status"),
    [(401, 401), ("401", 401), (" 403 ", 403), ("401 Unauthorized", 401), (401.0, 401)],
)
def test_status_is_read_from_numbers_and_text(value: object, status: int) -> None:
    assert status_number(value) == status


@pytest.mark.parametrize(
    "value", [True, 401.5, "4010", "x", "", None, [], float("nan"), 99, 600, -401, "٤٠١"], ids=repr
)
def test_what_is_not_a_status_is_none(value: object) -> None:
    assert status_number(value) is None


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.sampled_from(["401", 401]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
TAG_SETS = st.dictionaries(
    st.sampled_from([*TAGS, "other"]), st.sampled_from([*TAGS.values(), "cron"]) | ANYTHING
)
TEXTS = st.text() | st.lists(
    st.sampled_from([WIRE_TEXT, "kiro API error (401 no)", "OpenHuman", " returned HTTP ", "403", " ", "x"])
).map("".join)


@given(tags=TAG_SETS | TAG_SETS.map(lambda tags: list(tags.items())) | ANYTHING, text=TEXTS)
def test_no_combination_of_tags_and_text_raises(tags: object, text: str) -> None:
    assert isinstance(recognise(failure_of_tags(tags, text=text), POLICY), Verdict)


@given(
    tags=TAG_SETS,
    text=TEXTS,
    provider=st.text(min_size=1).filter(lambda name: name != "OpenHuman"),
    facts=st.none() | st.sampled_from([response(), response(403), response(host="other.example")]),
)
def test_third_party_by_tag_is_never_dropped(
    tags: dict[str, object], text: str, provider: str, facts: Response | None
) -> None:
    failure = failure_of_tags({**tags, "provider": provider}, text=text)

    assert not recognise(failure if facts is None else failure_with(failure, facts), POLICY).drop


@given(tags=TAG_SETS, host=st.from_regex(r"[a-z0-9-]{1,20}(\.[a-z]{2,8}){0,2}", fullmatch=True))
def test_third_party_by_host_is_never_dropped(tags: dict[str, object], host: str) -> None:
    if host == "api.example.ai":
        return

    assert not recognise(failure_with(failure_of_tags(tags), response(host=host)), POLICY).drop
