"""What an attacker would send: values, tags, texts, hosts and bodies, with a canary among them."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.support.secrets import fake

PROVIDER = "OpenHuman"
HOST = "api.example.ai"
CANARY = fake("sk-proj-", 40, seed="fuzz")

# The same examples in every run: what CI tries is stable. `make fuzz` brings bytes of its own.
quick = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=60,
    suppress_health_check=list(HealthCheck),
)

any_text = st.text(st.characters(), max_size=12)  # lone surrogates, too
canary_text = st.builds("{} {} {}".format, any_text, st.just(CANARY), any_text)
labels = st.sampled_from(
    [
        PROVIDER, "openhuman", "\u041epenHuman", "\uff2fpenHuman", "OpenHuman\u200b", "OpenHuman ", "OpenAI",
        f"my-{PROVIDER}", f"{PROVIDER}/OpenAI",
    ]
)  # fmt: skip
statuses = st.sampled_from(
    [
        "401",
        401,
        401.0,
        "401 Unauthorized",
        403,
        "4010",
        "\u0664\u0660\u0661",
        500,
        True,
        float("nan"),
        10**400,
    ]
)
operations = st.sampled_from(["chat_completions", "chat", "native_chat", "embeddings", "CHAT", "chat\x00"])
statements = st.builds(
    "{}{} API error ({} Unauthorized): {}".format,
    st.sampled_from(["", "x", "agent gave up: ", "\n", "OpenAI API error (401); "]),
    labels | any_text,
    st.sampled_from(["401", "403", "500", "4011"]),
    any_text | canary_text,
)
# What the grammar of redaction reads: words for a secret, separators, values that look generated.
grammar = st.lists(
    st.sampled_from(
        [
            *(
                "secret",
                "token",
                "api key",
                "password",
                "401",
                "acme",
                "id",
                "cursor",
                "user_",
                "key_",
                "login(",
            ),
            *(
                " ",
                ": ",
                "=",
                "-",
                "(",
                "'",
                '"',
                "/",
                "$",
                "\n",
                "\\n",
                "[REDACTED]",
                "0f3a9c5e7b1d2f4a6c8e",
            ),
            *(fake("", 24, seed="grammar"), fake("", 17, seed="short"), "Kestrel-302"),
        ]
    ),
    max_size=9,
).map("".join)
texts = any_text | canary_text | labels | statements | grammar

scalars: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400)])
    | st.floats()
    | texts
    | st.binary(max_size=12)
    | st.just(CANARY.encode())
)
keys = any_text | canary_text | st.sampled_from(["password", "name", "value", "authorization", "items"])
odd_keys = keys | st.none() | st.integers() | st.tuples(st.integers(), any_text) | st.binary(max_size=4)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(odd_keys, inner, max_size=4)
        | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=10,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=10,
)
deep = st.builds(
    lambda levels, value: _nested(levels, value), st.sampled_from([90, 101, 400, 5_000]), st.just(CANARY)
)

_TAGS: dict[str, st.SearchStrategy[Any]] = {
    "domain": st.sampled_from(["llm_provider", "agent", "cron"]) | scalars,
    "operation": operations | scalars,
    "provider": labels | values,
    "status": statuses | values,
    "failure": st.sampled_from(["non_2xx", "retries_exhausted"]) | scalars,
}
tag_dicts = st.fixed_dictionaries({}, optional=_TAGS)
tags = (
    tag_dicts
    | st.builds(lambda known, odd: {**odd, **known}, tag_dicts, st.dictionaries(odd_keys, values, max_size=3))
    | tag_dicts.map(lambda known: [list(pair) for pair in known.items()])
    | tag_dicts.map(lambda known: list(known.items()) * 2)
    | values
)


def _nested(levels: int, value: object) -> object:
    for level in range(levels):
        value = [value] if level % 2 else {"below": value}
    return value
