"""Secrets of services that nobody has listed: what goes by the words around it, and its harmless twin."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentry_filters.redaction import REDACTED, Kind, Redactor
from sentry_filters.redaction.keys.words import PUBLIC_PREFIXES
from sentry_filters.redaction.text.generated import Form, form_of, is_compound, own_form, surprise

S = "k9XwQ2mZ7vRt4LbN8cJh" + "D3fYp6Gs"  # random characters, of no known form
LOWER = "q7xk2mz9vrt4lbn8cjhd" + "3fyp6gsw"
HEX = "0f3a9c5e7b1d2f4a6c8e" + "0b2d4f6a8c0e"
ID = "12c00d26-e3bb-48c0-8c49-262155b57d64"


# A line in which {} goes, and one in which it stays.
TWINS = [
    ("acme secret {} expired", "acme commit {} expired"),
    ("using acme token {}", "using token cache {}"),
    ("calling acme with api key {} failed", "calling acme with cache key {} failed"),
    ("token - {}", "build - {}"),
    ("the access token is {}", "the next page token is {}"),
    ("Retrying with credentials ({})", "Retrying request ({})"),
    ("the key you gave ({}) is unknown", "the cache key ({}) is unknown"),
    ("get_acme_token() returned '{}'", "get_next_page_token() returned '{}'"),
    (
        "request headers map[X-Auth-Token:[{}] Accept:[*/*]]",
        "request headers map[X-Request-Id:[{}] Accept:[*/*]]",
    ),
    ("401 Unauthorized: {}", "404 Not Found: {}"),
    ("could not log in with {}", "could not continue with {}"),
    ("acme: {}", "request_id: {}"),
    ('{{"acme": "{}"}}', '{{"cursor": "{}"}}'),
    ("Acme('{}')", "Session(id='{}')"),
    ("['acmekey-{}']", "['item_{}']"),
    ("call('acme_live_{}', 1)", "call('chatcmpl-{}', 1)"),
    ("https://example.org/reset-password/{}", "https://example.org/articles/{}"),
    ("https://example.org/magic-link?t={}", "https://example.org/articles?page_token={}"),
    ("{}.{}", "{}.min.js"),
]


@pytest.mark.parametrize(("goes", "stays"), TWINS)
@pytest.mark.parametrize("value", [S, LOWER])
def test_a_secret_goes_and_its_twin_stays(value: str, goes: str, stays: str, redactor: Redactor) -> None:
    secret, harmless = goes.replace("{}", value), stays.replace("{}", value)
    if "{{" in goes:
        secret, harmless = goes.format(value), stays.format(value)

    assert value not in redactor.redact(secret)
    assert redactor.redact(harmless) == harmless
    assert not redactor.is_clean(json.dumps({"message": secret}))
    assert redactor.is_clean(json.dumps({"message": harmless}))
    assert redactor.redact_value({"message": harmless}) == {"message": harmless}


@pytest.mark.parametrize("number", [HEX, ID])
@pytest.mark.parametrize(
    ("goes", "stays"),
    [
        ("acme secret {}", "acme commit {}"),
        ("acme api key {} is wrong", "acme cache key {} is wrong"),
        ("API key: {}", "trace: {}"),
        ("'token': '{}'", "'trace_id': '{}'"),
        ("AES key: {}", "primary key: {}"),
        ("credentials ({})", "digest ({})"),
    ],
)
def test_a_number_goes_where_a_word_says_so(number: str, goes: str, stays: str, redactor: Redactor) -> None:
    assert number not in redactor.redact(goes.format(number))
    assert redactor.redact(stays.format(number)) == stays.format(number)


HARMLESS = f"""
    user_{S[:24]} not authorized
    POST /v1/threads/thread_{S[:24]}/messages 401
    gpt-4o-mini-2024-07-18 claude-sonnet-4-5-20250929 text-embedding-3-small
    File "/srv/app/releases/20261127/handlers/message_stream_v2.py", line 12, in handle_stream_2
    worker-7c9d8b6f5-x2x4z registry.example.org/app/web@sha256:{HEX}{HEX}
    ETag: W/"{HEX}" cf-ray: 8f3a9c5e7b1d2f4a-FRA x-amz-request-id: D3MWXOX40FBGHXF9
    integrity: sha512-{S}{S}{S}== checksum={HEX}
    Token usage of {S[:20]} was not recorded
    token authentication is required, token bucket size is 4096
    OutOfMemoryError in BetaManagedAgentsBase64DocumentSource.from_http2_request
    secret scanning found nothing in refs/heads/feature-2026-11-27
    "thoughtSignature": "{S}{S}{S}{S}"
    auth=%5BFiltered%5D&color=red https://REDACTED:REDACTED@example.org/ https://%s:%s@example.org/
    PWD=/home/app/releases/20261127 password_min=8 password: 42
    api_key: your-api-key
    secret: app.settings.secret_key
    token=$HOME/.acme/token
"""


@pytest.mark.parametrize("line", [line.strip() for line in HARMLESS.splitlines() if line.strip()])
def test_ordinary_lines_stay(line: str, redactor: Redactor) -> None:
    assert redactor.redact(line) == line


def test_what_goes_is_named_and_placed(redactor: Redactor) -> None:
    found = redactor.scrub({"a": f"acme secret {S} expired"})

    assert found.value == {"a": f"acme secret {REDACTED} expired"}
    assert [(each.kind, each.path) for each in found.findings] == [("announced", ("a",))]


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (S, Form.RANDOM),
        (LOWER, Form.RANDOM),
        (S.upper(), Form.RANDOM),
        (HEX, Form.NUMBER),
        (ID, Form.NUMBER),
        ("PackedFloat32Array", Form.ORDINARY),
        ("test_streaming_response_v2_with_tools", Form.ORDINARY),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", Form.ORDINARY),
        ("worker-7c9d8b6f5-deployment", Form.ORDINARY),
        ("2026-11-27T10:00:00.000000Z", Form.ORDINARY),
    ],
)
def test_the_judge(value: str, form: Form) -> None:
    assert form_of(value.encode()) is form


def test_forms_of_their_own() -> None:
    form = own_form(b"acmekey-" + S.encode())

    assert form is not None
    assert (form.prefix, form.tail, form.says_key) == (("acmekey",), S.encode(), True)
    assert own_form(b"some-words-and-more-words") is None
    assert is_compound(f"{S}.{S}".encode())
    assert not is_compound(f"{S}.example.org".encode())
    assert surprise(b"") == surprise(b"a") == 0


_words = st.sampled_from(
    [
        *(
            "secret",
            "token",
            "api key",
            "401",
            "acme",
            "=",
            ": ",
            " ",
            "-",
            "(",
            "'",
            '"',
            "\n",
            "\\n",
            "/",
            "user_",
        ),
        *(
            "$",
            "{",
            "%",
            "id",
            "[REDACTED]",
            "key_",
            ".",
            "\\u00e9",
            "é",
            S,
            LOWER,
            HEX,
            ID,
            S[:17],
            "sk-",
            "Bearer ",
        ),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_words, max_size=14).map("".join))
def test_a_second_pass_changes_nothing_and_nothing_grows(text: str) -> None:
    once = _REDACTOR.redact(text)

    assert _REDACTOR.redact(once) is once
    assert len(once) <= len(text) + len(REDACTED) * once.count(REDACTED)
    value = {"a": text}
    if _REDACTOR.is_clean(json.dumps(value)):
        assert _REDACTOR.redact_value(value) is value


_PUBLIC = st.sampled_from(sorted(PUBLIC_PREFIXES - {"sk"}))
_TAILS = st.text(alphabet=string.ascii_letters + string.digits + "_-", min_size=1, max_size=48)


@settings(max_examples=400, deadline=None)
@given(_PUBLIC, st.sampled_from("_-"), _TAILS)
def test_what_is_an_id_and_nothing_else_is_judged_as_any_text(prefix: str, joint: str, tail: str) -> None:
    text = f"{prefix}{joint}{tail}"

    clean = _REDACTOR.redact(text) is text

    assert _REDACTOR.are_clean_texts([text]) is clean
    assert _REDACTOR.are_clean_texts(["beside", text, "password=", text]) <= clean


def test_an_id_that_is_a_credential_or_of_a_form_of_its_own_goes() -> None:
    kind = Kind.from_mapping({"name": "ours", "pattern": "req_[0-9]{6}"})
    redactor = Redactor(kinds=[kind])
    assert redactor.are_clean_texts(["req_abc", "chatcmpl-123", "beside"])
    assert not redactor.are_clean_texts(["req_abc", "req_123456", "beside"])

    redactor.register("chatcmpl-" + S)

    assert not redactor.are_clean_texts(["req_abc", f"chatcmpl-{S}", "beside"])


_REDACTOR = Redactor()
