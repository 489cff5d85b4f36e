"""Sentry's own normaliser, as a judge of events: does Sentry accept them, and does it read our remarks?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Remark:
    """How Sentry understands one text with remarks.

    Args:
        path: Where it is in the normalised event.
        text: What is there.
        removed: The pieces of it that Sentry shows as removed.
        rules: The remarks' rules.
        ranges: Where in the text something was replaced; some remarks concern the whole.
    """

    path: tuple[str, ...]
    text: object
    removed: tuple[str, ...]
    rules: tuple[str, ...]
    ranges: tuple[tuple[int, int], ...]

    @property
    def is_ours(self) -> bool:
        """Whether it names kinds of secrets of this package, and not the SDK's own or Relay's own rules."""
        return all(rule.startswith("@") for rule in self.rules)


@dataclass(frozen=True)
class Normalised:
    """An event as Sentry would store it.

    Args:
        event: The whole of it.
        errors: What breaks the schema; Sentry shows it to the user above the event.
        remarks: All remarks in `_meta`, with the texts that they point to.
    """

    event: dict[str, Any]
    errors: tuple[dict[str, Any], ...]
    remarks: tuple[Remark, ...]

    def remark_at(self, *path: str) -> Remark:
        """Return the remark at `path`; there must be one."""
        by_path = {remark.path: remark for remark in self.remarks}
        assert path in by_path, f"no remark at {path}, but at {sorted(by_path)}"
        return by_path[path]


class Relay:
    """The part of Sentry's Relay that is available as a library."""

    def __init__(self) -> None:
        # Here, since it has wheels for Linux and macOS only, and tests that need it are skipped elsewhere.
        from sentry_relay import processing  # noqa: PLC0415

        self._normalizer = processing.StoreNormalizer(project_id=1, protocol_version="7", remove_other=True)
        self._split_chunks = processing.split_chunks

    def normalised(self, payload: bytes) -> Normalised:
        """Return the event with these bytes as Sentry would store it."""
        event = self._normalizer.normalize_event(raw_event=payload)
        return Normalised(
            event=event,
            errors=tuple(event.get("errors") or ()),
            remarks=tuple(self._remarks(event.get("_meta"), event, ())),
        )

    def _remarks(self, meta: object, value: object, path: tuple[str, ...]) -> Iterator[Remark]:
        if not isinstance(meta, dict):
            return
        for key, below in meta.items():
            if key:
                yield from self._remarks(below, _child(value, key), (*path, key))
            elif below.get("rem"):
                yield self._remark(below["rem"], value, path)

    def _remark(self, remarks: list[list[Any]], value: object, path: tuple[str, ...]) -> Remark:
        pieces = self._split_chunks(value, remarks) if isinstance(value, str) else []
        return Remark(
            path=path,
            text=value,
            removed=tuple(piece["text"] for piece in pieces if piece["type"] == "redaction"),
            rules=tuple(remark[0] for remark in remarks),
            ranges=tuple((remark[2], remark[3]) for remark in remarks if len(remark) == 4),
        )


def _child(value: object, key: str) -> object:
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
        return value[int(key)]
    return None
