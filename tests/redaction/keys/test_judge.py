# ruff: noqa: SIM905 - words are read, and reviewed, as words

from __future__ import annotations

import pytest

from sentry_filters.redaction import REDACTED, Redactor

SECRET_KEYS = """
    password Password PASSWORD db_password dbPassword passwd user-passwd pgpassword MYSQL_PWD passphrase
    secret client_secret clientSecret CLIENT-SECRET app.secret secret_key SECRET_KEY_BASE webhook_secret
    api_key apiKey apikey API-KEY x-api-key X_API_KEY OPENAI_API_KEY stripeApiKey api_key_1 access_token
    accessToken auth_token id_token refresh-token bearer_token csrf_token github_token tokenSecret
    private_key privateKey access_key accessKey signing_key encryption_key master_key consumer_key
    credentials aws_credentials sessionid JSESSIONID jwt
    pAsSwOrD x-aPi-KeY AcCeSs-ToKeN cLiEnT_sEcReT DbPw
""".split()
HARMLESS_KEYS = """
    max_tokens maxTokens input_tokens gen_ai.usage.input_tokens gen_ai.request.max_tokens total_tokens
    token_count tokenizer token_type tokens completion_tokens cached_tokens prompt_tokens_details
    next_page_token public_key publicKey key_id access_key_id primary_key cache_key foreign_key sort_key
    idempotency_key redis.key password_file password_policy passwordLabel secret_name token_url
    token_expires_at api_key_id session_id author authority authentication_method monkey keyboard passenger
    compass path pattern secretary hotkey trace_id span_id model request_id tokenization password_changed_at
    mAx_ToKeNs
""".split()
VALUE = "Hunter2-Zq8vT1mB4xK7"
SHORT = VALUE[:12]


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_the_value_of_a_secret_key_goes(key: str, redactor: Redactor) -> None:
    assert redactor.redact_value({key: VALUE}) == {key: REDACTED}
    assert VALUE not in redactor.redact(f"{key}={VALUE}")
    assert SHORT not in redactor.redact(f"{key}={SHORT}")
    assert not redactor.is_clean(f'{{"{key}":"{VALUE}"}}')


@pytest.mark.parametrize("key", HARMLESS_KEYS)
def test_the_value_of_a_harmless_key_stays(key: str, redactor: Redactor) -> None:
    value = {key: VALUE}

    assert redactor.redact_value(value) is value
    assert redactor.redact(f"{key}={SHORT}") == f"{key}={SHORT}"  # a long one may be a service's key
    assert redactor.is_clean(f'{{"{key}":"{VALUE}"}}')


@pytest.mark.parametrize("key", ["key", "token", "session", "auth", "signature"])
def test_a_word_that_may_mean_anything_goes_by_its_value(key: str, redactor: Redactor) -> None:
    assert redactor.redact_value({key: VALUE}) == {key: REDACTED}
    for harmless in (
        "hello",
        " the",
        "user/profile",
        "2026-01-01T00:00:00Z",
    ):
        value = {key: harmless}
        assert redactor.redact_value(value) is value


@pytest.mark.parametrize(("key", "goes"), [("token", True), ("key", False), ("session", False)])
@pytest.mark.parametrize(
    "number", ["0af7651916cd43dd8448eb211c80319c", "12c00d26-e3bb-48c0-8c49-262155b57d64"]
)
def test_a_number_under_token_is_one(key: str, number: str, goes: bool, redactor: Redactor) -> None:
    assert redactor.redact_value({key: number}) == {key: REDACTED if goes else number}
    assert (number in redactor.redact(f"{{'{key}': '{number}'}}")) is not goes


@pytest.mark.parametrize(
    "value",
    [
        "",
        "${DB_PASSWORD}",
        "$DB_PASSWORD",
        "$(cat pw)",
        "{{ .Values.password }}",
        "{password}",
        "%(password)s",
        "<your password>",
        "None",
        "null",
        "'None'",
        "true",
        "[REDACTED]",
        "[WITHHELD]",
        "[Filtered]",
        "***",
        "xxxx",
        "env.PASSWORD",
        "os.environ['PW']",
        "vault://kv/pw",
        None,
        True,
        False,
        1.5,
        0,
        42,
    ],
)
def test_what_is_no_secret_stays_under_a_secret_key(value: object, redactor: Redactor) -> None:
    event = {"password": value}

    assert redactor.redact_value(event) is event


def test_a_number_is_a_password_but_never_a_token_count(redactor: Redactor) -> None:
    event = {"password": 12345678, "token": 12345678, "secret": 7}

    assert redactor.redact_value(event) == {"password": REDACTED, "token": 12345678, "secret": 7}


def test_keys_of_the_application_go_in_any_spelling() -> None:
    redactor = Redactor(keys=["tenant_seal"])

    for key in ("tenant_seal", "tenantSeal", "TENANT-SEAL", "tenant.seal"):
        assert redactor.redact_value({key: "abc"}) == {key: REDACTED}
        assert redactor.redact(f'{key}="abc"') == f'{key}="{REDACTED}"'
        assert not redactor.is_clean(f'{{"{key}":"abc"}}')


def test_kept_keys_stay() -> None:
    redactor = Redactor(kept_keys=["reset_token"])
    event = {"reset_token": VALUE}

    assert redactor.redact_value(event) is event
    assert redactor.redact_value({"reset_token2_secret": VALUE}) == {"reset_token2_secret": REDACTED}


def test_no_number_of_keys_fills_the_memory(redactor: Redactor) -> None:
    for number in range(10_000):
        redactor.redact_value({f"field_{'x' * (number % 7)}{chr(97 + number % 26)}_{number}_name": 1})

    assert len(redactor._judge.harmless._keys) <= 5000
    assert len(redactor._judge._memory) <= 5000


@pytest.mark.parametrize("version", ["0.11", "1.2.3", "2.0.0rc1", "26.9.1", "0.0.1.post2"])
@pytest.mark.parametrize("package", ["asgi-csrf", "access-token", "oauth-secret", "x-api-key"])
def test_the_release_of_a_package_stays_whatever_the_package_is_called(
    package: str, version: str, redactor: Redactor
) -> None:
    modules = {"modules": {"rich": "15.0.0", package: version}}

    assert redactor.redact_value(modules) is modules
    assert redactor.is_clean(f'{{"modules":{{"{package}":"{version}"}}}}')


@pytest.mark.parametrize("key", ["password", "db_password"])
def test_a_password_may_be_a_number_with_dots(key: str, redactor: Redactor) -> None:
    assert redactor.redact_value({key: "19.12.2001"}) == {key: REDACTED}
