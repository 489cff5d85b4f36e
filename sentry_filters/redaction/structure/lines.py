"""A text that a structure holds as lines: source context, a file's lines, a private key's.

A secret may be in one line and what says so in the one before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sentry_filters.redaction.text import Range, TextScanner, replaced

Lines = Sequence[object] | Mapping[object, object]
_CONTEXT = ("pre_context", "context_line", "post_context")  # a frame's, in Sentry's events


def redacted_lines(scanner: TextScanner, lines: Sequence[object]) -> Sequence[object]:
    """`lines` without what is secret in all of them together; the same object where nothing is.

    Looked at only where one of them leaves something open: see `TextScanner.is_open`.
    """
    texts = [line for line in lines if type(line) is str]
    if len(texts) < 2 or len(texts) != len(lines) or not any(map(scanner.is_open, texts)):
        return lines
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    secrets = scanner.secrets(b"\n".join(encoded))
    result: list[object] = []
    start = 0
    for data in encoded:
        result.append(_without(data, start, secrets).decode("utf-8", "surrogatepass"))
        start += len(data) + 1
    return lines if result == texts else result


def _without(line: bytes, start: int, secrets: Sequence[Range]) -> bytes:
    """A line that begins at `start` of the joined ones, without its part of `secrets`."""
    end = start + len(line)
    within = [
        Range(max(each.start, start) - start, min(each.end, end) - start, each.kind)
        for each in secrets
        if max(each.start, start) < min(each.end, end)
    ]
    return replaced(line, within, ())[0]


def with_redacted_context(scanner: TextScanner, frame: Mapping[object, object]) -> Mapping[object, object]:
    """A stack's frame whose source lines were looked at together; the same object where nothing changes."""
    if "context_line" not in frame:
        return frame
    parts = [frame.get(name) for name in _CONTEXT]
    lines: list[object] = []
    for part in parts:
        lines += part if isinstance(part, list) else [] if part is None else [part]
    clean = redacted_lines(scanner, lines)
    if clean is lines:
        return frame
    changed, at = dict(frame), 0
    for name, part in zip(_CONTEXT, parts, strict=True):
        if isinstance(part, list):
            changed[name] = list(clean[at : at + len(part)])
            at += len(part)
        elif part is not None:
            changed[name] = clean[at]
            at += 1
    return changed


def changed_lines(before: Lines, after: Lines) -> Iterator[tuple[str | int, ...]]:
    """Where `after`, which one of the functions above returned for `before`, is another text."""
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        for at, (old, new) in enumerate(zip(before, after, strict=True)):
            if old != new:
                yield (at,)
        return
    for name in _CONTEXT:
        old, new = before.get(name), after.get(name)
        if isinstance(old, list) and isinstance(new, list):
            for steps in changed_lines(old, new):
                yield (name, *steps)
        elif old != new:
            yield (name,)
