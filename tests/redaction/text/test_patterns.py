"""The shorter expression that is searched for: it finds what the whole one finds, at the same places."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentry_filters.redaction import Redactor
from sentry_filters.redaction.catalogue.families import CATALOGUE
from sentry_filters.redaction.catalogue.kind import Kind
from sentry_filters.redaction.regex import compile_finder, first_of
from sentry_filters.redaction.text.patterns import beginning_of
from sentry_filters.redaction.text.scanner import TextScanner
from tests.support.kinds import near_miss_of, secret_of

PASS: TextScanner = Redactor()._scanner
WHOLE = compile_finder("|".join((PASS._patterns.pattern, PASS.beginnings[1])))
EXAMPLES = [secret_of(kind) for kind in CATALOGUE] + [near_miss_of(kind) for kind in CATALOGUE]
JOINTS = [
    "",
    " ",
    "=",
    '"',
    "\\n",
    ": ",
    "%20",
    "é",
    "x",
    "-",
    "_",
    "\n",
    "password=",
    "\x00",
    "'",
    "Bearer ",
]
SECRET = {
    r"acme\+": "acme+",
    r"\Qacme+\E": "acme+",
    "acme(?:a|b{2,})": "acmebbb",
    "(?i)ACME[a-z]+": "acmeabc",
    "acm[a-e]{1,}": "acmeee",
}


def by_whole(data: bytes) -> list[tuple[int, int]]:
    return places(partial(WHOLE, data))


def by_beginning(data: bytes) -> list[tuple[int, int]]:
    return places(first_of(PASS.find_kind, PASS.find_keyed, data))


def places(find: Callable[[int], tuple[int, int]]) -> list[tuple[int, int]]:
    found, at = [], 0
    while (place := find(at))[0] >= 0:
        found.append(place)
        at = max(place[1], place[0] + 1)
    return found


@pytest.mark.parametrize(
    ("pattern", "beginning"),
    [
        ("ghp_[A-Za-z]{36,255}", "ghp_[A-Za-z]{36}"),
        ("ghp_[A-Za-z]{36,}", "ghp_[A-Za-z]{36}"),
        ("key=(x|[a-z]{8,})", "key=(x|[a-z]{8})"),
        ("a((?:b|c+))", "a((?:b|c))"),
        ("[a-f0-9]{32}", "[a-f0-9]{32}"),
        ("[a-z]{3,9}=", "[a-z]{3,9}="),
        ("a*", "a*"),
        (r"a\+", r"a\+"),
        (r"a\{3,9}", r"a\{3,9}"),
        ("a{3,9}?", "a{3,9}?"),
        (r"a[)+]", r"a[)+]"),
        (r"\Qa+\E", r"\Qa+\E"),
    ],
)
def test_a_beginning_ends_with_the_least_of_the_last_repetition(pattern: str, beginning: str) -> None:
    assert beginning_of(pattern) == beginning


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.name)
def test_a_kind_is_found_where_the_whole_expression_finds_it(kind: Kind) -> None:
    example = secret_of(kind)
    for text in (f'{{"a":"\\n{example}", "b": 1}}', f"{example}{example[:-1]}"):
        assert by_beginning(text.encode()) == by_whole(text.encode())


def test_mixed_texts_are_found_in_at_the_same_places() -> None:
    dice = random.Random(5)
    for _ in range(60):
        parts = []
        for _ in range(dice.randrange(1, 8)):
            example = dice.choice(EXAMPLES)
            parts += [dice.choice(JOINTS), example[: dice.randrange(len(example) + 1)]]
        data = "".join(parts).encode("utf-8", "surrogatepass")
        assert by_beginning(data) == by_whole(data)


@settings(deadline=None, max_examples=30)  # the whole expression is slow: that is why there is another
@given(st.lists(st.sampled_from(JOINTS) | st.text(max_size=12) | st.sampled_from(EXAMPLES), max_size=6))
def test_any_text_is_found_in_at_the_same_places(parts: list[str]) -> None:
    data = "".join(parts).encode("utf-8", "surrogatepass")

    assert by_beginning(data) == by_whole(data)


def test_a_beginning_that_the_whole_does_not_follow_is_passed_by() -> None:
    find = compile_finder("ab+c", "ab")

    assert find(b"ab abx abbc", 0) == (7, 11)
    assert find(b"ab abx", 0) == (-1, -1)


@pytest.mark.parametrize("pattern", SECRET)
def test_a_kind_of_the_users_is_found_however_it_ends(pattern: str) -> None:
    redactor = Redactor(kinds=[Kind(name="acme", pattern=pattern)])

    assert "acme" not in redactor.redact(f"an {SECRET[pattern]} bb")
