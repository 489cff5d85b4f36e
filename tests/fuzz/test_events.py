"""Target: events, transactions, logs and metrics with their hints, through all hooks."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sentry_filters import Policy, SessionGuard
from tests.fuzz import oracle
from tests.fuzz.strategies import HOST, PROVIDER, deep, keys, quick, statements, tags, texts, values

_GUARD = SessionGuard(Policy(provider=PROVIDER, hosts={HOST}), lambda event: None)
_CALLED = {**_GUARD.sentry_options(), "before_send": _GUARD.before_send}
_HOOKS = ("before_send", "before_send_transaction", "before_send_log", "before_send_metric")

_spans = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "description": texts,
            "data": st.dictionaries(
                st.sampled_from(["http.response.status_code", "url.full", "server.address", "status"]) | keys,
                values | st.just(401) | st.sampled_from([f"https://{HOST}/v1/chat/completions", HOST]),
                max_size=4,
            ),
            "tags": tags,
            "span_id": texts,
            "parent_span_id": texts,
            "status": texts,
        },
    )
    | values,
    max_size=3,
)
_exceptions = st.builds(
    lambda value, more: {"values": [*more, {"type": "E", "value": value}]},
    statements | values,
    st.lists(values, max_size=2),
)
_events = st.fixed_dictionaries(
    {},
    optional={
        "tags": tags,
        "message": statements | values,
        "logentry": st.fixed_dictionaries({}, optional={"formatted": statements, "message": values}) | values,
        "exception": _exceptions | values,
        "contexts": st.fixed_dictionaries({"trace": values}) | values,
        "timestamp": st.sampled_from(["2026-02-30T25:61", "9999-12-31T23:59:59+23:59", 1e308, 10**400])
        | values,
        "spans": _spans | values,
        "attributes": tags | values,
        "body": statements | values,
        "trace_id": values,
        "_meta": values,
        "breadcrumbs": values | deep,
        "extra": values | deep,
    },
)
_hints = st.fixed_dictionaries(
    {},
    optional={
        "exc_info": values | st.just((None, None, None)),
        "log_record": st.builds(lambda args: SimpleNamespace(args=args), values) | values,
        "attachments": values,
    },
)


@quick
@given(event=_events, hint=_hints, hook=st.sampled_from(_HOOKS))
def test_a_hook_handles_any_event_and_keeps_what_has_no_evidence(
    event: dict[str, Any], hint: dict[str, Any], hook: str
) -> None:
    before = copy.copy(event)
    faults = _GUARD.counters.get("faults")

    kept = _CALLED[hook](event, hint)

    assert kept is not None or oracle.speaks_of_the_backend(event)
    if hook == "before_send":  # what passes the others is redacted in the transport: see test_envelopes
        assert not oracle.holds_the_canary(kept)
    assert _GUARD.counters.get("faults") == faults
    assert event.keys() == before.keys()
    assert all(event[name] is before[name] for name in event)


@quick
@given(value=values)
def test_redaction_of_any_structure_twice_is_redaction_once(value: Any) -> None:
    once = _GUARD.redactor.redact_value(value)

    assert not oracle.holds_the_canary(once)
    assert repr_of(_GUARD.redactor.redact_value(once)) == repr_of(once)


def repr_of(value: Any) -> str:
    return oracle.shown_as(value)
