from __future__ import annotations

import pytest

from sentry_filters.evidence.wire_text import Statement, statements_in

LABEL = "OpenHuman"


@pytest.mark.parametrize(
    "text",
    [
        "OpenHuman API error (401 Unauthorized): {}",
        "OpenHuman API error (403): no",
        "OpenHuman streaming API error (401 Unauthorized)",
        "OpenHuman returned HTTP 401",
        "OpenHuman returned HTTP 401: {}",
        "run failed: model error: OpenHuman returned HTTP 401",
        "error=OpenHuman API error (401 Unauthorized)",
        "[OpenHuman API error (401)]",
        "\nOpenHuman API error (401)",
        "«OpenHuman API error (401)",
    ],
)
def test_own_label_at_a_word_boundary_is_ours(text: str) -> None:
    [mention] = statements_in(text, LABEL)

    assert mention.ours
    assert mention.status in (401, 403)


@pytest.mark.parametrize(
    "text",
    [
        "kiro API error (401 Unauthorized)",
        "NotOpenHuman API error (401)",
        "my-OpenHuman API error (401)",
        "x.OpenHuman API error (401)",
        "openhuman API error (401)",
        "OpenHuman Cloud API error (401)",
        "OpenHumаn API error (401)",  # a Cyrillic а
        "ӧ\u0301OpenHuman API error (401)",
        "\u200bOpenHuman API error (401)",
        " API error (401)",
    ],
)
def test_other_label_is_not_ours(text: str) -> None:
    [mention] = statements_in(text, LABEL)

    assert not mention.ours


@pytest.mark.parametrize(
    "text", ["", "401 unauthorized", "OpenHuman: 401", "OpenHuman API error 401 Unauthorized"]
)
def test_text_without_the_form_states_nothing(text: str) -> None:
    assert statements_in(text, LABEL) == ()


@pytest.mark.parametrize("number", ["4010", "40", "401a", "٤٠١", "", "x401"])
def test_what_is_not_a_status_has_none(number: str) -> None:
    [mention] = statements_in(f"OpenHuman returned HTTP {number}", LABEL)

    assert mention == Statement(ours=True, status=None, body="")


def test_json_body_belongs_to_its_statement() -> None:
    body = '{"error":"upstream kiro API error (500 boom)"}'

    found = statements_in(
        f"OpenHuman API error (401 Unauthorized): {body}; then kiro returned HTTP 403", LABEL
    )

    assert [(mention.ours, mention.status) for mention in found] == [(True, 401), (False, 403)]
    assert found[0].body.startswith(body)


def test_every_statement_counts() -> None:
    text = "OpenHuman API error (401 Unauthorized): no session; fallback: kiro API error (401 Unauthorized)"

    assert [mention.ours for mention in statements_in(text, LABEL)] == [True, False]


def test_a_log_dump_is_not_a_single_failure() -> None:
    assert not statements_in("OpenHuman returned HTTP 401 " * 100, LABEL)[-1].ours


@pytest.mark.parametrize("between", ["; ", ", then ", " and "])
def test_a_statement_without_a_body_does_not_hide_a_later_one(between: str) -> None:
    text = f"OpenHuman API error (401 Unauthorized){between}kiro API error (500 no): {{}}"

    assert [(mention.ours, mention.status) for mention in statements_in(text, LABEL)] == [
        (True, 401),
        (False, 500),
    ]
