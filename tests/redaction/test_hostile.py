"""Whatever the input: an answer, no exception, and what cannot be looked into does not go out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentry_filters.redaction import REDACTED, WITHHELD, Redactor


class RaisingRepr:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class RaisingEncode(str):
    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        raise RuntimeError("no")


class RaisingIter(list[object]):
    def __iter__(self) -> Iterator[object]:
        raise RuntimeError("no")


class RaisingItems(Mapping[str, object]):
    def __getitem__(self, key: str) -> object:
        raise RuntimeError("no")

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1


class RaisingEq:
    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "value",
    [RaisingRepr(), RaisingEncode("password=x1y2z3"), RaisingIter([1]), RaisingItems()],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_looked_into_is_withheld_alone(value: object, redactor: Redactor) -> None:
    assert redactor.redact_value({"a": "ok", "b": value}) == {"a": "ok", "b": WITHHELD}


@pytest.mark.promise("bounded")
@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        10**400,
        float("nan"),
        float("inf"),
        1j,
        "",
        "\ud800",
        b"",
        b"\xff\xfe",
        bytearray(),
        memoryview(b""),
        object(),
        type,
        len,
        iter([1]),
        {RaisingEq(): "a"},
        {("a", 1): "b"},
        {"\ud800": "\udfff"},
        RaisingRepr(),
        RaisingIter(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_everything_is_answered(value: object, redactor: Redactor) -> None:
    calls: list[Callable[[object], object]] = [
        redactor.redact_value,
        redactor.scrub,
        redactor.redact,  # type: ignore[list-item]
        redactor.redact_bytes,  # type: ignore[list-item]
        redactor.is_clean,  # type: ignore[list-item]
        redactor.register,  # type: ignore[list-item]
    ]
    for call in calls:
        call(value)


def test_lone_surrogates_survive(redactor: Redactor) -> None:
    assert redactor.redact("\ud800 password=hunter2x \udfff") == f"\ud800 password={REDACTED} \udfff"


def test_ten_megabytes_are_answered(redactor: Redactor) -> None:
    text = "x" * 10_000_000

    assert redactor.redact(text) is text
    assert redactor.redact(text + " password=hunter2x") == f"{text} password={REDACTED}"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda below: (
            st.lists(below) | st.dictionaries(st.text() | st.integers(), below) | st.tuples(below, below)
        ),
    )
)
def test_any_structure_is_answered_and_a_second_pass_changes_nothing(value: object) -> None:
    redactor = _REDACTOR
    once = redactor.redact_value(value)

    assert redactor.redact_value(once) is once or redactor.redact_value(once) == once or once != once  # noqa: PLR0124


_REDACTOR = Redactor()


@pytest.mark.promise("bounded")
@pytest.mark.parametrize("unit", ['password: "', "token='x", "cookie: a; ", "Authorization: ", "&key="])
def test_beyond_so_many_candidates_the_rest_of_a_text_is_withheld_and_counted(unit: str) -> None:
    hostile = unit * (200_000 // len(unit))

    scrubbed = _REDACTOR.scrub({"body": hostile, "beside": "harmless"})

    clean = scrubbed.value
    assert isinstance(clean, dict)
    assert clean["beside"] == "harmless"
    assert clean["body"].endswith(WITHHELD)
    assert len(clean["body"]) < len(hostile)
    assert "withheld" in {finding.kind for finding in scrubbed.findings}
    assert _REDACTOR.redact_value(clean) == clean
    assert not _REDACTOR.is_clean_text(hostile)


def test_as_many_candidates_as_a_long_log_has_are_all_looked_at() -> None:
    lines = "".join(f"{number} the session: closed, {'x' * 400} password=a1b2c3d4\n" for number in range(550))

    assert _REDACTOR.redact(lines) == lines.replace("a1b2c3d4", REDACTED)


def test_beyond_as_many_cookies_as_a_browser_keeps_the_rest_is_one_secret() -> None:
    clean = _REDACTOR.redact("cookie: " + "a=b1; " * 1_000)

    assert clean.count(REDACTED) == 181
    assert _REDACTOR.redact(clean) == clean


def test_a_text_of_nothing_but_generated_values_is_judged_up_to_a_bound(redactor: Redactor) -> None:
    ids = "".join(f"request_id={'k9XwQ2mZ7vRt4LbN8cJh'[at % 4 :]}{at} " for at in range(4_500))

    once = redactor.redact(ids)

    assert once.startswith(ids[:10_000])
    assert len(once) < len(ids)
    assert redactor.redact(once) is once
