"""What the application adds is data, and what is faulty in it is named at the start."""

from __future__ import annotations

import re

import pytest

from sentry_filters.redaction import REDACTED, Kind, Redactor


def test_an_added_kind_goes() -> None:
    kind = Kind.from_mapping(
        {"name": "ticket", "pattern": r"TCK-[0-9]{6}", "literal": "TCK-", "about": "tickets"}
    )
    redactor = Redactor(kinds=[kind])

    assert redactor.redact("see TCK-123456.") == f"see {REDACTED}."
    assert not redactor.is_clean('{"a":"see TCK-123456."}')
    assert redactor.scrub("TCK-123456").findings[0].kind == "ticket"


def test_a_group_of_an_added_kind_is_what_goes() -> None:
    redactor = Redactor(kinds=[Kind("seat", r"seat (\d+[A-F])")])

    assert redactor.redact("in seat 12A now") == f"in seat {REDACTED} now"


@pytest.mark.parametrize("order", [1, -1])
def test_of_added_kinds_that_overlap_nothing_stays_in_any_order(order: int) -> None:
    kinds = [
        Kind("cut", "TCK-[0-9]{4}"),
        Kind("ticket", "TCK-[0-9]+-[A-Z]+"),
        Kind("tail", "[0-9]+-[A-Z]+-[0-9]"),
    ]
    redactor = Redactor(kinds=kinds[::order])

    assert redactor.redact("see TCK-471623-QRST-7, TCK-47") == f"see {REDACTED}, TCK-47"


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ({"name": "x", "pattern": "("}, "'x'"),
        ({"name": "x", "pattern": r"(?=a)"}, "'x'"),
        ({"name": "x", "pattern": r"a*"}, "empty text"),
        ({"name": "x", "pattern": ""}, "expected a name and a pattern"),
        ({"pattern": "a"}, "expected a name and a pattern"),
        ({"name": 5, "pattern": "a"}, "name is 5; expected a string"),
        ({"name": "x", "pattern": 5}, "pattern is 5; expected a string"),
        ({"name": "x", "pattern": "a", "regex": "b"}, "'regex'"),
        ("text", "expected a table"),
    ],
)
def test_a_faulty_kind_is_refused_by_name(data: object, named: str) -> None:
    with pytest.raises(ValueError, match=re.escape(named)):
        Kind.from_mapping(data)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"keys": [""]}, "keys: ''"),
        ({"keys": ["---"]}, "keys: '---'"),
        ({"keys": [5]}, "keys: 5"),
        ({"keys": "password"}, "expected a list of names"),
        ({"kept_keys": [None]}, "kept_keys: None"),
        ({"kinds": [{"name": "x"}]}, "kinds: {'name': 'x'}"),
    ],
)
def test_a_faulty_option_is_refused_by_name(options: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=re.escape(named)):
        Redactor(**options)  # type: ignore[arg-type]


def test_two_redactors_do_not_see_each_other() -> None:
    one, other = Redactor(keys=["seal"]), Redactor()
    one.register("a credential of one")

    assert other.redact_value({"seal": "a credential of one"}) == {"seal": "a credential of one"}
