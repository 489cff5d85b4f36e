from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from sentry_filters import DEFAULT_PATHS, Endpoint, Policy


def test_defaults_are_those_of_the_reference_failure() -> None:
    policy = Policy(provider="OpenHuman")

    assert policy.domain == "llm_provider"
    assert policy.statuses == (401, 403)
    assert set(policy.operations) == {
        "api_error",
        "chat",
        "chat_completions",
        "native_chat",
        "responses_api",
        "streaming_chat",
        "warmup",
    }
    assert policy.source == "llm_provider.openhuman_backend"


def test_policy_is_frozen_and_can_be_sent_to_another_process() -> None:
    policy = Policy(provider="OpenHuman", hosts={"api.example.ai"})

    with pytest.raises(FrozenInstanceError):
        policy.provider = "other"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(policy)) == policy
    assert hash(policy) == hash(Policy(provider="OpenHuman", hosts=["api.example.ai"]))


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("provider", "", "provider: invalid value ''"),
        ("provider", None, "provider: invalid value None"),
        ("hosts", "api.example.ai", "hosts: invalid value 'api.example.ai'"),
        ("hosts", {"https://api.example.ai"}, "hosts: invalid value 'https://api.example.ai'"),
        ("hosts", {"api.example.ai/v1"}, "hosts: invalid value 'api.example.ai/v1'"),
        ("hosts", {"user@api.example.ai"}, "hosts: invalid value 'user@api.example.ai'"),
        ("hosts", {"api.example.ai:port"}, "hosts: invalid value 'api.example.ai:port'"),
        ("statuses", [500], "statuses: invalid value 500"),
        ("statuses", ["401"], "statuses: invalid value '401'"),
        ("statuses", [], "statuses: invalid value []"),
        ("operations", [], "operations: invalid value []"),
        ("operations", "chat", "operations: invalid value 'chat'"),
        ("paths", {"embeddings": "embeddings"}, "paths: invalid value 'embeddings'"),
        ("paths", {"/embeddings": ""}, "paths['/embeddings']: invalid value ''"),
        ("not_session_codes", [401], "not_session_codes: invalid value 401"),
        ("paths", {":": "x"}, "paths: invalid value ':'"),
        ("publish_on", "words", "publish_on: invalid value 'words'"),
        ("scope", "thread", "scope: invalid value 'thread'"),
        ("renewal_grace", -1, "renewal_grace: invalid value -1"),
        ("healing_window", -1, "healing_window: invalid value -1"),
        ("renewal_grace", float("nan"), "renewal_grace: invalid value nan"),
        ("span_action", "hide", "span_action: invalid value 'hide'"),
        ("refuse_expired", "yes", "refuse_expired: invalid value 'yes'; expected true or false"),
        ("sentry_signal", "mail", "sentry_signal: invalid value 'mail'"),
        ("secret_keys", [""], "secret_keys: invalid value ''"),
        ("secret_kinds", ["mine"], "secret_kinds: invalid value 'mine'"),
        ("mode", "dry", "mode: invalid value 'dry'"),
        ("redact_content", "yes", "redact_content: invalid value 'yes'"),
    ],
)
def test_an_invalid_value_raises_an_error_that_names_it(field: str, value: object, named: str) -> None:
    values: dict[str, Any] = {"provider": "OpenHuman", field: value}

    with pytest.raises(ValueError, match="expected ") as error:
        Policy(**values)

    assert str(error.value).startswith(named)


def test_toml_table_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(
        """
        [tool.sentry_filters]
        provider = "OpenHuman"
        hosts = ["API.example.ai.", "localhost:8080"]
        statuses = [401]
        paths = {"/turn" = "chat", "/embeddings" = false}
        renewal_grace = 5
        mode = "shadow"
        """
    )

    policy = Policy.from_toml(path)

    assert policy.endpoints == {Endpoint("api.example.ai"), Endpoint("localhost", 8080)}
    assert (policy.statuses, policy.renewal_grace, policy.mode) == ((401,), 5.0, "shadow")
    assert policy.paths == {**DEFAULT_PATHS, "/turn": "chat", "/embeddings": None}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.other]\n", "expected a table [tool.sentry_filters]"),
        ("[tool.sentry_filters]\n", "provider: invalid value None"),
        ('[tool.sentry_filters]\nprovider = "x"\nprovidr = "y"\n', "providr: unknown key"),
        ("[tool\n", "not a TOML file"),
    ],
)
def test_toml_error_names_file_and_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(text)

    with pytest.raises(ValueError, match="broken.toml") as error:
        Policy.from_toml(path)

    assert message in str(error.value)


def test_environment_is_read() -> None:
    policy = Policy.from_env(
        {
            "SENTRY_FILTERS_PROVIDER": "OpenHuman",
            "SENTRY_FILTERS_HOSTS": "api.example.ai, localhost:8080",
            "SENTRY_FILTERS_STATUSES": "401",
            "SENTRY_FILTERS_PATHS": "/v2/turn=chat, /embeddings=",
            "SENTRY_FILTERS_NOT_SESSION_CODES": "",
            "SENTRY_FILTERS_RENEWAL_GRACE": "2.5",
            "SENTRY_FILTERS_REDACT_CONTENT": "true",
            "SENTRY_FILTERS_SENTRY_SIGNAL": "event",
            "SENTRY_FILTERS_MODE": "shadow",
            "SENTRY_FILTERS_KEY": "for another part of the package",
            "PATH": "/usr/bin",
        }
    )

    assert policy.endpoints == {Endpoint("api.example.ai"), Endpoint("localhost", 8080)}
    assert (policy.statuses, policy.not_session_codes) == ((401,), ())
    assert policy.paths == {**DEFAULT_PATHS, "/v2/turn": "chat", "/embeddings": None}
    assert (policy.renewal_grace, policy.redact_content, policy.sentry_signal) == (2.5, True, "event")
    assert policy.mode == "shadow"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SENTRY_FILTERS_PROVIDR", "x"),
        ("SENTRY_FILTERS_STATUSES", "401,teapot"),
        ("SENTRY_FILTERS_STATUSES", "500"),
        ("SENTRY_FILTERS_PATHS", "/v2/turn"),
        ("SENTRY_FILTERS_RENEWAL_GRACE", "soon"),
        ("SENTRY_FILTERS_REDACT_CONTENT", "maybe"),
        ("SENTRY_FILTERS_SECRET_KINDS", "mine"),
        ("SENTRY_FILTERS_SCOPE", "thread"),
    ],
)
def test_environment_error_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: .*expected "):
        Policy.from_env({"SENTRY_FILTERS_PROVIDER": "OpenHuman", name: value})


def test_environment_without_provider_is_an_error() -> None:
    with pytest.raises(ValueError, match="^SENTRY_FILTERS_PROVIDER: invalid value None"):
        Policy.from_env({})


@pytest.mark.parametrize("number", [10**400, -(10**5_000)], ids=["no float", "no repr"])
def test_a_number_beyond_all_bounds_is_named_like_any_other_invalid_value(number: int) -> None:
    with pytest.raises(ValueError, match=r"^renewal_grace: .*expected "):
        Policy(provider="OpenHuman", renewal_grace=number)


@pytest.mark.parametrize(
    "value",
    ["1" * 5_000, "[" * 5_000, "{a=" * 5_000],
    ids=["digits", "lists without end", "tables without end"],
)
def test_toml_that_cannot_be_read_names_the_file(tmp_path: Path, value: str) -> None:
    path = tmp_path / "endless.toml"
    path.write_text(f"[tool.sentry_filters]\nprovider = {value}\n")

    with pytest.raises(ValueError, match=r"endless.toml: not a TOML file"):
        Policy.from_toml(path)


def test_a_status_of_thousands_of_digits_names_the_variable() -> None:
    with pytest.raises(ValueError, match=r"^SENTRY_FILTERS_STATUSES: .*expected "):
        Policy.from_env({"SENTRY_FILTERS_PROVIDER": "OpenHuman", "SENTRY_FILTERS_STATUSES": "4" * 5_000})


@pytest.mark.parametrize("paths", [{"/z": "short", "/a/z": "long"}, {"/a/z": "long", "/z": "short"}])
def test_the_longest_of_its_own_paths_names_the_operation(paths: dict[str, str]) -> None:
    policy = Policy(provider="OpenHuman", paths=paths)

    assert policy.operation_of_path("/v1/a/z") == "long"
    assert policy.operation_of_path("/v1/b/z") == "short"
    assert policy.operation_of_path("/v1/a") is None
    assert policy.operation_of_path(None) is None


def test_without_variables_it_is_read_from_the_processs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTRY_FILTERS_PROVIDER", "FromTheEnvironment")

    assert Policy.from_env().provider == "FromTheEnvironment"
    assert Policy.from_env({"SENTRY_FILTERS_PROVIDER": "Given"}).provider == "Given"
