"""Finds values that a form puts beside their key: tables, multipart fields, Go's maps, lines that continue.

What stands between key and value on one line is grammar, and `assignments`'.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from sentry_filters.redaction.keys import KeyJudge, Sensitivity
from sentry_filters.redaction.regex import Match, deferred_regex
from sentry_filters.redaction.text.headers import authorization_parts, cookie_parts
from sentry_filters.redaction.text.plausible import is_placeholder, is_plain, is_secret, looks_random
from sentry_filters.redaction.text.ranges import Range

_EOL = r"(?:\r?\n|(?:\\+r)?\\+n)"  # also as serialised text writes it
_GAP = r"(?:[ \t]|\\+t)"
_SPACE = r"(?:\s|\\+[nrt])"
_QUOTE = r"\\*[\"'`]"
_MARKUP = r"[*_`]{0,3}"
_CELL = rf"{_GAP}*{_MARKUP}{_GAP}*\|"
_TAGS = rf":?{_SPACE}*(?:<\\*/[A-Za-z][A-Za-z0-9]*>{_SPACE}*:?{_SPACE}*)+(?:<[A-Za-z][^<>]*>{_SPACE}*)*"
_ASSIGN = rf"{_QUOTE}?\]?{_GAP}*(?:=>|:?=|:){_GAP}*"
_RULE = rf"{_EOL}{_GAP}*\|?{_GAP}*[:+|\-]*-{{3}}"  # below the names of a table's columns
# Pydantic quotes what it refused on the line below the field's name.
_REFUSED = rf"{_EOL}{_GAP}{{2}}(?:[^\r\n\\]|\\+[^nr\\])+\[type=[a-z_]+, input_value="

_PART_HEADERS = rf"[^\r\n\\]*(?:{_EOL}[^\r\n\\]+)?{_EOL}{_EOL}"
_FIRST_PLACES = 1_000  # bytes of a table's row, or of a part's headers, that are looked at
_MOST_ROWS = 100
_MOST_HARMLESS = 4  # cells of a column, one below the other: it is not one of secrets
_IDENT_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
_LONGEST_KEY = 128
_WINDOW = 4_096

# Groups of the expression below.
_INPUT, _CELLS, _TAGGED, _PART, _GO, _PAIR = 2, 3, 4, 5, 6, 8
_CLOSED_BY: Mapping[int, bytes] = MappingProxyType({_TAGGED: b"<", _GO: b"]", _INPUT: b", input_type="})

_CELL_END = deferred_regex(rf"{_GAP}*{_MARKUP}{_GAP}*(?:\||{_EOL}|[\"']|$)", captures=False)
_LINE_END = deferred_regex(rf"{_EOL}|$", captures=False)
_PART_END = deferred_regex(rf"{_EOL}--|$", captures=False)
_ROW_RULE = deferred_regex(
    rf"{_EOL}{_GAP}*(?:[|+:\-]|{_GAP})*-{{3}}(?:[|+:\-]|{_GAP})*{_EOL}", captures=False
)
_QUALIFIER = deferred_regex(
    r"(?i)\b(?:access|api|auth|bearer|client|encryption|private|refresh|secret|session|signing)[ \-]$",
    captures=False,
)
_LONGEST_QUALIFIER = 16
_LEADING = deferred_regex(r"(?:\s|\\+[nrt]|[*_`])*", captures=False)


class Forms:
    """Judges the candidates that its `pattern` finds."""

    def __init__(self, judge: KeyJudge) -> None:
        self._judge = judge
        key = f"{judge.pattern}[A-Za-z0-9_.\\-]*"
        broken = rf"{_ASSIGN}(?:[(\[]|\\*{_EOL}){_SPACE}*"
        self.pattern = (
            f'(?i:{key}(?:{_CELL}|{_GAP}*{_RULE}|{_TAGS}[^<\\s]|\\\\*"(?:;|{_EOL})|:\\[[^\\[\\]\\s]'
            f"|{_ASSIGN}(?:[(\\[]|\\\\|{_EOL})|{_QUOTE},{_SPACE}*[bru]{{1,2}}{_QUOTE}|{_REFUSED}[^{{\\[]))"
        )
        self._parts = deferred_regex(
            f'(?i)({key})(?:({_REFUSED})[^{{\\[]|({_CELL}|{_GAP}*{_EOL})|({_TAGS})|\\\\*"({_PART_HEADERS})|(:\\[)'
            f"|({broken}[bru]{{0,2}}{_QUOTE})|({_QUOTE},{_SPACE}*[bru]{{1,2}}{_QUOTE}))"
        )

    def at(self, data: bytes, start: int) -> tuple[list[Range], int] | None:
        """The secrets of the form that `pattern` found at `start`, and where to continue; None without."""
        match = self._parts.match(data, start, min(len(data), start + _WINDOW))
        if match is None:
            return None
        sensitivity = self._sensitivity(data, match.end(1))
        if sensitivity is Sensitivity.HARMLESS:
            return None
        secrets: list[Range] = []
        harmless = 0
        for value, is_weak in _values(data, match):
            parts = list(_secret_parts(data, value, sensitivity, is_weak=is_weak))
            secrets += (Range(first, last, "form") for first, last in parts)
            harmless = 0 if parts else harmless + 1
            if harmless == _MOST_HARMLESS:
                break
        return (secrets, secrets[-1].end) if secrets else None

    def _sensitivity(self, data: bytes, end: int) -> Sensitivity:
        """What the key indicates that ends at `end`: an identifier, or `API key`."""
        start = _key_start(data, end)
        key = data[start:end].decode("latin-1")
        door = _QUALIFIER.search(data[max(0, start - _LONGEST_QUALIFIER) : start])
        if door is not None:
            key = f"{door.group().strip().decode()}_{key}"
        sensitivity = self._judge(key)
        if key.lower() == "token":  # not a tokenizer's, where a form names it
            sensitivity = max(sensitivity, Sensitivity.LIKELY)
        return sensitivity


def _values(data: bytes, match: Match) -> Iterator[tuple[tuple[int, int], bool]]:
    """Where values stand that the form puts beside its key; and whether that says little about them."""
    group = next(number for number in range(2, 9) if match.start(number) >= 0)
    start = match.end(group)
    limit = min(len(data), start + _WINDOW)
    if group == _CELLS:
        yield from ((place, True) for place in _cells(data, match, limit))
    elif group == _PART:
        ending = _PART_END.search(data, start, limit)
        yield (start, limit if ending is None else ending.start()), False
    elif group in _CLOSED_BY:
        end = data.find(_CLOSED_BY[group], start, limit)
        yield (start, limit if end < 0 else end), group == _TAGGED
    elif (end := data.find(data[start - 1 : start], start, limit)) > start:
        yield (start, start + len(data[start:end].rstrip(b"\\"))), group == _PAIR


def _cells(data: bytes, match: Match, limit: int) -> Iterator[tuple[int, int]]:
    """The cell beside the key; or, where the key names a column, the cells below it."""
    line_end = _end_of_line(data, match.end(1), limit)
    rule = _ROW_RULE.match(data, line_end, limit)
    if rule is None:
        if b"|" in data[match.end(1) : match.end(_CELLS)]:
            yield _cell(data, match.end(_CELLS), limit)
        return
    line_start = _start_of_line(data, match.start(1))
    column = data.count(b"|", line_start, match.start(1))
    at = rule.end()
    for _ in range(_MOST_ROWS):
        end = _end_of_line(data, at, limit)
        cells = data[at:end].split(b"|")
        if len(cells) <= column:
            return
        start = at + sum(len(cell) + 1 for cell in cells[:column])
        yield _cell(data, start, end)
        row_end = _LINE_END.match(data, end, limit)
        if row_end is None or row_end.end() == end:
            return
        at = row_end.end()


def _cell(data: bytes, start: int, limit: int) -> tuple[int, int]:
    """A table's cell without blanks and marks around its text."""
    leading = _LEADING.match(data, start, limit)
    start = start if leading is None else leading.end()
    end = _CELL_END.search(data, start, limit)
    return start, limit if end is None else end.start()


def _start_of_line(data: bytes, at: int) -> int:
    before = data[max(0, at - _FIRST_PLACES) : at]
    return (
        at - len(before) + max(before.rfind(b"\n") + 1, before.rfind(b"\\n") + 2 if b"\\n" in before else 0)
    )


def _end_of_line(data: bytes, at: int, limit: int) -> int:
    match = _LINE_END.search(data, at, limit)
    return limit if match is None else match.start()


def _secret_parts(
    data: bytes, place: tuple[int, int], sensitivity: Sensitivity, *, is_weak: bool
) -> Iterator[tuple[int, int]]:
    """The secret parts of data[place]."""
    first, last = place
    value = data[first:last]
    first += len(value) - len(value.lstrip())
    value = value.strip()
    if not value or is_placeholder(value):
        return
    if sensitivity is Sensitivity.HEADER:
        parts = authorization_parts(value)
    elif sensitivity is Sensitivity.COOKIE:
        parts = list(cookie_parts(value))
    elif is_secret(value, sensitivity) and not (is_weak and _is_prose(value, sensitivity)):
        parts = [(0, len(value))]
    else:
        return
    yield from ((first + start, first + end) for start, end in parts)


def _is_prose(value: bytes, sensitivity: Sensitivity) -> bool:
    """Whether a value may be a word or a description where its place says little."""
    if sensitivity < Sensitivity.SECRET or len(value.split(None, 1)) > 1:
        return not looks_random(value, ids=sensitivity is Sensitivity.LIKELY)
    return len(value) < 6 or is_plain(value)


def _key_start(data: bytes, end: int) -> int:
    tail = data[max(0, end - _LONGEST_KEY) : end]
    return end - len(tail) + len(tail.rstrip(_IDENT_BYTES))
