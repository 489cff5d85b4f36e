"""The last touch on a redacted event: keys that Sentry accepts, and `_meta`, which says what was removed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sentry_filters.redaction import REDACTED, Redactor, Scrubbed

# Sentry refuses brackets in a tag's key and would lose the tag:
# develop.sentry.dev/sdk/data-model/event-payloads, `tags`.
_TAG_KEY = REDACTED.strip("[]")


def finished_event(
    scrubbed: Scrubbed, redactor: Redactor, fault: Callable[[str, BaseException], None]
) -> object:
    """Return the redacted event as Sentry wants it; where it holds no finding, the value as it is.

    Remarks that cannot be made cost the remarks, not the event; `fault` is told.
    """
    if not scrubbed.findings:
        return scrubbed.value
    event = _with_legal_tags(scrubbed.value)
    try:
        return with_remarks(event, redactor.meta(scrubbed.findings))
    except Exception as error:  # noqa: BLE001 - the event is clean; only its annotations are at stake
        fault("meta", error)
        return event


def _with_legal_tags(event: object) -> object:
    if not isinstance(event, dict):
        return event
    tags = event.get("tags")
    if isinstance(tags, dict):
        return {**event, "tags": {_legal(key): value for key, value in tags.items()}}
    if isinstance(tags, list):
        pairs = [[_legal(pair[0]), *pair[1:]] if isinstance(pair, list) and pair else pair for pair in tags]
        return {**event, "tags": pairs}
    return event


def _legal(key: object) -> object:
    return key.replace(REDACTED, _TAG_KEY) if isinstance(key, str) else key


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
