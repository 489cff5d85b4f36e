"""What a failed response's body says: its codes, which may show that a 401 is not an expired session."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sentry_filters.evidence.attributes import attribute

LONGEST_BODY = 65_536
"""Characters or bytes of a body that are looked at; a longer one is not known."""

# In the spelling of `fold`.
_CODE_KEYS = frozenset({"code", "errorcode", "type", "status", "reason", "error"})
_DEEPEST = 8
_MOST_VALUES = 2_000
_MOST_CODES = 64
_LONGEST_CODE = 200
_DIVIDERS: Mapping[int, int | None] = str.maketrans("", "", "-_ \t\r\n")
# What was read already; the public properties of these clients would read from the network.
_READ_ALREADY = ("_content", "_body")
# Of other clients: values of the response itself, never properties. Empty ones may not have been read.
_OWN_VALUES = ("content", "body", "text", "data", "buffer")


@dataclass(frozen=True, slots=True)
class Body:
    """A body as far as it is known.

    Args:
        text: The text, None where only a parsed value is at hand.
        codes: Its codes in the spelling of `fold`.
        known: Whether it was read in full and understood, so that no code can hide in it.
        html: Whether it is a page for people, which no API answers with.
    """

    text: str | None = None
    codes: frozenset[str] = frozenset()
    known: bool = False
    html: bool = False


UNKNOWN_BODY = Body()


def fold(code: str) -> str:
    """Return a code without case, `-`, `_` and blanks: `invalidApiKey` and `INVALID-API-KEY` are one."""
    return code.translate(_DIVIDERS).casefold()


def body_of_text(text: str | bytes) -> Body:
    """Return what a body says that was read in full.

    JSON that is broken, and text with JSON in it, may hide a code: then the body is not known.
    """
    if len(text) > LONGEST_BODY:
        return UNKNOWN_BODY
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    # Some servers begin with a byte order mark: a code behind it must not be overlooked.
    bare = text.removeprefix("\ufeff").strip()
    if bare.startswith("<"):
        return Body(text, known=True, html=True)
    try:
        value = json.loads(bare)
    except (ValueError, RecursionError):
        return Body(text, known="{" not in bare and "[" not in bare)
    read = body_of_value(value)
    return Body(text, read.codes, read.known)


def body_of_value(value: object) -> Body:
    """Return what a parsed body says; its text is the JSON for it."""
    codes: set[str] = set()
    for seen, code in enumerate(_codes(value, _DEEPEST)):
        if seen >= _MOST_VALUES or len(codes) >= _MOST_CODES or code is None:
            return Body(codes=frozenset(codes))
        codes.add(code)
    codes.discard("")
    return Body(_json_of(value), frozenset(codes), known=True)


def _json_of(value: object) -> str | None:
    try:
        return value if isinstance(value, str) else json.dumps(value)[:LONGEST_BODY]
    except (TypeError, ValueError, RecursionError):
        return None


def holds_json(text: str | None) -> bool:
    """Say whether a body is a JSON object or list, as a backend answers."""
    if text is None or len(text) > LONGEST_BODY:
        return False
    try:
        return isinstance(json.loads(text.removeprefix("\ufeff")), dict | list)
    except (ValueError, RecursionError):
        return False


def body_if_read(response: object) -> Body:
    """Return the body of a response that was read already; never reads from the network."""
    text = text_if_read(response)
    return UNKNOWN_BODY if text is None else body_of_text(text)


def text_if_read(response: object) -> str | None:
    """Return the text of a response that was read already, None where it was not; never reads it.

    A header that names a wrong encoding must not hide a code: then the bytes are read as UTF-8.
    """
    if attribute(response, "extensions") is None:
        read = (attribute(response, name) for name in _READ_ALREADY)
        content: object = next((body for body in read if isinstance(body, bytes)), _own_body(response))
    else:
        text = attribute(response, "text")
        if isinstance(text, str):
            return text
        content = attribute(response, "content")
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else None


def _own_body(response: object) -> bytes | None:
    try:
        own = vars(response)
        found = (own.get(name) for name in _OWN_VALUES)
        raw = (one.getvalue() if isinstance(one, io.BytesIO) else one for one in found)
        body = next((one for one in raw if isinstance(one, str | bytes) and one), None)
    except Exception:  # noqa: BLE001 - no values of its own, or a foreign object's namespace
        return None
    return body.encode("utf-8", "replace") if isinstance(body, str) else body


def _codes(value: object, depth: int) -> Iterator[str | None]:
    """Yield a text for each value, empty where it is not a code; None where it lies too deep."""
    if depth == 0 and isinstance(value, Mapping | list | tuple):
        yield None
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _codes_under(key, inner)
            yield from _codes(inner, depth - 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _codes(inner, depth - 1)
    else:
        yield ""


def _codes_under(key: object, value: object) -> Iterator[str]:
    if isinstance(key, str) and len(key) < _LONGEST_CODE and fold(key) in _CODE_KEYS:
        values = value if isinstance(value, list) else [value]
        yield from (fold(code) for code in values if isinstance(code, str) and len(code) <= _LONGEST_CODE)
