"""The evidence of a failure in lines of text: each fact once, beside what the policy expects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sentry_filters import Endpoint, Failure, Policy, Response
from sentry_filters.core.facts import Facts

POLICY = Policy(provider="OpenHuman", hosts={"b.example", "a.example"})
HERE = Endpoint("a.example", 443)
NONE = Failure()
ANSWER = Response(status=401)


def lines(failure: Failure, policy: Policy = POLICY) -> list[str]:
    return list(Facts(failure, policy, lambda text: text.replace("secret", "…")).lines())


def test_of_nothing_nothing_is_known() -> None:
    assert lines(NONE) == [
        "provider: no tag; expected 'OpenHuman'",
        "status: none; expected 401, 403",
        "operation: unknown",
        "response: none; no exception or call leads to one",
    ]


def test_all_that_is_known_is_listed_in_order() -> None:
    failure = Failure(
        domain="secret domain",
        operation="secret work",
        provider="secret provider",
        status=403,
        failure="secret failure",
        text="OpenHuman returned HTTP 401; kiro returned HTTP x",
        response=Response(
            status=401,
            endpoint=HERE,
            path="/v1/chat/completions",
            method="secret method",
            body_known=True,
            by_backend=False,
            credential=True,
            session="secret session",
            recorded=True,
            codes=frozenset({"invalid_api_key"}),
        ),
        rivals=frozenset({HERE, Endpoint("z.secret", 80), Endpoint("y.example")}),
        second_failure=True,
        other_exception=True,
        raised_while_handling=True,
        is_message=False,
    )

    assert lines(failure) == [
        "provider: '… provider' by the tag; expected 'OpenHuman'",
        "status: 403 by the tag and 401 by the response; expected 401, 403",
        "wire text: it states a failure of OpenHuman, with status 401",
        "wire text: it states another provider's failure, with no status",
        "operation: 'chat_completions'",
        "domain: '… domain' by the tag; the policy has 'llm_provider'",
        "failure: '… failure' by the tag",
        "response: from 'a.example:443', seen by instrument; expected a.example, b.example",
        "request: … method '/v1/chat/completions'",
        "body: read; its code 'invalidapikey' is a veto",
        "headers or body: HTML, or a proxy's challenge",
        "credential: sent, of session … session",
        "other calls: the report also leads to y.example, z.…:80",
        "other failures: the report states one whose origin is not known",
        "exception: its class has another job than to report a failed call",
        "exception: raised while a failed call was handled",
        "level: informational, so its text is only words",
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "response: from unknown, read from the exception; expected a.example, b.example"),
        ({}, "status: 401 by the response; expected 401, 403"),
        ({}, "request: unknown method unknown"),
        ({}, "body: not read in full; no code of the veto in it"),
        ({"body_known": True}, "body: read; no code of the veto in it"),
        ({"body_known": True, "codes": frozenset({"x"})}, "body: read; no code of the veto in it"),
        ({}, "credential: not known"),
        ({"credential": False}, "credential: none was sent"),
        ({"credential": True}, "credential: sent"),
    ],
)
def test_a_fact_of_a_response(changes: dict[str, Any], line: str) -> None:
    found = lines(Failure(response=replace(ANSWER, **changes)))

    assert line in found
    assert not any(one.startswith("headers or body") for one in found)


@pytest.mark.parametrize(
    ("hosts", "shown"),
    [
        ((), "any, since hosts is empty"),
        ([f"h{n}" for n in range(5)], "h0, h1, h2, h3, h4"),
        ([f"h{n}" for n in range(7)], "h0, h1, h2, h3, h4 and 2 more"),
    ],
)
def test_long_lists_are_shortened(hosts: list[str], shown: str) -> None:
    found = lines(Failure(response=ANSWER), replace(POLICY, hosts=frozenset(hosts)))

    assert f"response: from unknown, read from the exception; expected {shown}" in found


def test_few_statements_of_a_text_are_listed() -> None:
    found = lines(Failure(text="OpenHuman returned HTTP 401 " * 9))

    assert sum(line.startswith("wire text") for line in found) == 5
    assert not any("other calls" in line for line in lines(Failure(rivals=frozenset({HERE}))))
    assert any("other calls" in line for line in lines(Failure(rivals=frozenset({Endpoint("c.example")}))))
