"""Whether a value could be a secret: masks, references, words, numbers, ids, and what looks generated."""

from __future__ import annotations

import pytest

from sentry_filters.redaction.keys import Sensitivity
from sentry_filters.redaction.text.plausible import (
    is_placeholder,
    is_plain,
    is_reference,
    is_secret,
    looks_random,
)

GENERATED = b"Zq8vT1mB4xK7Wn2"
UUID = b"12c00d26-e3bb-48c0-8c49-262155b57d64"
HEX = b"0af7651916cd43dd8448"
JUDGED = 400


@pytest.mark.parametrize(
    ("value", "reference", "placeholder"),
    [
        (b"", True, True),
        (b"****", True, True),
        (b" \\\"'`***`'\"\\ ", True, True),
        (b"[Filtered]", True, True),
        (b"<your key>", True, True),
        (b"${DB_PASSWORD}", True, True),
        (b"$DB", True, True),
        (b"vault://kv/pw", True, True),
        (b"os.environ['PW']", True, True),
        (b"changeme", False, True),
        (b"'None'", False, True),
        (b"BEARER", False, True),
        (b"[Filtered]#top", False, True),
        (b"redacted#section-two", False, True),
        (b"redacted#" + GENERATED, False, False),
        (b"redacted#" + GENERATED + b"#x", False, False),
        (b"other#top", False, False),
        (b"XnullX", False, False),
        (b"hunter2", False, False),
        (b"*" * JUDGED + b"secret", True, True),
        (b"*" * (JUDGED - 1) + b"s", False, False),
        (GENERATED, False, False),
    ],
)
def test_masks_references_and_stopgaps(value: bytes, reference: bool, placeholder: bool) -> None:
    assert is_reference(value) is reference
    assert is_placeholder(value) is placeholder


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"two words", True),
        (b"snake_case.and-more/here:", True),
        (b"UPPER CASE", True),
        (b"Capital", True),
        (b"camelCaseName", True),
        (b"someLongWordsTogether", True),
        (b"aaaaaaaAaaaaaA", False),
        (b"abcDefg", True),
        (b"abcDef", True),
        (b"abCde", True),
        (b"abCdeFg", True),
        (b"aBcDe", False),
        (b"abcdeFgHiJk", True),
        (b"abcdFgHiJk", False),
        (b"abc1", False),
        (b"a" * JUDGED + b"1", True),
        (b"a" * (JUDGED - 1) + b"1", False),
    ],
)
def test_what_consists_of_words_is_plain(value: bytes, expected: bool) -> None:
    assert is_plain(value) is expected


@pytest.mark.parametrize(
    ("value", "random", "as_id"),
    [
        (GENERATED, True, True),
        (GENERATED[:12], True, True),
        (GENERATED[:11], False, False),
        (UUID, False, True),
        (UUID.upper(), False, True),
        (HEX, False, True),
        (HEX[:19], False, False),
        (b"{" + GENERATED, False, False),
        (b"[" + GENERATED, False, False),
        (b"<" + GENERATED, False, False),
        (b"(" + GENERATED, False, False),
        (b"2026-01-01T00:00:00Z", False, False),
        (b"v1.2.3-beta.4567", False, False),
        (b"twelve-letter-words", False, False),
        (b"123456789012x", True, True),
        (b"12345678901234", False, False),
        (b"abcdefghijklm1", False, False),
        (b"abcdefghijkL1M", True, True),
        (b"abcdefghijklM1", False, False),
        (b"abcdefghijkl12", True, True),
        (b"+++++++++++12", False, False),
        (b"!!!!!!!!!!!12", False, False),
        (b"X" + GENERATED, True, True),
        (b"abCDefghijklmnOp", True, True),
        (b"abCDefghijklmOp", False, False),
        (b"abCDefghijklmnop", False, False),
        (b"ABCDEFGHIJKLMabc", True, True),
        (b"ABCDEFGHIJKLMNab", False, False),
        (b"AbcdefghijklmNOpqR", True, True),
        (b"aBCDEFGHIJKLMNopQ", True, True),
        (b"ABCDEFGHIJKLMNOpq", False, False),
        (b"abcdXefghijklmnOp", False, False),
        (b"qwXrtzpAsdfghJk", False, False),
        (b"/usr/lib/python3.11/site", False, False),
        (b"/usr/Lib/python3.11/site", True, True),
        (b"prose of Some 12 words, and more", False, False),
        (b"Zq8vT1mB4xK7+Wn2 Zq8vT1mB", True, True),
        (b"Zq8vT1mB4xK7+Wn2 Zq8vT1", False, False),
        (b"Zq8vT1mB4xK7+Wn2 Zq8vT1m", True, True),
        (b"Zq8vT1mB4xK7 Wn2aZq8vT1mB", False, False),
        (b"Zq8 T1m 4xK7 Wn2+Zq8vT1m", False, False),
        (b"Zq8 T1m 4xK7 Wn2+Zq8vT1mB", True, True),
        (b"Zq8 T1mv4xK7+Wn2aZq8vT1m", True, True),
        (b"Zq8 T1mv4xK7+Wn2 Zq8 T1m", False, False),
        (b"Z+ " + b"q8" * 62 + b"a", True, True),
        (b"Z+ " + b"q8" * 63, False, False),
        (b"+" * 390 + GENERATED, True, True),
        (b"+" * JUDGED + GENERATED, False, False),
    ],
)
def test_what_looks_generated(value: bytes, random: bool, as_id: bool) -> None:
    assert looks_random(value) is random
    assert looks_random(value, ids=True) is as_id


def test_how_long_what_looks_generated_is_at_least() -> None:
    assert looks_random(GENERATED[:8], least=8)
    assert not looks_random(GENERATED[:8], least=9)
    assert not looks_random(HEX[:19], least=8, ids=True)


@pytest.mark.parametrize(
    ("value", "goes_from"),
    [
        (GENERATED, Sensitivity.POSSIBLE),
        (UUID, Sensitivity.LIKELY),
        (HEX, Sensitivity.LIKELY),
        (b"hunter2", Sensitivity.SECRET),
        (b"1234", Sensitivity.SECRET),
        (b"19.12.2001", Sensitivity.PASSWORD),
        (b"1.2.3", Sensitivity.PASSWORD),
        (b"2.0.0rc1", Sensitivity.PASSWORD),
        (b"123", None),
        (b"app.settings.api_token", None),
        (b"***", None),
        (b"null", None),
    ],
)
def test_how_much_a_key_must_indicate_for_a_value_to_go(value: bytes, goes_from: Sensitivity | None) -> None:
    gone = [grade for grade in Sensitivity if is_secret(value, grade)]

    assert gone == ([] if goes_from is None else [grade for grade in Sensitivity if grade >= goes_from])
