"""`is_clean` may doubt what is clean; it never trusts what `redact_value` would change."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sentry_filters.redaction import Redactor
from sentry_filters.redaction.catalogue.families import CATALOGUE
from tests.support.kinds import secret_of
from tests.support.secrets import fake

S = "Hunter2-Zq8vT1mB4xK7"
REDACTOR = Redactor(keys=["tenant_seal"])
KNOWN = 'a "credential" of \u00e9'
KNOWING = Redactor(keys=["tenant_seal"])
KNOWING.register(KNOWN)

# Pieces of which texts are made that come close to secrets, keys and the syntax around both.
PIECES = st.sampled_from(
    [
        "password",
        "api_key",
        "token",
        "key",
        "tokens",
        "secret",
        "Authorization",
        "cookie",
        "max_",
        "_count",
        "x",
        "é",
        "\n",
        "\t",
        '"',
        "'",
        "\\",
        "=",
        ":",
        ": ",
        ",",
        " ",
        "{",
        "}",
        "[",
        "]",
        "<",
        ">",
        "&",
        "--",
        "Bearer ",
        "https://u:",
        "@h",
        "pat",
        "pw",
        "tenantSeal",
        "$",
        "${",
        "None",
        "12345678",
        S,
        KNOWN,
        "\u2026",
        "...",
        "|",
        "\ud83d\ude00",
        "%3D",
        "&quot;",
        "=>",
        *(secret_of(kind) for kind in CATALOGUE[::7]),
    ]
)
TEXTS = st.lists(PIECES, max_size=8).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXTS, below, max_size=3),
    max_leaves=8,
)


@given(VALUES, st.booleans())
@example({"password": 12345}, True)
@example({"api_key": -4_716_230_985}, True)
@example([["api_key", "v4lue"]], True)
@example({"value": "v4lue", "name": "api_key"}, True)
@example(["--api-key", "v4lue"], True)
@example({"clé api_key": "v4lue"}, True)
@example({'api_key"': "v4lue"}, True)
@example("api_key: |\n\t\tv4luev4lue", True)
@example("x\npat=v4luev4luev4lue1", True)
def test_what_is_called_clean_is_clean(value: object, ensure_ascii: bool) -> None:
    serialised = json.dumps(value, separators=(",", ":"), ensure_ascii=ensure_ascii)
    parsed = json.loads(serialised)

    if REDACTOR.is_clean(serialised):
        assert REDACTOR.redact_value(parsed) is parsed


@settings(deadline=None, max_examples=200)  # the first compiles
@given(VALUES, st.booleans())
@example({"a": f"password={S}", "b": [f"password={S}", {"c": f"x {KNOWN} y"}]}, True)
@example({"password": f"api_key={S}", f"api_key={S}": [f"token={S}"]}, True)
@example({"": [], "password": "x", secret_of(CATALOGUE[0]): [[], {}, ()]}, False)
@example({"authorization": "Bearer {name}", "x": ["--token", f"password={S}"]}, True)
@example([f"a\u00e9 pat={S}", "x" * 5000 + f" password={S}"], False)
def test_what_a_look_has_found_is_redacted_as_if_nobody_had_looked(value: object, ensure_ascii: bool) -> None:
    serialised = json.dumps(value, separators=(",", ":"), ensure_ascii=ensure_ascii)
    parsed = json.loads(serialised)

    assert KNOWING.scrub(parsed, KNOWING.look(serialised)) == KNOWING.scrub(parsed)


@given(VALUES)
@example({"password": "{" + secret_of(next(kind for kind in CATALOGUE if kind.name == "jwt"))})
def test_a_second_pass_changes_nothing(value: object) -> None:
    once = REDACTOR.redact_value(value)

    assert REDACTOR.redact_value(once) == once


@given(TEXTS)
def test_a_text_grows_by_no_more_than_its_marks(text: str) -> None:
    once = REDACTOR.redact(text)

    assert REDACTOR.redact(once) == once
    assert len(once) <= len(text) + 12 * once.count("[REDACTED]")


@pytest.mark.parametrize("depth", [100, 101, 150, 5000])
def test_depth_is_judged_as_the_walk_judges_it(depth: int, redactor: Redactor) -> None:
    assert redactor.is_clean("[" * depth + "]" * depth) is (depth <= 100)


def test_brackets_in_texts_raise_no_doubt_when_there_are_few(redactor: Redactor) -> None:
    assert redactor.is_clean(json.dumps({"message": "[[ {{ ]", "list": [[1], [2]]}))


def test_brackets_in_texts_are_no_depth(redactor: Redactor) -> None:
    source = ["    rows = [{", "call(a[0], {'b': [", "print(\"[[[\", '{')", "\\\\", '\\"[', ""] * 60

    assert redactor.is_clean(json.dumps({"pre_context": source, "vars": {"a": [[1], {"b": source}]}}))
    assert not redactor.is_clean(json.dumps([source, json.loads("[" * 101 + "]" * 101)]))


@pytest.mark.parametrize(
    ("value", "is_clean"),
    [
        ({"key": ["'b'"], "keys": {"a": [1, "two"]}}, True),
        ({"token": {"start": 3, "text": "endfor"}, "tokens": []}, True),
        ({"auth": None, "credentials": [{"type": "basic"}], "cookies": {}}, True),
        ({"credentials": [{"user": "bob", "value": S}]}, False),
        ({"cookies": {"theme": S}}, False),
        ({"secret": {"text": ["x" * 5000]}}, False),  # longer than is looked at
    ],
)
def test_a_container_under_a_key_is_judged_by_what_it_holds(
    value: object, is_clean: bool, redactor: Redactor
) -> None:
    for serialised in (json.dumps(value), json.dumps(value, separators=(",", ":"))):
        assert redactor.is_clean(serialised) is is_clean
        assert redactor.is_clean(serialised) is is_clean  # what is remembered judges the same


def test_a_pair_that_was_harmless_is_a_doubt_with_another_value(redactor: Redactor) -> None:
    for _ in range(2):
        assert redactor.is_clean('{"password":"None","auth":"None"}')
        assert not redactor.is_clean(f'{{"password":"{S}"}}')
        assert not redactor.is_clean(f'{{"password":"None","password":"a\\"{S}"}}')


def test_what_changes_while_it_is_walked_through_is_walked_through_again(redactor: Redactor) -> None:
    class Changing:
        def __repr__(self) -> str:
            value.setdefault("later", f"api_key={S}")
            return "harmless"

    value: dict[str, object] = {"first": Changing(), "text": f"password={S}"}
    look = redactor.look(json.dumps({"first": None, "text": value["text"]}))

    redacted = redactor.scrub(value, look).value

    assert redacted == {**value, "text": "password=[REDACTED]", "later": "api_key=[REDACTED]"}


def test_a_long_text_is_judged_like_a_short_one(redactor: Redactor) -> None:
    prose = "the token count of a session was read " * 500

    assert redactor.is_clean(json.dumps({"a": prose}))
    assert not redactor.is_clean(json.dumps({"a": f"{prose} password={S} {prose}"}))


def test_bytes_and_text_are_judged_alike(redactor: Redactor) -> None:
    for value in ({"password": S}, {"a": "b"}):
        serialised = json.dumps(value)
        assert redactor.is_clean(serialised) is redactor.is_clean(serialised.encode())


@pytest.mark.parametrize(
    "serialised",
    [
        '{"a": "' + "".join(f"\\u{ord(letter):04X}" for letter in fake("sk-proj-", 40)) + '"}',
        '{"a": "' + fake("sk-proj-", 40).replace("k", "\\u006b", 1) + '"}',
        '{"a": "https:\\/\\/bob:' + fake("", 20) + '@db.example\\/x"}',
    ],
    ids=["all escaped", "one letter escaped", "slashes escaped"],
)
def test_a_secret_in_json_escapes_is_not_taken_for_clean(serialised: str, redactor: Redactor) -> None:
    assert redactor.redact_value(json.loads(serialised)) != json.loads(serialised)
    assert not redactor.is_clean(serialised)
