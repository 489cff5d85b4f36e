"""Looking at objects of other libraries, which may raise whatever they like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from email.message import Message

_MOST_HEADERS = 256


def attribute(holder: object, name: str) -> object:
    """Return an attribute, None where there is none or its property raises."""
    try:
        return getattr(holder, name, None)
    except Exception:  # noqa: BLE001 - properties of foreign objects raise what they like; then it is unknown
        return None


def text_of(value: object) -> str:
    """Return `str(value)`, empty where that raises."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - as above: a broken __str__ is no evidence
        return ""


def headers_of(holder: object) -> list[tuple[str, str]] | None:
    """Return the headers of a request or response, names in lower case; None where they are not known."""
    headers = attribute(holder, "headers")
    if not isinstance(headers, Mapping | Message):
        return None
    try:
        return list(_pairs(headers))
    except Exception:  # noqa: BLE001 - as above
        return None


def _pairs(headers: Mapping[object, object] | Message) -> Iterator[tuple[str, str]]:
    for seen, (name, value) in enumerate(headers.items()):
        if seen >= _MOST_HEADERS:
            return
        yield _header_text(name).lower(), _header_text(value)


def _header_text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
