"""Sentry's `_meta`: what was removed where, beside what the SDK itself has remarked on."""

from __future__ import annotations

from collections.abc import Mapping


def with_remarks(event: object, meta: Mapping[str, object]) -> object:
    """Return a shallow copy of `event` whose `_meta` holds `meta` besides its own remarks."""
    if not isinstance(event, dict):
        return event
    own = event.get("_meta")
    return {**event, "_meta": _merged(own if isinstance(own, dict) else {}, meta, depth=0)}


def _merged(own: Mapping[str, object], added: Mapping[str, object], depth: int) -> dict[str, object]:
    merged = dict(own)
    for key, value in added.items():
        below = merged.get(key)
        if not isinstance(below, dict) or not isinstance(value, Mapping) or depth > 100:
            merged[key] = value
        elif key == "":
            merged[key] = _merged_remarks(below, value)
        else:
            merged[key] = _merged(below, value, depth + 1)
    return merged


def _merged_remarks(own: Mapping[str, object], added: Mapping[str, object]) -> dict[str, object]:
    remarks = [
        remark for side in (own, added) if isinstance(found := side.get("rem"), list) for remark in found
    ]
    return {**added, **own, "rem": remarks}
