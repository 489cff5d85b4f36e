"""The codes in a failed response's body, which may show that a 401 is not an expired session."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

_CODE_KEYS = ("errorCode", "error_code", "code")
_NESTED_KEYS = ("error", "detail", "errors")
_LONGEST = 65_536


def text_if_read(response: object) -> str | None:
    """Return the body of an httpx-like response that was read already; never reads from the network.

    A header that names a wrong encoding must not hide a code: then the bytes are read as UTF-8.
    """
    body = _attribute(response, "text")
    if not isinstance(body, str):
        content = _attribute(response, "content")
        body = content.decode("utf-8", "replace") if isinstance(content, bytes) else None
    return body or None


def _attribute(response: object, name: str) -> object:
    try:
        return getattr(response, name, None)
    except Exception:  # noqa: BLE001 - not read yet, or no text in the encoding that a header claims
        return None


def codes_of_text(body: str | bytes) -> frozenset[str]:
    """Return the codes of a JSON body, in lower case; none where it is not JSON or unreasonably long."""
    if len(body) > _LONGEST:
        return frozenset()
    try:
        # Some servers begin with a byte order mark: a code behind it must not be overlooked.
        return codes_of(json.loads(body.removeprefix("\ufeff") if isinstance(body, str) else body))
    except (ValueError, RecursionError):
        return frozenset()


def codes_of(body: object) -> frozenset[str]:
    """Return the codes of a parsed body: at its top, in its `error`, or in a list of `errors`."""
    return frozenset(_codes(body, depth=3))


def _codes(body: object, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(body, Mapping):
        for key in _CODE_KEYS:
            code = body.get(key)
            if isinstance(code, str) and code:
                yield code.lower()
        for key in _NESTED_KEYS:
            yield from _codes(body.get(key), depth - 1)
    elif isinstance(body, list):
        for item in body[:16]:
            yield from _codes(item, depth - 1)
