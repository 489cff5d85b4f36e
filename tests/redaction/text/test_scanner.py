"""The spellings in which text writes a secret: what goes, and what stays around it."""

from __future__ import annotations

import base64
import json

import pytest

from sentry_filters.redaction import REDACTED, Redactor

S = "Hunter2-Zq8vT1mB4xK7"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"password={S}", f"password={REDACTED}", id="env"),
        pytest.param(f"export DB_PASSWORD='{S}'", f"export DB_PASSWORD='{REDACTED}'", id="shell"),
        pytest.param(f"api_key: {S} # note", f"api_key: {REDACTED} # note", id="yaml"),
        pytest.param(f"api_key: |\n    {S}\n", f"api_key: |\n    {REDACTED}\n", id="yaml-block"),
        pytest.param(f'{{"apiKey": "{S}", "n": 1}}', f'{{"apiKey": "{REDACTED}", "n": 1}}', id="json"),
        pytest.param(f"{{'api_key': '{S}'}}", f"{{'api_key': '{REDACTED}'}}", id="repr"),
        pytest.param(f"{{'api_key': b'{S}'}}", f"{{'api_key': b'{REDACTED}'}}", id="repr-bytes"),
        pytest.param(f"Config(api_key='{S}', n=1)", f"Config(api_key='{REDACTED}', n=1)", id="dataclass"),
        pytest.param(f':secret => "{S}"', f':secret => "{REDACTED}"', id="ruby"),
        pytest.param(f'secret := "{S}"', f'secret := "{REDACTED}"', id="go"),
        pytest.param(f"<apiToken>\n  {S}\n</apiToken>", f"<apiToken>\n  {REDACTED}</apiToken>", id="xml"),
        pytest.param(
            f'<add key="DbPassword" value="{S}"/>', f'<add key="DbPassword" value="{REDACTED}"/>', id="attr"
        ),
        pytest.param(f"?a=1&api_key={S}&b=2", f"?a=1&api_key={REDACTED}&b=2", id="query"),
        pytest.param(f"a=1&key={S}", f"a=1&key={REDACTED}", id="form"),
        pytest.param(f"login --token {S} now", f"login --token {REDACTED} now", id="option"),
        pytest.param(f'get("API_TOKEN", "{S}")', f'get("API_TOKEN", "{REDACTED}")', id="argument"),
        pytest.param(f"X-Api-Key: {S}", f"X-Api-Key: {REDACTED}", id="header"),
        pytest.param(f"Authorization: Bearer {S}", f"Authorization: Bearer {REDACTED}", id="bearer"),
        pytest.param(f"Authorization: Token {S}", f"Authorization: Token {REDACTED}", id="scheme"),
        pytest.param(f"Authorization: {S}", f"Authorization: {REDACTED}", id="no-scheme"),
        pytest.param(f"Cookie: a={S}; b=two", f"Cookie: a={REDACTED}; b={REDACTED}", id="cookie"),
        pytest.param(f"Set-Cookie: a={S}; path=/", f"Set-Cookie: a={REDACTED}; path=/", id="set-cookie"),
        pytest.param(f"postgres://bob:{S}@db:5432/x", f"postgres://{REDACTED}@db:5432/x", id="url"),
        pytest.param(
            f"curl -u bob:{S} https://x.example", f"curl -u {REDACTED} https://x.example", id="curl"
        ),
        pytest.param(
            f"Server=x;Password={S};Pooling=1", f"Server=x;Password={REDACTED};Pooling=1", id="connection"
        ),
        pytest.param(f'password="{S} with blanks"', f'password="{REDACTED}"', id="blanks"),
        pytest.param(
            f"os.environ['API_KEY'] = '{S}'", f"os.environ['API_KEY'] = '{REDACTED}'", id="subscript"
        ),
        pytest.param(f"user\npassword={S}\nrest", f"user\npassword={REDACTED}\nrest", id="lines"),
        pytest.param(f"api_key%3D{S}%26b", f"api_key%3D{REDACTED}%26b", id="encoded"),
    ],
)
def test_the_secret_goes_and_the_rest_stays(text: str, expected: str, redactor: Redactor) -> None:
    assert redactor.redact(text) == expected
    assert not redactor.is_clean(json.dumps([text]))


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_json_in_json_keeps_its_form(depth: int, redactor: Redactor) -> None:
    text, clean = json.dumps({"api_key": S, "n": 1}), json.dumps({"api_key": REDACTED, "n": 1})
    for _ in range(depth):
        text, clean = json.dumps({"body": text}), json.dumps({"body": clean})

    assert redactor.redact(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "Token usage: 1234 input tokens, max_tokens=500",
        "password: required",
        "The password is wrong",
        "Password: The one you chose",
        "no api key given",
        "api_key=settings.API_KEY,",
        "token = get_token(user)",
        "password=password",
        "self.api_key = api_key",
        "def login(user='', password=''):",
        'passwordLabel:"Password:",next:"x"',
        "token: Optional[str] = None",
        "secret: bool",
        "key = value",
        "cache_key=user:1:profile",
        "https://example.com:8080/a?b=c@d",
        "mailto:bob@example.com",
        "git@github.com:org/repo.git",
        "https://49d0f7386ad645858ae85020e393bef3@o1.ingest.sentry.io/1",
        "sentry-public_key=49d0f7386ad645858ae85020e393bef3",
        "0af7651916cd43dd8448eb211c80319c",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "12c00d26-e3bb-48c0-8c49-262155b57d64",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "gpt-4o-mini-2024-07-18",
        "claude-3-opus-20240229",
        "chatcmpl-DPTC1rHeUCQ57Mrv1HvWByfPXivn9",
        "postgres://${USER}:${PASSWORD}@db/x",
        "mysql://user:***@db/x",
        "Authorization: Bearer ${TOKEN}",
        "Authorization failed for user bob",
        "docker run -u 1000:1000 image",
        "Bearer authentication is required",
        "task-management-pipeline-for-everything",
        "risk-assessment-of-the-quarter",
        "sk-learn-pipelines",
        '{"logprobs": [{"token": " international", "logprob": -0.3}]}',
    ],
)
def test_what_only_looks_alike_stays(text: str, redactor: Redactor) -> None:
    assert redactor.redact(text) is text
    assert redactor.is_clean(json.dumps({"message": text}, separators=(",", ":")))


@pytest.mark.parametrize("mark", ["", "...", "…"])
@pytest.mark.parametrize("prefix", ["sk-proj-", "ghp_", "xoxb-"])
def test_a_secret_cut_in_two_goes_to_its_cut(prefix: str, mark: str, redactor: Redactor) -> None:
    cut = f"the key was {prefix}Zq8vT1m{mark}"

    assert "Zq8vT1m" not in redactor.redact(cut)
    assert not redactor.is_clean(json.dumps([cut]))


def test_basic_credentials_go(redactor: Redactor) -> None:
    encoded = base64.b64encode(b"bob:hunter2-long").decode()

    assert encoded not in redactor.redact(f"sent Basic {encoded} to the proxy")


def test_bytes_are_redacted_as_bytes(redactor: Redactor) -> None:
    assert redactor.redact_bytes(b"\xff\xfe\0password=" + S.encode() + b"\0\xff") == (
        b"\xff\xfe\0password=" + REDACTED.encode() + b"\0\xff"
    )
    binary = bytes(range(256))
    assert redactor.redact_bytes(binary) is binary


def test_a_multi_line_key_goes_whole(redactor: Redactor) -> None:
    body = "\n".join("Zq8vT1mB4xK7pL2wN9sRaHcJdFeG3yU5iO0b" for _ in range(20))
    kind = "EC PRIVATE KEY"

    for text in (f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----", f"-----BEGIN {kind}-----\n{body}"):
        for form in (text, json.dumps(text), repr(text), text.replace("\n", "\n    ")):
            assert "Zq8v" not in redactor.redact(form)
