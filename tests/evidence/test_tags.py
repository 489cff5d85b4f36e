"""The five tags of a failure, in whatever shape they come, and the small readers of foreign objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from email.message import Message
from types import SimpleNamespace

import pytest

from sentry_filters import Endpoint, Failure, Response
from sentry_filters.evidence import (
    Credentials,
    Fingerprinter,
    attribute,
    failure_of_tags,
    headers_of,
    stated_tags,
    status_number,
    tags_of,
    text_of,
    token_of,
)
from sentry_filters.evidence.failure import text_tag

FIVE = {"domain": "d", "operation": "o", "provider": "p", "status": "401", "failure": "non_2xx"}


class Raising(Mapping[str, object]):
    def __getitem__(self, name: str) -> object:
        raise RuntimeError

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError

    def __len__(self) -> int:
        return 1

    def __contains__(self, name: object) -> bool:
        raise RuntimeError


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError

    @property
    def broken(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({**FIVE, "other": 1}, FIVE),
        (list(FIVE.items()), FIVE),
        ([["domain", "d"], ("other", 1), ("status", 403), None, ("domain",), (1, 2), ("failure", 1, 2)],
         {"domain": "d", "status": 403}),
        (iter([("provider", "p")]), {"provider": "p"}),
        ("domain", {}),
        (b"domain", {}),
        (None, {}),
        (7, {}),
        (Raising(), {}),
    ],
)  # fmt: skip
def test_tags_are_read_from_mappings_and_pairs(tags: object, expected: dict[str, object]) -> None:
    assert tags_of(tags) == expected


def test_the_tags_of_a_failure_are_its_five_facts() -> None:
    assert stated_tags("d", "o", "p", 401) == FIVE
    assert stated_tags("d", "o", "p", "401") == FIVE
    assert failure_of_tags(FIVE) == Failure(
        domain="d", operation="o", provider="p", status=401, failure="non_2xx", is_message=True
    )


def test_what_an_exception_leads_to_stays_beside_the_tags() -> None:
    behind = Failure(
        response=Response(
            status=403, endpoint=Endpoint("a.example"), session="s", started_at=1.0, began=2.0, body="b"
        ),
        raised_while_handling=True,
        other_exception=True,
        rivals=frozenset({Endpoint("b.example")}),
        answers=(Response(status=500),),
        second_failure=True,
        text="of the exception",
        domain="of the exception",
    )

    found = failure_of_tags(FIVE, text="t", of=behind, is_message=False, at=3.0, trace_id="0a")

    assert found == Failure(
        domain="d",
        operation="o",
        provider="p",
        status=401,
        failure="non_2xx",
        text="t",
        response=behind.response,
        raised_while_handling=True,
        other_exception=True,
        rivals=behind.rivals,
        answers=behind.answers,
        second_failure=True,
        is_message=False,
        at=3.0,
        trace_id="0a",
    )
    assert (found.known_status, found.endpoint, found.session) == (403, Endpoint("a.example"), "s")
    assert (found.started_at, found.began, found.body) == (1.0, 2.0, "b")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x", "x"), ("", None), (None, None), (7, "7"), (1.5, "1.5"), (True, "<bool>"), (b"x", "<bytes>"),
        ([], "<list>"),
    ],
)  # fmt: skip
def test_a_tag_is_text_or_the_name_of_its_type(value: object, expected: str | None) -> None:
    assert text_tag(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (401, 401), (401.0, 401), ("401", 401), (" 403 Forbidden", 403), ("401x", 401), ("4011", None),
        ("4011x", None), ("40", None), ("", None), ("٤٠١", None), (99, None), (100, 100),
        (599, 599), (600, None),
        (401.5, None), (float("inf"), None), (True, None), (None, None), (b"401", None),
        ("4 01", None), ("401 1", 401),
    ],
)  # fmt: skip
def test_a_status_is_a_number_of_http(value: object, expected: int | None) -> None:
    assert status_number(value) == expected


def test_foreign_objects_may_raise() -> None:
    assert attribute(Unprintable(), "broken") is None
    assert attribute(Unprintable(), "absent") is None
    assert attribute(SimpleNamespace(a=1), "a") == 1
    assert text_of(Unprintable()) == ""
    assert text_of(7) == "7"


def test_headers_are_read_from_mappings_and_messages() -> None:
    message = Message()
    message["X-One"] = "1"
    many = {f"h{n}": "v" for n in range(300)}

    assert headers_of(SimpleNamespace(headers={"A": "B", b"C": b"\xe4", "n": 7})) == [
        ("a", "B"),
        ("c", "ä"),
        ("n", "7"),
    ]
    assert headers_of(SimpleNamespace(headers=message)) == [("x-one", "1")]
    assert headers_of(SimpleNamespace(headers=many)) == [(f"h{n}", "v") for n in range(256)]
    assert headers_of(SimpleNamespace(headers=[("a", "b")])) is None
    assert headers_of(SimpleNamespace(headers=Raising())) is None
    assert headers_of(object()) is None


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([("authorization", "Bearer abc")], "abc"),
        ([("authorization", "  bEARER   abc ")], "abc"),
        ([("x-api-key", "k")], "k"),
        ([("x-api-key", "k"), ("authorization", "Bearer abc")], "abc"),
        ([("authorization", "Bearer"), ("x-api-key", "k")], "k"),
        ([("authorization", "Bearer  ")], None),
        ([("authorization", "Bearer None")], None),
        ([("authorization", "NULL")], None),
        ([("authorization", "undefined")], None),
        ([("other", "k")], None),
        ([], None),
    ],
)
def test_the_first_header_that_carries_a_credential_counts(
    sent: list[tuple[str, str]], expected: str | None
) -> None:
    credentials = Credentials(("authorization", "x-api-key"), Fingerprinter(b"key"))

    assert credentials.token(sent) == expected
    assert credentials.session(expected) == (None if expected is None else Fingerprinter(b"key").of(expected))


def test_a_fingerprint_is_keyed_and_names_the_token() -> None:
    keyed = Fingerprinter(b"key")

    assert keyed.of("Bearer abc") == keyed.of("abc") == keyed.of(" abc ")
    assert len(keyed.of("abc")) == 12
    assert keyed.of("abc") != keyed.of("abd")
    assert keyed.of("abc") != Fingerprinter(b"another").of("abc")
    assert Fingerprinter().of("abc") != Fingerprinter().of("abc")
    assert keyed.of("\ud800")
    assert token_of("BEARER") == ""
    assert token_of("Bearerabc") == "Bearerabc"
    assert token_of("Basic abc") == "Basic abc"
