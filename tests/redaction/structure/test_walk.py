"""Structures: what goes from dicts, lists, keys, bytes and objects, and what comes back as it was."""

from __future__ import annotations

import collections
import copy
import dataclasses
import types

import pytest

from sentry_filters.redaction import REDACTED, WITHHELD, Redactor
from sentry_filters.redaction.catalogue import CATALOGUE
from tests.support.kinds import EXAMPLES, secret_of

S = "Hunter2-Zq8vT1mB4xK7"
GENERATED = "Zq8vT1mB4xK7pL2wN9sRaHcJdF3y"
KEY = "sk-" + "proj-Zq8vT1mB4xK7pL2wN9sR"


def test_a_clean_event_comes_back_as_the_identical_object(redactor: Redactor) -> None:
    event = {
        "extra": {"usage": {"input_tokens": 5}, "list": [1, "two", None, (3.0, True)]},
        "tags": [["a", "b"]],
    }

    assert redactor.redact_value(event) is event
    assert redactor.scrub(event).findings == ()


def test_the_input_is_never_changed_and_clean_parts_are_shared(redactor: Redactor) -> None:
    event = {"clean": {"a": [1, 2]}, "dirty": {"password": S, "text": f"token={S}"}}
    before = copy.deepcopy(event)

    result = redactor.redact_value(event)

    assert event == before
    assert isinstance(result, dict)
    assert result["clean"] is event["clean"]
    assert result["dirty"] == {"password": REDACTED, "text": f"token={REDACTED}"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(
            [["Authorization", f"Bearer {S}"]], [["Authorization", f"Bearer {REDACTED}"]], id="header-pairs"
        ),
        pytest.param([("api_key", "hunter")], [("api_key", REDACTED)], id="pairs-of-words"),
        pytest.param(["api_key", S], ["api_key", REDACTED], id="lone-pair"),
        pytest.param(
            [{"name": "DB_PASSWORD", "value": "x1"}], [{"name": "DB_PASSWORD", "value": REDACTED}], id="named"
        ),
        pytest.param(
            {"key": "Authorization", "value": S}, {"key": "Authorization", "value": REDACTED}, id="key-value"
        ),
        pytest.param({"api_key": 4_716_230_985}, {"api_key": REDACTED}, id="long-number"),
        pytest.param({"api_key": 471_623_098}, {"api_key": 471_623_098}, id="count"),
        pytest.param({"auth_time": 1_790_000_000}, {"auth_time": 1_790_000_000}, id="time"),
        pytest.param(["run", "--api-key", "VALUE1"], ["run", "--api-key", REDACTED], id="argv"),
        pytest.param(["run", f"--api-key={S}"], ["run", f"--api-key={REDACTED}"], id="argv-joined"),
        pytest.param({"cookies": {"theme": "dark1"}}, {"cookies": {"theme": REDACTED}}, id="cookies"),
        pytest.param({"Cookie": "a=1b; c=2d"}, {"Cookie": f"a={REDACTED}; c={REDACTED}"}, id="cookie"),
        pytest.param({"Authorization": S}, {"Authorization": REDACTED}, id="authorization"),
        pytest.param({"vars": {"password": f"'{S}'"}}, {"vars": {"password": REDACTED}}, id="frame-locals"),
        pytest.param({"passwords": ["a1", "b2"]}, {"passwords": [REDACTED, REDACTED]}, id="list-below-key"),
        pytest.param({"secret": {"value": "abc1"}}, {"secret": {"value": REDACTED}}, id="dict-below-key"),
        pytest.param(
            {"credentials": {"username": "bob", "password": "x1"}},
            {"credentials": {"username": "bob", "password": REDACTED}},
            id="credentials",
        ),
        pytest.param({f"api_key={S}": 1}, {f"api_key={REDACTED}": 1}, id="key-holds-secret"),
        pytest.param({KEY + "a": 1, KEY + "b": 2}, {REDACTED: 1, REDACTED + "-2": 2}, id="keys-collide"),
        pytest.param({b"authorization": b"Bearer abc12345"}, {b"authorization": b"[REDACTED]"}, id="bytes"),
        pytest.param((1, KEY), (1, REDACTED), id="tuple"),
        pytest.param(
            {"url": f"https://x.example/?token={S}"},
            {"url": f"https://x.example/?token={REDACTED}"},
            id="url",
        ),
        pytest.param(
            {"body": f'{{"password": "{S}"}}'}, {"body": f'{{"password": "{REDACTED}"}}'}, id="json-text"
        ),
        pytest.param(bytearray(b"password=" + S.encode()), bytearray(b"password=[REDACTED]"), id="bytearray"),
        pytest.param(memoryview(b"password=" + S.encode()), b"password=[REDACTED]", id="memoryview"),
        pytest.param({KEY}, {REDACTED}, id="set"),
        pytest.param(collections.deque([KEY]), [REDACTED], id="sequence"),
        pytest.param(collections.OrderedDict(password=S), {"password": REDACTED}, id="dict-subclass"),
        pytest.param(types.MappingProxyType({"password": S}), {"password": REDACTED}, id="mapping"),
        pytest.param(ValueError(f"password={S}"), f"ValueError('password={REDACTED}')", id="exception"),
    ],
)
def test_what_goes_from_a_structure(value: object, expected: object, redactor: Redactor) -> None:
    result = redactor.redact_value(value)

    assert result == expected
    assert type(result) is type(expected)
    assert redactor.redact_value(result) == result


@pytest.mark.parametrize(
    "value",
    [
        {"token": {"count": 5}},
        {"token": " international", "logprob": -0.3},
        ["password", "email", "name"],
        ["token", "session"],
        {"required": ["password"]},
        {"name": "max_tokens", "value": "100000"},
        {"type": "password", "label": "Password"},
        ["--max-tokens", "500"],
        {"session": {"id": "12c00d26-e3bb-48c0-8c49-262155b57d64"}},
        {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331"},
        object(),
        range(5),
        {1: 2.5, None: True},
    ],
)
def test_what_stays_in_a_structure(value: object, redactor: Redactor) -> None:
    assert redactor.redact_value(value) is value


def test_objects_are_judged_by_their_fields() -> None:
    @dataclasses.dataclass
    class Config:
        api_key: str
        retries: int = 3

    Login = collections.namedtuple("Login", "user password")
    redactor = Redactor()
    clean = Config("")

    assert redactor.redact_value(Config(S)) == {"api_key": REDACTED, "retries": 3}
    assert redactor.redact_value(Login("bob", S)) == {"user": "bob", "password": REDACTED}
    assert redactor.redact_value(clean) is clean


def test_a_cycle_is_withheld_where_it_closes(redactor: Redactor) -> None:
    event: dict[str, object] = {"a": 1, "password": S}
    event["self"] = {"again": event}

    assert redactor.redact_value(event) == {"a": 1, "password": REDACTED, "self": {"again": WITHHELD}}


def test_what_is_shared_is_no_cycle(redactor: Redactor) -> None:
    shared = {"password": S}

    assert redactor.redact_value([shared, shared]) == [{"password": REDACTED}] * 2


def test_sharing_that_doubles_at_every_level_is_walked_once(redactor: Redactor) -> None:
    tree: list[object] = [f"password={S}"]
    for _ in range(60):
        tree = [tree, tree]

    result = redactor.redact_value(tree)

    for _ in range(60):
        assert isinstance(result, list)
        result = result[0]
    assert result == [f"password={REDACTED}"]


@pytest.mark.parametrize("opening", ["list", "dict"])
def test_what_lies_deeper_than_a_hundred_levels_is_withheld(opening: str, redactor: Redactor) -> None:
    def nested(levels: int) -> object:
        value: object = "text"
        for _ in range(levels):
            value = [value] if opening == "list" else {"a": value}
        return value

    shallow = nested(100)
    assert redactor.redact_value(shallow) is shallow
    for levels in (101, 10_000):
        result = redactor.redact_value(nested(levels))
        for _ in range(100):
            result = result[0] if isinstance(result, list) else result["a"]  # type: ignore[index]
        assert result == WITHHELD


def test_prompts_and_completions_go_when_the_policy_wants_none() -> None:
    span = {
        "gen_ai.input.messages": [{"role": "user", "content": "hello"}],
        "gen_ai.prompt.0.content": "hello",
        "gen_ai.prompt.0.role": "user",
        "gen_ai.completion": "hi",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 3,
    }

    assert Redactor().redact_value(span) is span
    assert Redactor(redact_content=True).redact_value(span) == {
        **span,
        "gen_ai.input.messages": REDACTED,
        "gen_ai.prompt.0.content": REDACTED,
        "gen_ai.completion": REDACTED,
    }


def test_one_text_does_not_hide_the_next(redactor: Redactor) -> None:
    cut = "sk-" + "ant-api03-Zq8v"

    assert redactor.redact_value([cut, KEY, "password:", KEY, cut]) == [
        REDACTED,
        REDACTED,
        "password:",
        REDACTED,
        REDACTED,
    ]
    assert redactor.redact(f'"{cut}"') == f'"{REDACTED}"'


def test_no_kind_of_secret_hides_the_next_text(redactor: Redactor) -> None:
    secrets = (f" acme_live_{GENERATED}", f"password={GENERATED}", f" the secret is {GENERATED}")
    before = [text for go, stay in EXAMPLES.values() for text in (*go, *stay)]
    kept = [
        (first, secret)
        for first in [*map(secret_of, CATALOGUE), *before]
        for secret in secrets
        if GENERATED in repr(redactor.redact_value([first, {secret: None}])[1])  # type: ignore[index]
    ]

    assert kept == []


def test_secrets_without_anything_between_them_go_in_one_pass(redactor: Redactor) -> None:
    adjacent = ("key-" + "0f3a9c5e7b1d2f4a6c8e0b2d4f6a8c0e") * 8

    once = redactor.redact(adjacent)

    assert once == REDACTED * 8
    assert redactor.redact(once) is once


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(["Access Token", "x-api-key: " + KEY], id="a pair whose value lost a part"),
        pytest.param(
            {'{"' + KEY * 5 + '": "api_key"}': "zz"}, id="a key that became a name by losing a part"
        ),
        pytest.param(
            {f'api_key": "{KEY}-tokens-reset': ["Zx8kQ2mV7pLw4Rt9Yb3N"]}, id="a key that lost a word"
        ),
    ],
)
def test_a_renamed_key_is_judged_by_its_new_name_at_once(value: object, redactor: Redactor) -> None:
    once = redactor.redact_value(value)

    assert redactor.redact_value(once) == once


def test_the_account_names_what_went_by_its_form_and_what_went_by_the_key_that_its_mark_revealed() -> None:
    scrubbed = Redactor().scrub({"set-cookie": f"{{{KEY}=a{S}"})

    assert scrubbed.value == {"set-cookie": f"{{{REDACTED}={REDACTED}"}
    assert len(scrubbed.findings) == 2
