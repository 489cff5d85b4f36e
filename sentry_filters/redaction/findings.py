"""What was removed, and Sentry's own way of saying so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Finding", "Scrubbed", "sentry_meta"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a secret was; never the secret.

    `start` and `end` say where the mark stands in the redacted value, in bytes of its UTF-8 form, as Sentry
    counts; both are None where a key was renamed, which concerns the container as a whole. `original_length`
    is the number of characters before, or None for what was no text.
    """

    path: tuple[str | int, ...]
    kind: str
    start: int | None
    end: int | None
    original_length: int | None = None


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """A redacted copy (the identical object when it was clean), and what was removed from it."""

    value: object
    findings: tuple[Finding, ...] = ()


def sentry_meta(findings: Iterable[Finding]) -> dict[str, object]:
    """The findings as Sentry's `_meta`: `{"extra": {"key": {"": {"rem": [["@kind", "s", 0, 10]]}}}}`."""
    root: dict[str, object] = {}
    for finding in findings:
        node = root
        path, place = _expressible(finding)
        for step in path:
            below = node.setdefault(str(step), {})
            assert isinstance(below, dict)  # noqa: S101 - the tree is built here, of nothing but dicts
            node = below
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
