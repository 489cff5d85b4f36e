"""Target: any text, with a registered credential and a canary anywhere in it."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from urllib.parse import quote

from hypothesis import strategies as st

from sentry_filters import Redactor
from tests.fuzz.planting import KNOWN, WORDS, harmless, planted
from tests.fuzz.strategies import CANARY
from tests.fuzz.targets import of_bytes

__all__ = ["WORDS"]

_REDACTOR = Redactor()
_REDACTOR.register(KNOWN)
_SHORTEST_CUT = 16  # of a beginning that is removed where it was cut
_SHORTEST_QUOTED = 20  # the same, where nothing but a quote shows that it was cut: see docs/proof.md
_MARKS = ("...", "\N{HORIZONTAL ELLIPSIS}", "\\u2026", "...'", '"', "")
_PLACES = st.sampled_from([word for word in WORDS if len(word) < 40]) | st.binary(max_size=6)
_texts = st.lists(_PLACES, max_size=12).map(b"".join)

SEEDS = (
    b"password=\x1a, and token: '\x1c'",
    b"Authorization: Bearer \x1a\r\nCookie: a=\x1a; b=\x1c",
    b"https://user:\x1a@example.org/?token=\x1c&x=%20#k",
    b'{"name": "password", "value": "\x1a"}',
    b"the key is 0f3a9c5e7b1d2f4a6c8e for login('a', 'b')",
    b"\x1b[31msecret\x1b[0m&equals;\x1a",
    b"-----BEGIN PRIVATE KEY-----\n\x1a\n-----END PRIVATE KEY-----",
    "caf\u00e9 \u043f\u0430\u0440\u043e\u043b\u044c: \x1a".encode(),
)


@of_bytes(_texts)
def test_no_secret_stays_in_a_text_and_a_second_pass_changes_nothing(data: bytes) -> None:
    text = planted(data)

    once = _REDACTOR.redact(text)

    assert KNOWN not in once
    assert CANARY not in once
    assert _REDACTOR.redact(once) == once
    assert once == text or not _REDACTOR.is_clean_text(text)


@of_bytes(_texts)
def test_bytes_and_values_are_redacted_as_the_text_is(data: bytes) -> None:
    text = planted(data)
    as_bytes = text.encode("utf-8", "surrogatepass")

    once = _REDACTOR.redact(text)

    if b"\0" not in as_bytes:  # it may be UTF-16
        assert _REDACTOR.redact_bytes(as_bytes) == once.encode("utf-8", "surrogatepass")
    as_value = _REDACTOR.redact_value({"n": [text]})
    assert KNOWN not in str(as_value)
    assert CANARY not in str(as_value)
    assert _REDACTOR.redact_value(as_value) == as_value


@of_bytes(_texts)
def test_texts_that_are_clean_together_are_clean_alone(data: bytes) -> None:
    texts = [planted(part) for part in data.split(b"\n")]

    if _REDACTOR.are_clean_texts(texts):
        assert [_REDACTOR.redact(text) for text in texts] == texts


@of_bytes(st.builds(lambda head, rest: head + rest, st.binary(min_size=2, max_size=2), _texts))
def test_the_beginning_of_a_credential_does_not_stay_where_it_was_cut(data: bytes) -> None:
    if len(data) < 2:
        return
    mark = _MARKS[data[0] % len(_MARKS)]
    shortest = _SHORTEST_QUOTED if mark == '"' else _SHORTEST_CUT
    beginning = KNOWN[: shortest + data[1] % (len(KNOWN) - shortest)]

    once = _REDACTOR.redact(f"{planted(data[2:])} {beginning}{mark}")

    assert KNOWN[:_SHORTEST_CUT] not in once


@of_bytes(_texts)
def test_a_credential_in_an_encoding_does_not_stay(data: bytes) -> None:
    before, _, after = data.partition(b"\n")
    within = before[-4:] + KNOWN.encode() + after[:4]
    encoded = base64.b64encode(within).decode()
    # The digits that depend on nothing but the credential.
    first, last = (len(before[-4:]) * 8 + 5) // 6, (len(before[-4:]) + len(KNOWN)) * 8 // 6

    once = _REDACTOR.redact(f"{planted(before)}{encoded} {quote(within)} {planted(after)}")

    assert encoded[first:last] not in once
    assert KNOWN not in once


@of_bytes(st.binary(max_size=60))
def test_plain_words_stay(data: bytes) -> None:
    text = harmless(data)

    assert _REDACTOR.redact(text) is text
    assert _REDACTOR.redact_bytes(text.encode()) == text.encode()


@of_bytes(_texts)
def test_the_steps_grow_with_the_length_and_no_faster(data: bytes) -> None:
    unit = planted(data[:64])
    _steps(lambda: _REDACTOR.redact(unit * 8))  # what is compiled and remembered at first

    short = _steps(lambda: _REDACTOR.redact(unit * 8))
    long = _steps(lambda: _REDACTOR.redact(unit * 32))

    # Of a quadratic pass it would be sixteen times as many.
    assert long < 6 * short + 4_000


def _steps(work: Callable[[], object]) -> int:
    """Return how many calls `work` makes: a measure of its time that does not depend on the machine."""
    steps = 0

    def count(_frame: object, _event: str, _argument: object) -> None:
        nonlocal steps
        steps += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return steps
