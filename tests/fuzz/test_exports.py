"""Target: policies as configuration of other programs: whatever a label holds, it stays a label there."""

from __future__ import annotations

import json
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sentry_filters import Policy
from sentry_filters.redaction import Kind
from sentry_filters.targets import collector_config, inbound_patterns, relay_config
from tests.fuzz.strategies import HOST, PROVIDER, any_text, quick

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C, ten times as fast


def read_yaml(text: str) -> Any:
    """Return what a Collector reads."""
    return yaml.load(text, _LOADER)


_labels = (
    st.sampled_from(
        [PROVIDER, "a: b", "- x", "#", "'", '"', "\\", "${env:X}", "$$", "%{x}", "*", "a\nb", "\u2028", "|"]
    )
    | any_text
    | st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
)  # fmt: skip
_PLAIN = Policy(provider="plain", hosts={HOST})
_PLAIN_COLLECTOR = read_yaml(collector_config(_PLAIN).text)
_PLAIN_RELAY = json.loads(relay_config(_PLAIN).text)
_fields = st.fixed_dictionaries(
    {"provider": _labels},
    optional={
        "hosts": st.sets(st.sampled_from([HOST, "b\xfccher.example", "[::1]:8080", "10.0.0.1"]), max_size=3),
        "operations": st.sets(_labels, max_size=2),
        "paths": st.dictionaries(_labels.map(lambda text: f"/{text}"), _labels, max_size=2),
        "not_session_codes": st.sets(_labels, max_size=2),
        "domain": _labels,
        "secret_keys": st.sets(_labels, max_size=2),
        "secret_kinds": st.lists(
            st.fixed_dictionaries(
                {
                    "name": st.sampled_from(["own", "tenant-seal"]),
                    "literal": st.sampled_from(["tsl_", "own-"]),
                    "pattern": st.sampled_from(["tsl_[a-z]{8}", "own-[0-9]+", "tsl_(?:a|b)$"]),
                }
            ),
            max_size=1,
        ),
    },
)  # fmt: skip


def policy_of(fields: dict[str, Any]) -> Policy | None:
    """Return a policy of these fields, None where it is refused."""
    try:
        policy = Policy(**fields)
        for kind in policy.secret_kinds:
            Kind.from_mapping(kind)
        return policy
    except (ValueError, TypeError):
        return None


@settings(quick, max_examples=10)  # each takes a tenth of a second
@given(fields=_fields)
def test_a_policy_is_written_so_that_it_is_read_again(fields: dict[str, Any]) -> None:
    policy = policy_of(fields)
    if policy is None:
        return

    collector = read_yaml(collector_config(policy).text)
    relay = json.loads(relay_config(policy).text)

    assert collector.keys() == _PLAIN_COLLECTOR.keys()
    assert collector["processors"].keys() == _PLAIN_COLLECTOR["processors"].keys()
    assert relay.keys() == _PLAIN_RELAY.keys()


@quick
@example(fields={"provider": "a\nb"})
@given(fields=_fields)
def test_each_pattern_for_the_inbound_filter_is_one_line_with_the_label(fields: dict[str, Any]) -> None:
    policy = policy_of(fields)
    if policy is None:
        return
    try:
        patterns = inbound_patterns(policy).text
    except ValueError:
        return  # a wildcard, or more than one line

    assert patterns.endswith("\n")
    assert all(policy.provider in line for line in patterns.removesuffix("\n").split("\n"))
