"""Whatever fails inside: the application is unaffected, nothing is sent unredacted, other errors arrive."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import sentry_sdk
from hypothesis import given, settings
from hypothesis import strategies as st

from sentry_filters import Policy, SessionExpired, SessionGuard
from sentry_filters.guard import parts_of
from tests.conftest import InitSentry
from tests.support.secrets import fake
from tests.support.sentry import CapturingTransport

DSN = "http://a@127.0.0.1:1/1"
SECRET = fake("sk-proj-", 40)
TEXT = "OpenHuman API error (401 Unauthorized)"


def broken(*_: object, **__: object) -> Any:
    raise RuntimeError(SECRET)


@pytest.mark.promise("never-raises")
@pytest.mark.parametrize(
    ("holder", "name"),
    [
        ("decider", "_expired"),
        ("decider", "note"),
        ("lifecycle", "observe"),
        ("gate", "close"),
        ("bus", "publish"),
        ("redactor", "redact"),
        ("redactor", "scrub"),
        ("counters", "add"),
    ],
)
def test_fault_in_any_part_keeps_the_application_and_other_errors_alive(
    holder: str,
    name: str,
    sentry: InitSentry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"), lambda event: None)
    transport = CapturingTransport()
    sentry(**guard.sentry_options(dsn=DSN, transport=transport))
    part = getattr(guard, holder, None) or getattr(parts_of(guard), holder)
    monkeypatch.setattr(part, name, broken)

    sentry_sdk.capture_message(TEXT, "error")
    sentry_sdk.capture_message(f"unrelated {SECRET}", "error")
    sentry_sdk.capture_message("unrelated and clean", "error")

    assert SECRET.encode() not in transport.bytes
    assert SECRET not in caplog.text
    if (holder, name) != ("counters", "add"):
        assert b"unrelated and clean" in transport.bytes


def test_with_a_broken_redactor_the_expiry_is_published_with_a_blank_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expired: list[SessionExpired] = []
    guard = SessionGuard(Policy(provider="OpenHuman"), expired.append)
    monkeypatch.setattr(guard.redactor, "redact", broken)

    assert guard.report(f"{TEXT}: {SECRET}", operation="chat", provider="OpenHuman", status=401).drop
    guard.bus.flush()

    assert [event.reason for event in expired] == ["[REDACTED]"]
    assert not guard.gate.is_open


def cyclic() -> Any:
    knot: dict[str, Any] = {"beside": "harmless"}
    knot["self"] = knot
    return knot


def deep(levels: int) -> Any:
    value: Any = SECRET
    for _ in range(levels):
        value = {"d": [value]}
    return value


class Raising:
    def __str__(self) -> str:
        raise RuntimeError(SECRET)

    __repr__ = __eq__ = __hash__ = __str__  # type: ignore[assignment]


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(cyclic, id="cycle"),
        pytest.param(lambda: deep(10_000), id="10,000 levels"),
        pytest.param(lambda: f"\ud800 {SECRET} \udfff", id="lone surrogates"),
        pytest.param(lambda: "x" * 10_000_000 + f" {SECRET}", id="10 MB"),
        pytest.param(lambda: {Raising: Raising()}, id="raising"),
        pytest.param(lambda: {SECRET: {SECRET: SECRET}}, id="keys"),
        pytest.param(lambda: [b"\xff" + SECRET.encode(), bytearray(SECRET.encode())], id="bytes"),
        pytest.param(lambda: {float("nan"), float("inf")}, id="nan"),
    ],
)
@pytest.mark.parametrize("alone", [False, True], ids=["options", "hook alone"])
def test_hostile_data_is_sent_redacted_or_not_at_all(make: Any, sentry: InitSentry, alone: bool) -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"))
    transport = CapturingTransport()
    if alone:
        sentry(dsn=DSN, transport=transport, before_send=guard.before_send)
    else:
        sentry(**guard.sentry_options(dsn=DSN, transport=transport))

    with sentry_sdk.new_scope() as scope:
        scope.set_extra("data", make())
        scope.set_context("data", {"data": make()})
        scope.capture_message("the unrelated error", "error")

    assert b"the unrelated error" in transport.bytes
    assert SECRET.encode() not in transport.bytes


@pytest.mark.parametrize("make", [cyclic, lambda: deep(10_000), lambda: {"a": Raising()}])
def test_hook_called_with_what_the_sdk_never_passes_raises_nothing(make: Any) -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"))

    hooks = [guard.before_send, *hooks_of(guard).values()]

    # What passes the other hooks is redacted in the transport: here it only has to come back.
    assert SECRET not in shallow_repr(hooks[0]({"extra": make(), "tags": make()}, {}))
    for hook in hooks[1:]:
        hook({"extra": make(), "tags": make()}, {})
    assert guard.counters.get("faults") == 0


def hooks_of(guard: SessionGuard) -> dict[str, Any]:
    options = guard.sentry_options()
    return {name: options[name] for name in options if name.startswith("before_")}


def shallow_repr(value: object) -> str:
    limit = sys.getrecursionlimit()
    try:
        return repr(value)
    except (RecursionError, RuntimeError) as error:
        return "" if limit and SECRET not in str(error) else SECRET


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "tags",
        "exception",
        "logentry",
        "message",
        "contexts",
        "timestamp",
        "spans",
        "attributes",
        "body",
        "_meta",
    ]
)


@pytest.mark.promise("never-raises")
@settings(deadline=None)
@given(
    event=st.dictionaries(FIELDS, HOSTILE, max_size=6), hint=st.dictionaries(st.text(), HOSTILE, max_size=2)
)
def test_events_of_any_shape_get_an_answer(event: dict[str, Any], hint: dict[str, Any]) -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"))

    for hook in (guard.before_send, *hooks_of(guard).values()):
        hook(dict(event), dict(hint))
        hook(dict(event), {"exc_info": hint, "log_record": event})

    assert guard.counters.get("faults") == 0
