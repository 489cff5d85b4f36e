"""`export collector`: YAML that parses, expressions that Go takes, secrets that go in both."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from sentry_filters import Policy
from sentry_filters.redaction import REDACTED, Redactor
from sentry_filters.redaction.catalogue import CATALOGUE
from sentry_filters.targets import collector_config
from tests.support.kinds import near_miss_of, secret_of
from tests.targets.collector.ottl_reading import compiled
from tests.targets.conftest import POLICY
from tests.targets.go_regexp import GoRegexp, PatternError
from tests.targets.test_relay import HARMLESS_KEYS, SECRET_KEYS

S = "Hunter2-Zq8vT1mB4xK7"
BEFORE = ("", "text ", "line\n", "é", '"', "=")
_STATEMENT = re.compile(
    r'replace_pattern\((?P<path>[\w.]+), (?P<pattern>"(?:[^"\\]|\\.)*"), (?P<by>"(?:[^"\\]|\\.)*")\)'
    r"(?P<condition> where IsString\([\w.]+\))?"
)


def read(policy: Policy) -> dict[str, Any]:
    """The configuration as a Collector reads it: `$$` is a dollar, and nothing else is expanded."""
    text = collector_config(policy).text
    uncommented = re.sub(r"(?m)^\s*#.*$", "", text)
    assert not re.search(r"(?<!\$)(?:\$\$)*\$(?!\$)", uncommented), "a dollar that a Collector would expand"
    loaded: dict[str, Any] = yaml.safe_load(uncommented.replace("$$", "$"))
    return loaded


@pytest.fixture(scope="module")
def processors() -> dict[str, Any]:
    found: dict[str, Any] = read(POLICY)["processors"]
    return found


def statements(processors: dict[str, Any], signal: str) -> list[re.Match[str]]:
    groups = processors["transform/redact"][f"{signal}_statements"]
    found = [_STATEMENT.fullmatch(statement) for group in groups for statement in group["statements"]]
    assert None not in found
    return [match for match in found if match is not None]


def test_every_pipeline_names_processors_that_are_there() -> None:
    config = read(POLICY)

    for pipeline in config["service"]["pipelines"].values():
        assert set(pipeline["processors"]) <= set(config["processors"])
        assert pipeline["processors"][-1] == "redaction/secrets", "after the filter, which needs the texts"


@pytest.mark.parametrize(
    ("policy", "filtered"),
    [
        pytest.param(Policy(provider="A"), {"traces", "logs"}, id="statements"),
        pytest.param(Policy(provider="A", span_action="demote"), {"logs"}, id="no span is dropped"),
        pytest.param(
            Policy(provider="A", hosts={"a.example"}, not_session_codes=(), publish_on="confirmed"),
            {"traces"},
            id="facts only",
        ),
        pytest.param(Policy(provider="A", scope="session"), set(), id="nothing is dropped"),
    ],
)
def test_the_filter_is_where_something_is_dropped(policy: Policy, filtered: set[str]) -> None:
    config = read(policy)
    named = {
        signal
        for signal, pipeline in config["service"]["pipelines"].items()
        if "filter/session_expired" in pipeline["processors"]
    }

    assert named == filtered
    assert set(config["processors"].get("filter/session_expired", ())) - {"error_mode"} == filtered


def test_the_settings_are_the_documented_ones(processors: dict[str, Any]) -> None:
    assert set(processors["filter/session_expired"]) == {"error_mode", "traces", "logs"}
    assert set(processors["transform/redact"]) == {"error_mode", "trace_statements", "log_statements"}
    assert set(processors["redaction/secrets"]) == {
        "allow_all_keys", "redact_all_types", "summary", "blocked_key_patterns", "blocked_values",
    }  # fmt: skip
    assert processors["redaction/secrets"]["allow_all_keys"] is True, "or every attribute would be removed"


def test_names_texts_and_bodies_are_rewritten(processors: dict[str, Any]) -> None:
    paths = [{match["path"] for match in statements(processors, signal)} for signal in ("trace", "log")]

    assert paths == [{"span.name", "span.status.message", "spanevent.name"}, {"log.body"}]
    assert all(
        (match["path"] == "log.body") == bool(match["condition"]) for match in statements(processors, "log")
    )


def test_a_group_of_statements_speaks_of_its_own_context_only(processors: dict[str, Any]) -> None:
    """One group of two contexts would run for the narrower: not for spans that have no events."""
    config = processors["transform/redact"]
    for group in (*config["trace_statements"], *config["log_statements"]):
        assert set(group) == {"context", "statements"}
        for statement in group["statements"]:
            assert statement.startswith(f"replace_pattern({group['context']}.")


def test_every_expression_compiles(processors: dict[str, Any]) -> None:
    redaction = processors["redaction/secrets"]
    patterns = [
        json.loads(match["pattern"])
        for signal in ("trace", "log")
        for match in statements(processors, signal)
    ]

    assert set(patterns) == set(redaction["blocked_values"])
    for pattern in {*patterns, *redaction["blocked_key_patterns"]}:
        compiled(pattern)


@pytest.mark.integration
def test_go_removes_what_the_python_filter_removes(
    processors: dict[str, Any], go: GoRegexp, redactor: Redactor
) -> None:
    texts = [before + secret_of(kind) for kind in CATALOGUE for before in BEFORE]
    texts += [f"password={S}", f'{{"apiKey": "{S}"}}', f"Authorization: Bearer {S}", f"x sentryToken = {S}"]
    [by] = {json.loads(match["by"]) for match in statements(processors, "trace")}
    answer = go.ask(processors["redaction/secrets"]["blocked_values"], texts, by)

    for text, replaced, masked in zip(texts, answer.replaced, answer.masked, strict=True):
        assert REDACTED in redactor.redact(text), text
        assert REDACTED in replaced, text
        assert "****" in masked, text
        assert S not in replaced
        assert S not in masked
    assert answer.replaced[1] == f"text {REDACTED}", "what bounds a secret stays"


@pytest.mark.integration
def test_go_keeps_what_the_python_filter_keeps(
    processors: dict[str, Any], go: GoRegexp, redactor: Redactor
) -> None:
    texts = [near_miss_of(kind) for kind in CATALOGUE]
    texts += ["max_tokens=500", "password: required", "api_key=settings.API_KEY,", "gpt-4o-mini-2024-07-18"]
    answer = go.ask(processors["redaction/secrets"]["blocked_values"], texts, "${1}x")

    assert [text for text in texts if redactor.redact(text) != text] == []
    assert list(answer.replaced) == texts
    assert list(answer.masked) == texts


@pytest.mark.integration
def test_go_blocks_the_keys_whose_values_go_in_python(
    processors: dict[str, Any], go: GoRegexp, redactor: Redactor
) -> None:
    keys = (*SECRET_KEYS, *HARMLESS_KEYS)
    answer = go.ask(processors["redaction/secrets"]["blocked_key_patterns"], keys)
    blocked = [any(column) for column in zip(*answer.matches, strict=True)]

    assert dict(zip(keys, blocked, strict=True)) == {key: key in SECRET_KEYS for key in keys}
    assert all(redactor.redact_value({key: S}) != {key: S} for key in SECRET_KEYS)


@pytest.mark.integration
def test_go_takes_the_conditions_expressions(processors: dict[str, Any], go: GoRegexp) -> None:
    literal = re.compile(r'IsMatch\([^"]*(?:\["[^"]*"\])?, ("(?:[^"\\]|\\.)*")\)')
    policy = Policy(provider="OpenHuman", hosts={"api.example.ai"}, not_session_codes=())
    found = [
        processors["filter/session_expired"],
        read(policy)["processors"]["filter/session_expired"],  # with a status as a fact
    ]
    conditions = " ".join(
        one for each in found for one in [*each["traces"]["span"], *each["logs"]["log_record"]]
    )
    patterns = [json.loads(text) for text in literal.findall(conditions)]

    assert len(patterns) == conditions.count("IsMatch(")
    go.ask(patterns, ["x"])


@pytest.mark.integration
def test_go_refuses_what_is_no_expression_there(go: GoRegexp) -> None:
    with pytest.raises(PatternError, match="missing closing"):
        go.ask(["("], ["x"])


def test_the_head_says_all_that_the_remarks_say() -> None:
    export = collector_config(POLICY)
    head = export.text.split("\nprocessors:")[0]

    assert all(line.startswith("# ") for line in head.splitlines())
    words = " ".join(line.removeprefix("#").strip() for line in head.splitlines())
    assert [remark for remark in export.remarks if remark not in words] == []
    assert "No Collector has run this" in words


def test_a_policys_own_kinds_and_keys_are_among_the_expressions() -> None:
    policy = Policy(
        provider="OpenHuman",
        secret_kinds=[
            {"name": "acme", "pattern": "acme_([0-9]{4})$"},
            {"name": "odd", "pattern": r"\Cx"},
            {"name": "tab", "pattern": "tab\t'x'"},
        ],
        secret_keys=["badge_number"],
        kept_keys=["my_secret"],
        redact_content=True,
    )
    redaction = read(policy)["processors"]["redaction/secrets"]

    assert compiled(redaction["blocked_values"][0]).search("x acme_1234")
    assert compiled(redaction["blocked_values"][1]).search("a tab\t'x'")
    assert any(compiled(pattern).search("badgeNumber") for pattern in redaction["blocked_key_patterns"])
    remarks = collector_config(policy).remarks
    for start in ("own-odd: left out", "kept_keys", "redact_content"):
        assert [remark for remark in remarks if remark.startswith(start)]


def test_a_kinds_name_cannot_end_its_comment() -> None:
    policy = Policy(provider="OpenHuman", secret_kinds=[{"name": "a\nb\u0085c: d", "pattern": "abc[0-9]{9}"}])

    assert read(policy)["processors"]["redaction/secrets"]["blocked_values"][0].endswith("abc[0-9]{9}))")
    assert "own-a b c: d" in collector_config(policy).text


def test_a_faulty_kind_is_a_clear_error() -> None:
    policy = Policy(provider="OpenHuman", secret_kinds=[{"name": "acme", "pattern": "("}])

    with pytest.raises(ValueError, match="kind 'acme'"):
        collector_config(policy)
