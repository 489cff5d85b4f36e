"""Target: envelopes of all items, with payloads and headers that are not what they claim."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sentry_sdk.envelope import Envelope, Item, PayloadRef

from sentry_filters import Policy, SessionGuard
from tests.fuzz import oracle
from tests.fuzz.strategies import (
    CANARY,
    HOST,
    PROVIDER,
    any_text,
    canary_text,
    json_values,
    keys,
    quick,
    texts,
)
from tests.support.receiver import items_of
from tests.support.sentry import CapturingTransport

_INNER = CapturingTransport()
_GUARD = SessionGuard(Policy(provider=PROVIDER, hosts={HOST}), lambda event: None)
_TRANSPORT: Any = _GUARD.sentry_options(dsn="http://a@127.0.0.1:1/1", transport=_INNER)["transport"]
_JSON_TYPES = (
    "event", "transaction", "span", "log", "trace_metric", "check_in", "session", "sessions", "profile",
    "profile_chunk", "client_report",
)  # fmt: skip
_UNKNOWN = ("statsd", "replay_recording", "", "EVENT", "event ")


def _escaped(text: str) -> bytes:
    return b'{"extra": "' + "".join(f"\\u{ord(c):04x}" for c in text).encode() + b'"}'


_broken = st.sampled_from(
    [
        b"", b"{", b"[" * 5_000, b'{"a":' * 5_000, b"\xff\xfe{\x00", b"\xef\xbb\xbf{}", b"nul", b"NaN",
        b'{"a": 1} {"b": 2}', b'{"extra": "\\ud800"}', b"1" * 5_000, b'"' + CANARY.encode(),
        b'{"extra": "' + CANARY.encode() + b'"', CANARY.encode(), _escaped(CANARY), b'{"a": 1e999999}',
        b"\x1f\x8b\x08", b'{"extra": {"x": "' + CANARY.encode() + b'", "x": 1}}',
    ]
)  # fmt: skip
_headers = st.dictionaries(
    st.sampled_from(["item_count", "filename", "content_type", "length", "trace"]) | any_text | canary_text,
    json_values,
    max_size=3,
)
_payloads = (
    json_values.map(lambda value: PayloadRef(json=value))
    | st.dictionaries(keys, json_values, max_size=4).map(lambda value: PayloadRef(json=value))
    | st.builds(lambda items: PayloadRef(json={"items": items}), st.lists(json_values, max_size=3))
    | (_broken | st.binary(max_size=64)).map(lambda content: PayloadRef(bytes=content))
    | texts.map(lambda text: PayloadRef(bytes=text.encode("utf-8", "surrogatepass")))
)
_items = st.builds(
    lambda payload, kind, headers: Item(payload, type=kind, headers=dict(headers)),
    _payloads,
    st.sampled_from((*_JSON_TYPES, *_UNKNOWN, "attachment")),
    _headers,
)


@quick
@given(headers=_headers, items=st.lists(_items, max_size=4))
def test_no_envelope_raises_or_leaks_the_canary(headers: dict[str, Any], items: list[Item]) -> None:
    envelope = Envelope(headers=dict(headers), items=list(items))
    _INNER.envelopes.clear()
    _INNER.lost.clear()

    try:
        before = envelope.serialize()
    except Exception:
        before = None
    try:
        _TRANSPORT.capture_envelope(envelope)
    except Exception:
        assert before is None, "the SDK could send it without us"
        return

    assert not oracle.holds_the_canary(_INNER.bytes)
    assert envelope.items == items
    assert envelope.headers == headers or "nan" in repr(headers)
    for sent in _INNER.envelopes:
        for item in items_of(sent):
            assert item.type in (*_JSON_TYPES, "attachment")
            assert item.type == "attachment" or not oracle.holds_the_canary(_read(item.payload))


@quick
@given(value=json_values)
def test_an_unrelated_event_of_valid_json_always_arrives(value: Any) -> None:
    _INNER.envelopes.clear()

    _TRANSPORT.capture_envelope(Envelope(items=[Item(PayloadRef(json={"extra": value}), type="event")]))

    assert [item.type for sent in _INNER.envelopes for item in items_of(sent)] == ["event"]


def _read(payload: bytes) -> object:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return payload
