"""The same texts and events, redacted by the Python filter and by Relay's scrubber with our configuration."""

from __future__ import annotations

from typing import Any

import pytest

from sentry_filters import Policy
from sentry_filters.redaction import REDACTED, Kind, Redactor
from sentry_filters.redaction.catalogue import CATALOGUE
from sentry_filters.targets import relay_config
from tests.support.kinds import near_miss_of, secret_of
from tests.support.secrets import fake
from tests.targets.conftest import POLICY, Scrubber

pytestmark = pytest.mark.integration

S = "Hunter2-Zq8vT1mB4xK7"
KEY = fake("sk-ant-", 30)
KINDS = [pytest.param(kind, id=kind.name) for kind in CATALOGUE]
BEFORE = ["", "text ", "line\n", "tab\t", "é", '"', "="]


def test_relay_compiles_every_rule(scrubber: Scrubber) -> None:
    scrubber.validate()
    for name, rule in scrubber.config["rules"].items():
        scrubber.validate({"rules": {name: rule}, "applications": {"$string": [name]}})


def test_every_rule_is_applied_and_says_whose_it_is(scrubber: Scrubber) -> None:
    applied = {name for names in scrubber.config["applications"].values() for name in names}

    assert applied == set(scrubber.config["rules"])
    assert all(name.startswith("sentry-filters-") for name in applied)


@pytest.fixture(scope="module")
def stripped(scrubber: Scrubber) -> dict[str, str]:
    """What Relay leaves of every kind's example behind every beginning, and of its near miss."""
    texts = [before + secret_of(kind) for kind in CATALOGUE for before in BEFORE]
    texts += [near_miss_of(kind) for kind in CATALOGUE]
    return dict(zip(texts, scrubber.texts(texts), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_a_kinds_example_goes_in_both(kind: Kind, stripped: dict[str, str], redactor: Redactor) -> None:
    example = secret_of(kind)
    for before in BEFORE:
        assert example not in redactor.redact(before + example)
        assert example not in stripped[before + example]
        assert REDACTED in stripped[before + example]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kinds_near_miss_stays_in_both(kind: Kind, stripped: dict[str, str], redactor: Redactor) -> None:
    near_miss = near_miss_of(kind)

    assert redactor.redact(near_miss) == near_miss
    assert stripped[near_miss] == near_miss


@pytest.mark.parametrize(
    "text",
    [
        f"password={S}",
        f"export DB_PASSWORD='{S}'",
        f'{{"apiKey": "{S}", "n": 1}}',
        f"{{'api_key': '{S}'}}",
        f":secret => '{S}'",
        f'secret := "{S}"',
        f"?a=1&api_key={S}&b=2",
        f"X-Api-Key: {S}",
        f"auth_token: {S}",
        f"Authorization: Bearer {S}",
        f"Server=x;Password={S};Pooling=1",
        f"postgres://bob:{S}@db:5432/x",
        f"curl -u bob:{S} https://x.example",
    ],
)
def test_a_value_behind_a_secret_key_goes_in_both(text: str, scrubber: Scrubber, redactor: Redactor) -> None:
    assert S not in redactor.redact(text)
    assert S not in scrubber.text(text)


@pytest.mark.parametrize(
    "text",
    [
        "Token usage: 1234 input tokens, max_tokens=500",
        "password: required",
        "The password is wrong",
        "api_key=settings.API_KEY,",
        "token = get_token(user)",
        "self.api_key = api_key",
        "cache_key=user:1:profile",
        "https://example.com:8080/a?b=c@d",
        "git@github.com:org/repo.git",
        "0af7651916cd43dd8448eb211c80319c",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "12c00d26-e3bb-48c0-8c49-262155b57d64",
        "gpt-4o-mini-2024-07-18",
        "docker run -u 1000:1000 image",
        "Bearer authentication is required",
        "risk-assessment-of-the-quarter",
    ],
)
def test_a_harmless_text_stays_in_both(text: str, scrubber: Scrubber, redactor: Redactor) -> None:
    assert redactor.redact(text) == text
    assert scrubber.text(text) == text


SECRET_KEYS = (
    "password", "DB_PASSWORD", "dbPassword", "password2", "api_key", "apiKey", "x-api-key", "OPENAI_API_KEY",
    "accessToken", "refresh_token", "client_secret", "privateKey", "aws_secret_access_key", "jwt", "otp",
    "X-Authorization", "Authorization", "webhook_secret", "api_key_prod", "pgpassword",
)  # fmt: skip
HARMLESS_KEYS = (
    "gen_ai.usage.input_tokens", "max_tokens", "token_count", "next_page_token", "public_key", "cache_key",
    "path", "compass", "author", "password_hint", "password_reset_url", "api_key_id", "primary_key",
    "session_id",
)  # fmt: skip


@pytest.mark.parametrize("key", SECRET_KEYS)
@pytest.mark.parametrize("value", [S, "hunter two"])
def test_what_stands_under_a_secret_key_goes_in_both(
    key: str, value: str, scrubber: Scrubber, redactor: Redactor
) -> None:
    assert value not in str(redactor.redact_value({key: value}))
    assert value not in str(scrubber.value(key, value))


@pytest.mark.parametrize("key", HARMLESS_KEYS)
@pytest.mark.parametrize("value", ["a value", 1234])
def test_what_stands_under_another_key_stays_in_both(
    key: str, value: object, scrubber: Scrubber, redactor: Redactor
) -> None:
    assert redactor.redact_value({key: value}) == {key: value}
    assert scrubber.value(key, value) == value


def test_a_second_pass_changes_nothing(scrubber: Scrubber) -> None:
    # Relay also marks the nothing behind the head of a private key.
    texts = [secret_of(kind) for kind in CATALOGUE if kind.name != "private-key"]
    once = scrubber.texts(texts)

    assert scrubber.texts(once) == once


# What the remarks of `export relay` state: a text, and whether the Python filter and Relay keep it as it is.
DIFFERENCES = [
    pytest.param("password=correcthorse", False, True, id="a password of words, in a text"),
    pytest.param("<apiToken>\n  " + S + "\n</apiToken>", False, True, id="an element"),
    pytest.param("Cookie: a=two; b=three", False, True, id="cookies in a text"),
    pytest.param(
        '"{\\"password\\": {\\"is\\": \\"' + S + '\\"}}"', True, True, id="nested below escapes: both"
    ),
    pytest.param("postgres://${USER}:${PASSWORD}@db/x", True, False, id="references in a URL"),
    pytest.param('curl -u "${USER}:${PASSWORD}"', True, False, id="references of curl"),
    pytest.param("password", True, False, id="nothing but the name of a key"),
]


@pytest.mark.parametrize(("text", "python_keeps", "relay_keeps"), DIFFERENCES)
def test_the_differences_are_those_stated(
    text: str, python_keeps: bool, relay_keeps: bool, scrubber: Scrubber, redactor: Redactor
) -> None:
    assert (redactor.redact(text) == text) is python_keeps
    assert (scrubber.text(text) == text) is relay_keeps


def event_full_of(text: str) -> dict[str, Any]:
    """An event with `text` wherever an SDK may put one."""
    trace = {"trace_id": "0" * 31 + "1", "span_id": "0" * 15 + "1"}
    frame = dict.fromkeys(("function", "filename", "abs_path", "module", "context_line"), text) | {
        "pre_context": [text],
        "vars": {"a": text},
    }
    return {
        "logentry": {"formatted": text, "message": text, "params": [text]},
        "transaction": text,
        "culprit": text,
        "logger": text,
        "server_name": text,
        "fingerprint": [text],
        "modules": {"m": text},
        "tags": [["a", text]],
        "extra": {"a": text, "b": [text]},
        "user": {"id": text, "username": text},
        "request": {
            "url": f"https://x/{text}",
            "data": {"a": text},
            "headers": [["X", text]],
            "env": {"A": text},
        },
        "exception": {
            "values": [{"type": text, "value": text, "module": text, "stacktrace": {"frames": [frame]}}]
        },
        "threads": {"values": [{"name": text}]},
        "contexts": {
            "c": {"a": text},
            "os": {"name": text},
            "trace": {**trace, "op": text, "description": text, "data": {"a": text}},
        },
        "breadcrumbs": {"values": [{"message": text, "category": text, "data": {"a": text}}]},
        "spans": [{**trace, "op": text, "description": text, "data": {"a": text}, "tags": {"t": text}}],
    }


def paths_with(text: str, value: object, path: str = "") -> set[str]:
    """Where in `value` a text still holds `text`."""
    if isinstance(value, dict):
        items = [(str(key), item) for key, item in value.items() if key != "_meta"]
    elif isinstance(value, list):
        items = [("*", item) for item in value]
    else:
        return {path} if text in str(value) else set()
    return {found for key, item in items for found in paths_with(text, item, f"{path}.{key}".lstrip("."))}


OUT_OF_REACH = {
    "transaction", "logger", "fingerprint.*", "modules.m", "logentry.message", "contexts.os.name",
    "contexts.trace.op", "spans.*.op", "threads.values.*.name", "breadcrumbs.values.*.category",
    "exception.values.*.type", "exception.values.*.module",
    *(f"exception.values.*.stacktrace.frames.*.{name}"
      for name in ("function", "filename", "abs_path", "context_line", "pre_context.*")),
}  # fmt: skip


def test_what_relay_cannot_reach_is_what_the_remarks_say(scrubber: Scrubber) -> None:
    assert paths_with(KEY, scrubber.event(event_full_of(KEY))) == OUT_OF_REACH

    [remark] = [remark for remark in relay_config(POLICY).remarks if remark.startswith("Out of reach")]
    words = {path.split(".")[-1] for path in OUT_OF_REACH} - {"*", "m", "context_line"}
    assert {word for word in words if word not in remark} == set()


def test_the_python_filter_reaches_all_of_it(redactor: Redactor) -> None:
    assert paths_with(KEY, redactor.redact_value(event_full_of(KEY))) == set()


def test_relay_tells_which_rule_it_was(scrubber: Scrubber) -> None:
    meta = scrubber.event({"extra": {"a": f"x {KEY}"}})["_meta"]["extra"]["a"][""]

    assert meta["rem"] == [["sentry-filters-02-llm-1", "s", 2, 2 + len(REDACTED)]]


def test_a_policys_own_kinds_and_keys_are_among_the_rules() -> None:
    policy = Policy(
        provider="OpenHuman",
        secret_kinds=[{"name": "acme", "pattern": r"acme_(?:\d|\s){2}(([a-f]+)\b)", "literal": "acme_"}],
        secret_keys=["badge_number"],
        kept_keys=["session_secret", "it's"],
    )
    scrubber = Scrubber(policy)
    scrubber.validate()

    assert scrubber.text("x acme_12abcdef y") == f"x acme_12{REDACTED} y"
    assert scrubber.value("badgeNumber", "one") == REDACTED
    assert scrubber.value("session_secret", "one") == "one"
    assert scrubber.value("other_secret", "one") == REDACTED
    assert any(remark.startswith("kept_keys") for remark in relay_config(policy).remarks)


@pytest.mark.parametrize("pattern", [r"a\Cb", r"x[\D]y", r"[\xe2\x80]x", r"\Qab\E"])
def test_a_pattern_that_rust_cannot_say_is_left_out_and_named(pattern: str) -> None:
    policy = Policy(provider="OpenHuman", secret_kinds=[{"name": "odd", "pattern": pattern}])
    scrubber = Scrubber(policy)

    scrubber.validate()
    assert not any("odd" in name for name in scrubber.config["rules"])
    assert [remark for remark in relay_config(policy).remarks if remark.startswith("own-odd: left out")]


def test_relay_refuses_what_is_too_large_and_a_remark_says_how_to_see_it() -> None:
    policy = Policy(provider="OpenHuman", secret_kinds=[{"name": "huge", "pattern": r"x\pL{1000}"}])

    with pytest.raises(ValueError, match="size limit"):
        Scrubber(policy).validate()
    assert any("validate_pii_config" in remark for remark in relay_config(policy).remarks)


def test_relay_ignores_remarks_in_its_format_so_there_are_none(scrubber: Scrubber) -> None:
    scrubber.validate({**scrubber.config, "//": "a remark"})

    assert set(scrubber.config) == {"rules", "applications"}
