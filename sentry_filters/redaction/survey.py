"""The first look at a structure: where in it something may have to go, as cheaply as that can be told."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import accumulate
from uuid import UUID

from .keys import KeyJudge, Sensitivity
from .shapes import VALUING, named_value, option_values, pair_value
from .spans import Span
from .text import TextPass
from .values import number_goes, parts_that_go

__all__ = ["DEEPEST", "HARMLESS_TYPES", "Survey", "speaks"]

DEEPEST = 100  # levels of containers; what lies deeper is withheld
HARMLESS_TYPES = frozenset((type(None), bool, int, float, complex, Decimal, date, datetime, time, timedelta, UUID))
_SHORTEST_VALUE = 5  # a shorter text holds neither an assignment nor anything with a form
_SHORTEST_KEY = 10


class Survey:
    """One pass over plain dicts, lists, tuples and texts; whatever else it meets calls for the walk.

    `touched` holds the ids of the containers in which, or below which, something may have to go; `redacted`
    holds the texts in which something does. The lists below are parallel: they cost an `append` where
    a record for each container would cost more than all the rest.
    """

    __slots__ = ("_containers", "_first_text", "_judge", "_parents", "_telling", "_texts", "redacted", "touched")

    def __init__(self, value: object, text: TextPass, judge: KeyJudge) -> None:
        self._judge = judge
        self._containers: list[object] = [value]
        self._parents: list[int] = [-1]
        self._first_text: list[int] = []  # of each container, its place among the texts
        self._texts: list[str] = []
        self._telling: set[int] = set()  # the places of containers that call for the walk
        self._look()
        self.redacted: dict[str, tuple[str, list[Span]]] = {}
        self._search(text)
        self.touched = self._with_parents()

    def _look(self) -> None:
        """Level by level, so that depth is known without counting it for every item."""
        containers, seen, place = self._containers, set[int](), 0
        for _ in range(DEEPEST):
            level_end = len(containers)
            if place == level_end:
                return
            while place < level_end:
                container = containers[place]
                self._first_text.append(len(self._texts))
                if id(container) in seen:  # shared, or a cycle: the walk can tell
                    self._telling.add(place)
                elif type(container) is dict:
                    self._look_into_dict(container, place)
                else:
                    self._look_into_list(container, place)  # type: ignore[arg-type]
                seen.add(id(container))
                place += 1
        self._telling.update(range(place, len(containers)))

    def _look_into_dict(self, container: Mapping[object, object], place: int) -> None:
        known, texts = self._judge.memory.get, self._texts
        telling = False
        for key, item in container.items():
            if type(key) is str:
                if len(key) >= _SHORTEST_KEY:
                    texts.append(key)
                verdict = known(key)
                if verdict is None:
                    verdict = self._judge(key)
                if verdict:
                    telling = telling or speaks(verdict, item)
            elif type(key) not in HARMLESS_TYPES:
                telling = True
            kind = type(item)
            if kind is str:
                if len(item) >= _SHORTEST_VALUE:  # type: ignore[arg-type]
                    texts.append(item)  # type: ignore[arg-type]
            elif kind is dict or kind is list or kind is tuple:
                if item:
                    self._containers.append(item)
                    self._parents.append(place)
            elif kind not in HARMLESS_TYPES:
                telling = True
        if not telling and not VALUING.isdisjoint(container):
            valuing, verdict = named_value(container, self._judge)
            telling = verdict > 0 and speaks(verdict, container[valuing])
        if telling:
            self._telling.add(place)

    def _look_into_list(self, container: Sequence[object], place: int) -> None:
        options = telling = False
        for item in container:
            kind = type(item)
            if kind is str:
                if len(item) >= _SHORTEST_VALUE:  # type: ignore[arg-type]
                    self._texts.append(item)  # type: ignore[arg-type]
                    options = options or item[0] == "-"  # type: ignore[index]
            elif kind is dict or kind is list or kind is tuple:
                if item:
                    self._containers.append(item)
                    self._parents.append(place)
            elif kind not in HARMLESS_TYPES:
                telling = True
        if (
            telling
            or (options and option_values(container, self._judge))
            or (len(container) == 2 and pair_value(container, self._judge))
        ):
            self._telling.add(place)

    def _search(self, text: TextPass) -> None:
        """Find the texts in which something goes: all of them are searched in one go.

        A hit in the joined text is only a reason to look at the texts that it touches: what stands beside the
        border of two may be a hit of neither, but no hit of either goes unseen.
        """
        texts = self._texts
        joined = "\0".join(texts).encode("utf-8", "surrogatepass")
        suspects = list(text.suspects(joined))
        if not suspects:
            return
        ascii_only = len(joined) == sum(map(len, texts)) + len(texts) - 1
        ends = list(accumulate(size + 1 for size in map(len if ascii_only else _size, texts)))
        clean: set[str] = set()
        for start, end in suspects:
            for index in range(bisect_right(ends, start), min(bisect_right(ends, end - 1) + 1, len(texts))):
                each = texts[index]
                if each not in clean and each not in self.redacted:
                    result = text.redact_text(each)
                    if result[0] is each:
                        clean.add(each)
                    else:
                        self.redacted[each] = result
                if each in self.redacted:
                    self._telling.add(bisect_right(self._first_text, index) - 1)

    def _with_parents(self) -> set[int]:
        touched: set[int] = set()
        for place in self._telling:
            while place >= 0 and id(self._containers[place]) not in touched:
                touched.add(id(self._containers[place]))
                place = self._parents[place]  # noqa: PLW2901 - the way up
        return touched


def speaks(verdict: Sensitivity, item: object) -> bool:
    """Whether a key judged so may have something to say about `item`."""
    kind = type(item)
    if kind is str:
        return bool(parts_that_go(item, verdict))  # type: ignore[arg-type]
    if kind in HARMLESS_TYPES:
        return number_goes(item, verdict)
    return bool(item) if kind is dict or kind is list or kind is tuple else True


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
