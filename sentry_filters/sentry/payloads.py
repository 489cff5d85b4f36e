"""An item of an envelope, as bytes and as what they say."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

from sentry_sdk.envelope import Item

from sentry_filters.redaction import DOUBT, Look

_SURROGATE = b"\\ud"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of an item.

    Args:
        serialised: Its payload.
        made: What the payload was just made of; None where it came, or is read, as something else.
        head: Its headers, serialised; None where they cannot be.
        look: The look at both.
    """

    serialised: bytes
    made: object
    head: bytes | None
    look: Look = DOUBT

    @classmethod
    def of(cls, item: Item) -> Seen:
        """Return what there is to look at."""
        made = item.payload.json if item.payload.bytes is None else None
        serialised = item.get_bytes()
        if _SURROGATE in serialised:
            made = None  # two halves of a character are one when they are read
        return cls(serialised, made, serialised_headers(item.headers))

    @property
    def both(self) -> bytes:
        """Headers and payload."""
        return b"\n".join((self.head or b"", self.serialised))


def serialised_headers(headers: dict[str, object]) -> bytes | None:
    """Return headers as JSON, None where they are not serialisable as they are: the walk judges them."""
    try:
        return json.dumps(headers).encode()
    except (TypeError, ValueError, RecursionError):
        return None


def parsed(serialised: bytes) -> object:
    """Return what bytes say, `None` for `NaN` and infinities: the SDK would refuse to write them."""
    return json.loads(serialised, parse_constant=lambda _: None, parse_float=_finite)


def _finite(written: str) -> float | None:
    number = float(written)
    return number if math.isfinite(number) else None


def without_lone_surrogates(payload: object, serialised: bytes) -> object:
    """Replace halves of characters: Sentry refuses the whole envelope for one, and an error would be lost."""
    if _SURROGATE not in serialised:
        return payload
    text = json.dumps(payload, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.loads(text.encode("utf-8", "replace"))
    return payload
