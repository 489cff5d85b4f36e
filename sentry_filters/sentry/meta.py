"""The last step for a redacted event: keys that Sentry accepts, and `_meta`, which says what was removed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from sentry_filters.redaction import REDACTED, Finding, Scrubbed

# Sentry refuses brackets in a tag's key and would lose the tag:
# develop.sentry.dev/sdk/data-model/event-payloads, `tags`.
_TAG_KEY = REDACTED.strip("[]")


def finished_event(scrubbed: Scrubbed, fault: Callable[[str, BaseException], None]) -> object:
    """Return the redacted event as Sentry wants it; where it holds no finding, the value as it is.

    Remarks that cannot be made cost the remarks, not the event; the fault is counted.
    """
    if not scrubbed.findings or not isinstance(scrubbed.value, dict):
        return scrubbed.value
    event, findings = _with_legal_tags(scrubbed.value, scrubbed.findings)
    try:
        return with_remarks(event, meta_of(findings))
    except Exception as error:  # noqa: BLE001 - the event is clean; only its annotations are at stake
        fault("meta", error)
        return event


def _with_legal_tags(
    event: dict[str, object], findings: tuple[Finding, ...]
) -> tuple[dict[str, object], tuple[Finding, ...]]:
    tags = event.get("tags")
    if isinstance(tags, list):
        return {**event, "tags": [_legal_pair(pair) for pair in tags]}, findings
    if not isinstance(tags, dict):
        return event, findings
    names: dict[object, str] = {}
    for key in tags:
        if isinstance(key, str) and REDACTED in key:
            names[key] = _free(_legal(key), {*tags, *names.values()})
    if not names:
        return event, findings
    renamed = {names.get(key, key): value for key, value in tags.items()}
    return {**event, "tags": renamed}, tuple(_renamed(finding, names) for finding in findings)


def _renamed(finding: Finding, names: Mapping[object, str]) -> Finding:
    if len(finding.path) < 2 or finding.path[0] != "tags" or finding.path[1] not in names:
        return finding
    return replace(finding, path=("tags", names[finding.path[1]], *finding.path[2:]))


def _legal_pair(pair: object) -> object:
    if not (isinstance(pair, list) and pair and isinstance(pair[0], str)):
        return pair
    return [_legal(pair[0]), *pair[1:]]


def _legal(key: str) -> str:
    return key.replace(REDACTED, _TAG_KEY)


def _free(key: str, taken: Collection[object]) -> str:
    candidate, number = key, 2
    while candidate in taken:
        candidate, number = f"{key}-{number}", number + 1
    return candidate


def meta_of(findings: Iterable[Finding]) -> dict[str, object]:
    """The findings as Sentry's `_meta`: `{"extra": {"key": {"": {"rem": [["@kind", "s", 0, 10]]}}}}`.

    Sentry counts places in bytes of UTF-8, as findings do.
    """
    root: dict[str, object] = {}
    for finding in findings:
        node = root
        path, place = _expressible(finding)
        for step in path:
            child = node.setdefault(str(step), {})
            assert isinstance(child, dict)  # noqa: S101 - the tree is built here, of nothing but dicts
            node = child
        remark = node.setdefault("", {"rem": []})
        assert isinstance(remark, dict)  # noqa: S101
        remark["rem"].append([f"@{finding.kind}", "s", *place])
        if finding.original_length is not None and place:
            remark["len"] = finding.original_length
    return root


def _expressible(finding: Finding) -> tuple[tuple[str | int, ...], tuple[int, ...]]:
    """Where `_meta` can remark on it: an empty key means the node itself there, so its parent takes over."""
    if "" in finding.path:
        return finding.path[: finding.path.index("")], ()
    if finding.start is None or finding.end is None:
        return finding.path, ()
    return finding.path, (finding.start, finding.end)


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
