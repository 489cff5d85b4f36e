"""Target: JSON as it is sent: the quick check of its bytes, judged by the walk over what it says."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from sentry_filters import Redactor
from tests.fuzz import oracle
from tests.fuzz.planting import CANARY_AT, KNOWN, KNOWN_AT, WORDS, harmless, planted_json
from tests.fuzz.strategies import json_values
from tests.fuzz.targets import of_bytes

__all__ = ["WORDS"]

_REDACTOR = Redactor()
_REDACTOR.register(KNOWN)
_documents = st.builds(
    lambda value, ascii_only: json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"),
    json_values,
    st.booleans(),
)

SEEDS = (
    b'{"name": "password", "value": "' + KNOWN_AT + b'"}',
    b'{"extra": {"api_key": "' + CANARY_AT + b'", "n": [1, 2.5, null, true]}, "tags": [["a", "b"]]}',
    b'[["authorization", "' + KNOWN_AT + b'"], ["--token", "abc"], {"token": 123456789012}]',
    b'{"a": "\\u0073ecret=\\/x", "lines": ["password = (", "\'' + CANARY_AT + b"')\"]}",
    b'{"_meta": {"extra": {"password": {"": {"rem": [["!config", "s"]]}}}}, "extra": {"password": "x"}}',
    b'{"key": "acme", "key": "' + CANARY_AT + b'", "nested": [[[[{"cookie": ["a=b", "c"]}]]]]}',
    b'{"message": "login(0f3a9c5e7b1d2f4a6c8e) of user_0123456789abcdef with key 1234"}',
)


@of_bytes(_documents)
def test_what_the_check_calls_clean_the_walk_does_not_change(data: bytes) -> None:
    read = planted_json(data)
    if read is None:
        _REDACTOR.look(data)
        return
    serialised, value = read

    redacted = _REDACTOR.redact_value(value)

    shown = repr(redacted)
    assert not oracle.holds_the_canary(redacted)
    assert KNOWN not in shown
    assert repr(_REDACTOR.redact_value(redacted)) == shown
    if _REDACTOR.is_clean(serialised):
        assert shown == repr(value)


@of_bytes(_documents)
def test_what_the_check_has_seen_changes_nothing_in_the_outcome(data: bytes) -> None:
    read = planted_json(data)
    if read is None:
        return
    serialised, value = read

    guided, walked = _REDACTOR.scrub(value, _REDACTOR.look(serialised)), _REDACTOR.scrub(value)

    assert repr(guided.value) == repr(walked.value)
    assert set(guided.findings) == set(walked.findings)


@of_bytes(_documents)
def test_however_a_value_is_written_what_is_called_clean_is_clean(data: bytes) -> None:
    read = planted_json(data)
    if read is None:
        return
    _, value = read
    try:
        written = [json.dumps(value), json.dumps(value, ensure_ascii=False, separators=(",", ":"), indent=1)]
    except RecursionError:
        return

    redacted = repr(_REDACTOR.redact_value(value))

    for text in written:
        assert redacted == repr(value) or not _REDACTOR.is_clean(text)
        assert _REDACTOR.is_clean(text) == _REDACTOR.is_clean(text.encode("utf-8", "surrogatepass"))


@of_bytes(_documents)
def test_what_is_remembered_of_others_changes_no_verdict(data: bytes) -> None:
    read = planted_json(data)
    if read is None:
        return
    serialised, value = read
    fresh = Redactor()
    fresh.register(KNOWN)

    # First by the one that remembers: what it learns here must not matter, either.
    remembering = _REDACTOR.is_clean(serialised), repr(_REDACTOR.redact_value(value))

    assert remembering == (fresh.is_clean(serialised), repr(fresh.redact_value(value)))


@of_bytes(st.binary(max_size=40))
def test_plain_words_are_clean(data: bytes) -> None:
    words = harmless(data).split("\n")
    value = {"message": words[0], "extra": {"list": words, "count": len(data)}, "tags": [["a", words[-1]]]}

    assert _REDACTOR.is_clean(json.dumps(value))
    assert _REDACTOR.redact_value(value) == value
