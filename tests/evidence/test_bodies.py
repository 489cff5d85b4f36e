"""What a body says, how far it is known, and where a client keeps one that it has read."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest

from sentry_filters.evidence import (
    LONGEST_BODY,
    Body,
    body_if_read,
    body_of_text,
    body_of_value,
    fold,
    holds_json,
    text_if_read,
)

NOTHING = Body()


def nested(depth: int, inner: object, *, lists: bool = False) -> object:
    for _ in range(depth):
        inner = [inner] if lists else {"a": inner}
    return inner


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Body("", known=True)),
        ("  ", Body("  ", known=True)),
        ("plain words", Body("plain words", known=True)),
        ("<html>", Body("<html>", known=True, html=True)),
        (" \n<!DOCTYPE html>", Body(" \n<!DOCTYPE html>", known=True, html=True)),
        ("\ufeff<p>", Body("\ufeff<p>", known=True, html=True)),
        ("{broken", Body("{broken")),
        ("say [x", Body("say [x")),
        ('error: {"code":"a"}', Body('error: {"code":"a"}')),
        ('{"code":"A-b"}', Body('{"code":"A-b"}', frozenset({"ab"}), known=True)),
        ('\ufeff{"code":"x"}', Body('\ufeff{"code":"x"}', frozenset({"x"}), known=True)),
        (b'{"code":"x"}', Body('{"code":"x"}', frozenset({"x"}), known=True)),
        (b"\xff", Body("\ufffd", known=True)),
        ("[" * 5_000, Body("[" * 5_000)),
        ("x" * LONGEST_BODY, Body("x" * LONGEST_BODY, known=True)),
        ("x" * (LONGEST_BODY + 1), NOTHING),
        (b"x" * (LONGEST_BODY + 1), NOTHING),
    ],
)
def test_a_text_that_was_read_in_full(text: str | bytes, expected: Body) -> None:
    assert body_of_text(text) == expected


@pytest.mark.parametrize(
    ("value", "codes"),
    [
        ({"code": "invalidApiKey"}, {"invalidapikey"}),
        ({"Error-Code": "A_B C\t\r\n-d"}, {"abcd"}),
        ({"error": {"type": "x", "status": "y", "reason": "z"}}, {"x", "y", "z"}),
        ({"error": "broken"}, {"broken"}),
        ({"code": ["a", "B", 3]}, {"a", "b"}),
        ({"code": ("a",)}, set()),
        ([{"code": "a"}, ({"code": "b"},)], {"a", "b"}),
        ({"code": 401}, set()),
        ({"code": ""}, set()),
        ({"message": "code", 7: "x"}, set()),
        ({"code": "x" * 200}, {"x" * 200}),
        ({"code": "x" * 201}, set()),
        ({f"code{'-' * 195}": "a"}, {"a"}),
        ({f"code{'-' * 196}": "a"}, set()),
        (nested(7, {"code": "deep"}), {"deep"}),
        (nested(7, {"code": "deep"}, lists=True), {"deep"}),
        (None, set()),
        ("code", set()),
    ],
)
def test_codes_lie_under_the_keys_of_codes(value: object, codes: set[str]) -> None:
    assert body_of_value(value) == Body(
        value if isinstance(value, str) else json.dumps(value), frozenset(codes), known=True
    )


@pytest.mark.parametrize(
    ("value", "codes"),
    [
        (nested(8, {"code": "too deep"}), set()),
        (nested(8, {"code": "too deep"}, lists=True), set()),
        ({"code": "seen", "more": nested(8, {})}, {"seen"}),
        ({"code": "seen", "more": nested(7, [[]])}, {"seen"}),
        ([0] * 2_001, set()),
        ([{"code": f"c{n}"} for n in range(63)], {f"c{n}" for n in range(63)}),
    ],
)
def test_more_than_is_looked_at_may_hide_a_code(value: object, codes: set[str]) -> None:
    found = body_of_value(value)

    assert (found.known, found.text) == (False, None)
    assert found.codes - {""} == codes


def test_as_much_as_is_looked_at_is_known() -> None:
    assert body_of_value([0] * 2_000).known
    many = body_of_value([{"code": f"c{n}"} for n in range(62)])
    assert many.known
    assert many.codes == {f"c{n}" for n in range(62)}


def test_a_value_that_json_cannot_write_has_codes_and_no_text() -> None:
    assert body_of_value({"code": "x", "when": object()}) == Body(None, frozenset({"x"}), known=True)
    assert len(body_of_value({"code": "x", "long": "y" * LONGEST_BODY}).text or "") == LONGEST_BODY


def test_two_spellings_of_a_code_are_one() -> None:
    assert fold("invalidApiKey") == fold("INVALID-API-KEY") == fold("invalid api_key") == "invalidapikey"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", True),
        ("[]", True),
        ("\ufeff{}", True),
        ("7", False),
        ('"x"', False),
        ("{", False),
        ("", False),
        (None, False),
        ("[" * 5_000, False),
        ("[" + " " * (LONGEST_BODY - 2) + "]", True),
        ("[" + " " * (LONGEST_BODY - 1) + "]", False),
    ],
)
def test_json_is_an_object_or_a_list(text: str | None, expected: bool) -> None:
    assert holds_json(text) is expected


class Slotted:
    __slots__ = ("_body", "_content")

    def __init__(self, **kept: object) -> None:
        for name, value in kept.items():
            setattr(self, name, value)


def of_httpx(text: object, content: object) -> Any:
    return SimpleNamespace(extensions={}, text=text, content=content)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (Slotted(_content=b"a", _body=b"b"), "a"),
        (Slotted(_body=b"b"), "b"),
        (Slotted(_content=False), None),
        (Slotted(), None),
        (SimpleNamespace(_content=b"a", content=b"other"), "a"),
        (SimpleNamespace(_content=None, content=b"b"), "b"),
        (SimpleNamespace(content=b"", body="c"), "c"),
        (SimpleNamespace(body=b"", text="d"), "d"),
        (SimpleNamespace(data="\ud800e"), "?e"),
        (SimpleNamespace(data=b"\xff"), "\ufffd"),
        (SimpleNamespace(buffer=io.BytesIO(b"f")), "f"),
        (SimpleNamespace(text=7, data=None), None),
        (SimpleNamespace(other=b"g"), None),
        (of_httpx("h", b"other"), "h"),
        (of_httpx(None, b"\xffi"), "\ufffdi"),
        (of_httpx(None, "j"), None),
        (SimpleNamespace(extensions={}, data="k"), None),
        (object(), None),
    ],
)
def test_only_what_a_client_has_read_already_is_read(response: object, expected: str | None) -> None:
    assert text_if_read(response) == expected
    assert body_if_read(response) == (NOTHING if expected is None else body_of_text(expected))
