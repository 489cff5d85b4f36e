"""The first look at a structure: whether anything in it may have to go, as cheaply as that can be told."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import accumulate
from uuid import UUID

from .keys import KeyJudge, Sensitivity
from .shapes import named_value, option_values, pair_value
from .spans import Span
from .text import TextPass
from .values import number_goes, parts_that_go

__all__ = ["DEEPEST", "HARMLESS_TYPES", "Survey"]

DEEPEST = 100  # levels of containers; what lies deeper is withheld
HARMLESS_TYPES = frozenset((type(None), bool, int, float, complex, Decimal, date, datetime, time, timedelta, UUID))
_SHORTEST_VALUE = 5  # a shorter text holds neither an assignment nor anything with a form
_SHORTEST_KEY = 10


class Survey:
    """One pass over plain dicts, lists, tuples and texts; whatever else it meets, it calls odd.

    `clean` means that nothing has to go. Otherwise `redacted` holds the texts in which something does.
    """

    __slots__ = ("_judge", "_odd", "_texts", "clean", "redacted")

    def __init__(self, value: object, text: TextPass, judge: KeyJudge) -> None:
        self._judge = judge
        self._texts: list[str] = []
        self._odd = False
        self._walk(value)
        self.redacted = _redacted(self._texts, text)
        self.clean = not self._odd and not self.redacted

    def _walk(self, value: object) -> None:
        """Level by level, so that depth is known without counting it for every item."""
        seen: set[int] = set()
        level: list[object] = [value]
        for _ in range(DEEPEST):
            below: list[object] = []
            for container in level:
                if id(container) in seen:  # shared, or a cycle: the second look tells
                    self._odd = True
                    continue
                seen.add(id(container))
                if type(container) is dict:
                    self._look_into_dict(container, below)
                elif type(container) is list or type(container) is tuple:
                    self._look_into_list(container, below)
                else:
                    self._odd = True
            level = below
            if not level:
                return
        self._odd = True

    def _look_into_dict(self, container: dict[object, object], below: list[object]) -> None:
        known, texts = self._judge.memory.get, self._texts
        for key, item in container.items():
            if type(key) is str:
                if len(key) >= _SHORTEST_KEY:
                    texts.append(key)
                verdict = known(key)
                if verdict is None:
                    verdict = self._judge(key)
                if verdict:
                    self._odd = self._odd or speaks(verdict, item)
            elif type(key) not in HARMLESS_TYPES:
                self._odd = True
            kind = type(item)
            if kind is str:
                if len(item) >= _SHORTEST_VALUE:  # type: ignore[arg-type]
                    texts.append(item)  # type: ignore[arg-type]
            elif kind is dict or kind is list or kind is tuple:
                if item:
                    below.append(item)
            elif kind not in HARMLESS_TYPES:
                self._odd = True
        if "value" in container or "Value" in container or "val" in container or "secret_value" in container:
            valuing, verdict = named_value(container, self._judge)
            self._odd = self._odd or (verdict > 0 and speaks(verdict, container[valuing]))

    def _look_into_list(self, container: Sequence[object], below: list[object]) -> None:
        texts = self._texts
        options = False
        for item in container:
            kind = type(item)
            if kind is str:
                if len(item) >= _SHORTEST_VALUE:  # type: ignore[arg-type]
                    texts.append(item)  # type: ignore[arg-type]
                    options = options or item[0] == "-"  # type: ignore[index]
            elif kind is dict or kind is list or kind is tuple:
                if item:
                    below.append(item)
            elif kind not in HARMLESS_TYPES:
                self._odd = True
        if options and option_values(container, self._judge):
            self._odd = True
        if len(container) == 2 and pair_value(container, self._judge):
            self._odd = True


def speaks(verdict: Sensitivity, item: object) -> bool:
    """Whether a key judged so may have something to say about `item`."""
    kind = type(item)
    if kind is str:
        return bool(parts_that_go(item, verdict))  # type: ignore[arg-type]
    if kind in HARMLESS_TYPES:
        return number_goes(item, verdict)
    return bool(item) if kind is dict or kind is list or kind is tuple else True


def _redacted(texts: list[str], text: TextPass) -> dict[str, tuple[str, list[Span]]]:
    """Those of `texts` in which something goes, and what they become. All are searched in one go.

    A hit in the joined text is only a reason to look at the texts it touches: what stands beside the border
    of two texts may be a hit of neither, but no hit of either goes unseen.
    """
    joined = "\0".join(texts).encode("utf-8", "surrogatepass")
    suspects = list(text.suspects(joined))
    if not suspects:
        return {}
    sizes = map(len, texts) if len(joined) == sum(map(len, texts)) + len(texts) - 1 else map(_size, texts)
    ends = list(accumulate(size + 1 for size in sizes))
    found: dict[str, tuple[str, list[Span]]] = {}
    looked_at: set[str] = set()
    for start, end in suspects:
        for index in range(bisect_right(ends, start), bisect_right(ends, end - 1) + 1):
            each = texts[index] if index < len(texts) else ""
            if each not in looked_at:
                looked_at.add(each)
                clean, marks = text.redact_text(each)
                if clean is not each:
                    found[each] = clean, marks
    return found


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
