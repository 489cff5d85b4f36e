"""What a policy says about a value that it cannot have, word by word: place, value, and what is expected."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from sentry_filters import Policy

HOSTS = '"host" or "host:port"'
BARE = "only a host or host:port, without scheme, path or user"
BACKENDS = "[tool.sentry_filters] backends:"
TABLES = "tables [[tool.sentry_filters.backends]]"
SUFFIX = 'a path suffix such as "/chat/completions" or ":generateContent"'
TEXT = "a text that is not empty"
SECONDS = "a number of seconds, 0 or more"


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("field", "value", "shown", "expected"),
    [
        ("domain", " ", "' '", TEXT),
        ("domain", 7, "7", TEXT),
        ("domain", Unprintable(), "a value of type Unprintable", TEXT),
        ("hosts", "a.example", "'a.example'", f"a set of {HOSTS}"),
        ("hosts", ["https://a"], "'https://a'", f"{HOSTS} ({BARE})"),
        ("hosts", ["u:pw@a"], "'u:…@a'", f"{HOSTS} ({BARE})"),
        ("hosts", [7], "7", f"{HOSTS} (hosts: invalid value 7; expected {TEXT})"),
        ("statuses", 401, "401", "a list of 401 or 403"),
        ("statuses", [500], "500", "401 or 403"),
        ("statuses", [True], "True", "401 or 403"),
        ("statuses", [], "[]", "at least one of 401 or 403"),
        ("operations", "chat", "'chat'", "a list of texts"),
        ("operations", [], "[]", "at least one operation"),
        ("operations", ["x", ""], "''", TEXT),
        ("paths", ["/x"], "['/x']", "a mapping of path suffix to operation"),
        ("paths", {"x": "chat"}, "'x'", SUFFIX),
        ("paths", {7: "chat"}, "7", SUFFIX),
        ("not_session_codes", b"x", "b'x'", "a list of texts"),
        ("scope", "all", "'all'", "'process' or 'session'"),
        ("publish_on", None, "None", "'statement' or 'confirmed'"),
        ("sentry_signal", "x", "'x'", "'log' or 'event' or 'none'"),
        ("mode", "x", "'x'", "'enforce' or 'shadow'"),
        ("renewal_grace", -1, "-1", SECONDS),
        ("renewal_grace", True, "True", SECONDS),
        ("healing_window", math.inf, "inf", SECONDS),
        ("healing_window", math.nan, "nan", SECONDS),
        ("healing_window", "1", "'1'", SECONDS),
        ("secret_kinds", "x", "'x'", "a list of mappings with a kind's fields"),
        ("secret_kinds", ["x"], "'x'", "a mapping with a kind's fields"),
        ("redact_content", 1, "1", "true or false"),
        ("domain", ["x" * 996], repr(["x" * 996]), TEXT),
        ("domain", ["x" * 997], f"['{'x' * 997}'…", TEXT),
    ],
)  # fmt: skip
def test_a_field_says_what_it_can_be(field: str, value: object, shown: str, expected: str) -> None:
    values: dict[str, Any] = {"provider": "OpenHuman", field: value}

    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole message is compared
        Policy(**values)

    assert str(error.value) == f"{field}: invalid value {shown}; expected {expected}"


def test_an_operation_says_whose_path_it_is() -> None:
    with pytest.raises(ValueError, match=rf"^paths\['/x'\]: invalid value ''; expected {TEXT}$"):
        Policy(provider="OpenHuman", paths={"/x": ""})


def test_kinds_are_copied_and_paths_may_be_taken_out() -> None:
    kind = {"name": "x", "pattern": "y", "literal": "z"}
    policy = Policy(provider="OpenHuman", secret_kinds=[kind], paths={"/x": None, "/y": "chat"})

    assert policy.secret_kinds == (kind,)
    assert policy.secret_kinds[0] is not kind
    assert policy.healing_window == Policy(provider="x", healing_window=0).healing_window


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "SECRET_KINDS",
            "x",
            "invalid value 'x'; expected kinds in a TOML file; a variable cannot hold them",
        ),
        ("PATHS", "/x=chat,/y", "invalid value '/x=chat,/y'; expected suffix=operation, separated by commas"),
        ("STATUSES", "401, 4010", "invalid value '4010'; expected 401 or 403"),
        ("STATUSES", "500", "invalid value 500; expected 401 or 403"),
        ("RENEWAL_GRACE", "soon", f"invalid value 'soon'; expected {SECONDS}"),
        ("REFUSE_EXPIRED", "maybe", "invalid value 'maybe'; expected true or false"),
    ],
)
def test_a_variable_says_what_it_can_be(name: str, text: str, message: str) -> None:
    name = f"SENTRY_FILTERS_{name}"

    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole message is compared
        Policy.from_env({"SENTRY_FILTERS_PROVIDER": "OpenHuman", name: text})

    assert str(error.value) == f"{name}: {message}"


@pytest.mark.parametrize(
    ("text", "expected"), [("true", True), (" TRUE ", True), ("1", True), ("false", False), ("0", False)]
)
def test_a_variable_may_be_a_flag(text: str, expected: bool) -> None:
    environ = {"SENTRY_FILTERS_PROVIDER": "x", "SENTRY_FILTERS_REFUSE_EXPIRED": text}

    assert Policy.from_env(environ).refuse_expired is expected


def test_an_operation_may_have_an_equals_sign() -> None:
    policy = Policy.from_env({"SENTRY_FILTERS_PROVIDER": "x", "SENTRY_FILTERS_PATHS": "/y=a=b=c"})

    assert policy.operation_of_path("/y") == "a=b=c"


def test_a_missing_provider_and_an_unknown_key_are_named() -> None:
    with pytest.raises(ValueError, match=f"^SENTRY_FILTERS_PROVIDER: invalid value None; expected {TEXT}$"):
        Policy.from_env({})
    with pytest.raises(
        ValueError, match="^SENTRY_FILTERS_X: unknown key; expected one of provider, hosts, domain, "
    ):
        Policy.from_env({"SENTRY_FILTERS_PROVIDER": "x", "SENTRY_FILTERS_X": "1"})


FILE = """
[tool.sentry_filters]
domain = "outer"
mode = "{mode}"
[[tool.sentry_filters.backends]]
provider = "One"
[[tool.sentry_filters.backends]]
provider = "Two"
domain = "inner"
scope = "{scope}"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "file.toml"
    path.write_text(text, "utf-8")
    return path


def test_each_backend_has_its_own_values_and_those_of_the_table_above(tmp_path: Path) -> None:
    one, two = Policy.all_from_toml(written(tmp_path, FILE.format(mode="shadow", scope="session")))

    assert (one.provider, one.domain, one.mode, one.scope) == ("One", "outer", "shadow", "process")
    assert (two.provider, two.domain, two.mode, two.scope) == ("Two", "inner", "shadow", "session")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            FILE.format(mode="x", scope="session"),
            "[tool.sentry_filters] mode: invalid value 'x'; expected 'enforce' or 'shadow'",
        ),
        (
            FILE.format(mode="shadow", scope="x"),
            "[[tool.sentry_filters.backends]] 2 scope: invalid value 'x'; expected 'process' or 'session'",
        ),
        (
            "[tool.sentry_filters]\nbackends = []",
            f"{BACKENDS} invalid value []; expected {TABLES}",
        ),
        (
            "[tool.sentry_filters]\nbackends = [7]",
            f"{BACKENDS} invalid value [7]; expected {TABLES}",
        ),
        (
            "[tool.sentry_filters]\nbackends = 7",
            f"{BACKENDS} invalid value 7; expected {TABLES}",
        ),
        ("[tool.sentry_filters]\n", f"[tool.sentry_filters] provider: invalid value None; expected {TEXT}"),
    ],
)  # fmt: skip
def test_a_file_names_the_table_of_what_is_wrong(text: str, message: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)

    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole message is compared
        Policy.all_from_toml(path)

    assert str(error.value) == f"{path}: {message}"


@pytest.mark.parametrize("text", ["[tool]\nsentry_filters = 7", "tool = 7", ""])
def test_a_file_without_the_table_says_so(text: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)

    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole message is compared
        Policy.from_toml(path)

    assert str(error.value) == f"invalid {path}; expected a table [tool.sentry_filters]"


def test_a_file_that_is_not_toml_says_so_and_is_read_as_utf_8(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"not a TOML file \(.+\); expected a table \[tool\.sentry_filters\]$"
    ):
        Policy.from_toml(written(tmp_path, "x"))
    assert (
        Policy.from_toml(written(tmp_path, '[tool.sentry_filters]\nprovider = "Bücher"')).provider == "Bücher"
    )
