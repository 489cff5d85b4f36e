"""Target: a policy's values, TOML and variables make a policy, or a plain error that names the place."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from sentry_filters import Policy
from sentry_filters.redaction import Kind
from tests.fuzz.strategies import HOST, PROVIDER, any_text, keys, labels, quick, texts, values

_FIELDS = (
    "provider", "hosts", "domain", "statuses", "operations", "paths", "not_session_codes",
    "credential_headers", "scope", "renewal_grace", "healing_window", "refuse_expired", "span_action",
    "sentry_signal", "secret_kinds", "secret_keys", "kept_keys", "redact_content", "mode",
)  # fmt: skip
_hosts = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "https://", "user@", "[", "[::1]", "xn--", "::"]),
    st.sampled_from([HOST, HOST.upper(), "b\xfccher.example", "\uff41pi.example", ""]) | any_text,
    st.sampled_from(["", ".", "..", ":443", ":", ":99999", ":\u0664", "]", ":8" + "0" * 5_000, "/x"]),
)
_numbers = st.integers() | st.floats() | st.sampled_from([10**400, 10**5_000, -(10**5_000), 401, 403, True])
_values = (
    values
    | _numbers
    | st.lists(_hosts | _numbers | any_text, max_size=3)
    | st.dictionaries(keys | st.just("/chat"), values | any_text, max_size=2)
    | st.lists(
        st.dictionaries(st.sampled_from(["name", "literal", "pattern", "family"]) | keys, values), max_size=2
    )
)
_toml_values = st.sampled_from(
    [
        "1" * 5_000, "[" * 5_000, "{a=" * 5_000, "nan", "inf", "-inf", "1e999",
        '"\\ud800"', "1979-05-27", "[401, 403]",
        '"""', "[[]]", "{}", "true", '["api.example.ai:99999"]', "0x" + "f" * 5_000,
        "a.b.c", "\x00", "'\ufeff'",
    ]
) | any_text.map(repr)  # fmt: skip


def as_text(number: float) -> str:
    """Return a number as a variable would hold it."""
    return format(number) if abs(number) < 10**400 else "1" * 5_000


def fault_of(make: Any, *places: str) -> None:
    """Call `make`: anything it raises has to be a plain error that names one of the places."""
    raised: Exception | None = None
    try:
        make()
    except (ValueError, TypeError) as error:
        raised = error
    assert not isinstance(raised, UnicodeError)
    assert raised is None or any(place in str(raised) for place in places), str(raised)[:200]


@quick
@given(given_values=st.dictionaries(st.sampled_from(_FIELDS), _values, max_size=3), provider=labels)
@example(given_values={"renewal_grace": 10**400}, provider=PROVIDER)
@example(given_values={"renewal_grace": -(10**5_000)}, provider=PROVIDER)
@example(given_values={"hosts": {HOST: 1}}, provider=PROVIDER)
def test_a_policy_of_any_values_is_made_or_its_fault_named(
    given_values: dict[str, Any], provider: str
) -> None:
    fault_of(lambda: Policy(**{"provider": provider, **given_values}), *given_values)


@quick
@given(table=st.lists(st.tuples(st.sampled_from(_FIELDS) | keys, _toml_values), max_size=3), more=any_text)
@example(table=[("hosts", "[" * 5_000)], more="")
@example(table=[("renewal_grace", "1" * 5_000)], more="")
def test_any_toml_is_a_policy_or_its_fault_named(table: list[tuple[str, str]], more: str) -> None:
    lines = [
        "[tool.sentry_filters]",
        f'provider = "{PROVIDER}"',
        *(f"{key} = {value}" for key, value in table),
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "policy.toml"
        path.write_bytes("\n".join([*lines, more]).encode("utf-8", "surrogatepass"))

        fault_of(lambda: Policy.from_toml(path), str(path))
        fault_of(lambda: Policy.all_from_toml(path), str(path))


@quick
@given(
    st.dictionaries(
        st.sampled_from(_FIELDS).map(str.upper) | any_text, texts | _hosts | _numbers.map(as_text), max_size=4
    )
)
@example({"RENEWAL_GRACE": "1" * 5_000, "STATUSES": "4" * 5_000})
@example({"STATUSES": "4" * 5_000})
def test_any_variables_are_a_policy_or_their_fault_named(variables: dict[str, str]) -> None:
    environ = {"SENTRY_FILTERS_PROVIDER": PROVIDER}
    environ |= {f"SENTRY_FILTERS_{name}": value for name, value in variables.items()}

    fault_of(lambda: Policy.from_env(environ), "SENTRY_FILTERS_")


@quick
@given(st.dictionaries(st.sampled_from(["name", "literal", "pattern", "family"]) | keys, values | any_text))
def test_a_kind_of_any_fields_is_made_or_its_fault_named(fields: dict[str, Any]) -> None:
    fault_of(lambda: Kind.from_mapping(fields), "kind", "name", "literal", "pattern", "secret")
