"""The first look at a structure: where in it something may have to go, as cheaply as that can be told."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import cast
from uuid import UUID

from sentry_filters.redaction.keys import VALUING, KeyJudge, Sensitivity
from sentry_filters.redaction.structure.shapes import named_value, option_values, pair_value
from sentry_filters.redaction.structure.values import number_goes, parts_that_go
from sentry_filters.redaction.text import Span, TextPass

# Between joined texts: one for the hit that takes what follows it, one to be the boundary before the next.
_BETWEEN = "\0\0"
DEEPEST = 100  # levels of containers; what lies deeper is withheld
HARMLESS_TYPES = frozenset(
    (type(None), bool, int, float, complex, Decimal, date, datetime, time, timedelta, UUID)
)
PLAIN_TYPES = frozenset((dict, list, tuple))


class Survey:
    """One pass over plain dicts, lists, tuples and texts; whatever else it meets calls for the walk.

    `touched` holds the ids of the containers in which, or below which, something may have to go; `redacted`
    holds the texts in which something does. The lists below are parallel: they cost an `append` where
    a record for each container would cost more than all the rest.
    """

    __slots__ = (
        "_containers",
        "_first_text",
        "_harmless",
        "_judge",
        "_new_keys",
        "_parents",
        "_telling",
        "_texts",
        "redacted",
        "touched",
    )

    def __init__(self, value: object, text: TextPass, judge: KeyJudge) -> None:
        self._judge = judge
        self._harmless = judge.harmless  # keys that need no look; a `value` is never among them
        self._new_keys: list[str] = []
        self._containers: list[object] = [value]
        self._parents: list[int] = [-1]
        self._first_text: list[int] = []  # of each container, its place among the texts
        self._texts: list[str] = []
        self._telling: set[int] = set()  # the places of containers that call for the walk
        self._look()
        self.redacted: dict[str, tuple[str, list[Span]]] = {}
        self._search(text)
        judge.remember(key for key in self._new_keys if key not in self.redacted)
        self.touched = self._with_parents()

    def _look(self) -> None:
        """Level by level, so that depth is known without counting it for every item."""
        containers, seen, start = self._containers, set[int](), 0
        for _ in range(DEEPEST):
            level = containers[start:]
            if not level:
                return
            ids = set(map(id, level))
            if len(ids) < len(level) or not seen.isdisjoint(
                ids
            ):  # shared containers, or a cycle: the walk can tell
                level = self._unseen(level, start, seen)
            seen |= ids
            self._look_at_level(level, start)
            start += len(level)
        self._telling.update(range(start, len(containers)))

    def _unseen(self, level: list[object], start: int, seen: set[int]) -> list[object]:
        """`level` with an empty list for each container that was met before."""
        unseen: list[object] = []
        met = set(seen)
        for place, container in enumerate(level, start):
            if id(container) in met:
                self._telling.add(place)
            unseen.append(() if id(container) in met else container)
            met.add(id(container))
        return unseen

    def _look_at_level(self, level: list[object], start: int) -> None:
        texts, containers, harmless = self._texts, self._containers, self._harmless
        note_start, note_text = self._first_text.append, texts.append
        note_container, note_parent = containers.append, self._parents.append
        for place, container in enumerate(level, start):
            note_start(len(texts))
            items: Iterable[object]
            if type(container) is dict:
                items = container.values()
                if not harmless.issuperset(container) and self._keys_tell(container):
                    self._telling.add(place)
            else:
                items = cast("Sequence[object]", container)
                if len(items) == 2 and pair_value(items, self._judge):
                    self._telling.add(place)
            for item in items:
                kind = type(item)
                if kind is str:
                    note_text(item)  # type: ignore[arg-type]
                elif kind in PLAIN_TYPES:
                    if item:
                        note_container(item)
                        note_parent(place)
                elif kind not in HARMLESS_TYPES:
                    self._telling.add(place)

    def _keys_tell(self, container: Mapping[object, object]) -> bool:
        """Whether a key of `container` may have something to say; new keys are searched as texts, too."""
        telling = False
        for key, item in container.items():
            if type(key) is str:
                if key not in self._harmless:
                    self._texts.append(key)
                    verdict = self._judge(key)
                    telling = telling or (verdict > 0 and speaks(verdict, item))
                    if not verdict:
                        self._new_keys.append(key)
            elif type(key) not in HARMLESS_TYPES:
                telling = True
        if not telling and not VALUING.isdisjoint(container):
            valuing, verdict = named_value(container, self._judge)
            telling = verdict > 0 and speaks(verdict, container[valuing])
        return telling

    def _search(self, text: TextPass) -> None:
        """Find the texts in which something goes: all of them are searched in one go.

        A hit in the joined text is only a reason to look at the texts that it touches: what stands beside the
        border of two may be a hit of neither, but no hit of either goes unseen.
        """
        texts = self._texts
        joined = _BETWEEN.join(texts).encode("utf-8", "surrogatepass")
        if joined[:1] == b"-" or b"\0-" in joined:
            self._look_for_options()
        suspects = list(text.suspects(joined))
        if not suspects:
            return
        ascii_only = len(joined) == sum(map(len, texts)) + len(_BETWEEN) * (len(texts) - 1)
        ends = list(accumulate(size + len(_BETWEEN) for size in map(len if ascii_only else _size, texts)))
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
                    self._telling.add(self._container_of(index))

    def _look_for_options(self) -> None:
        """Find the lists in which an option stands before its value."""
        for index, each in enumerate(self._texts):
            if each[:1] == "-":
                place = self._container_of(index)
                container = self._containers[place]
                if type(container) in (list, tuple) and option_values(container, self._judge):  # type: ignore[arg-type]
                    self._telling.add(place)

    def _container_of(self, index: int) -> int:
        """The place of the container in which the text at `index` stands."""
        return bisect_right(self._first_text, index) - 1

    def _with_parents(self) -> set[int]:
        """The ids of the telling containers, and of all that they stand in.

        The way up is remembered by place, not by id: a container that stands in two places has two ways.
        """
        places: set[int] = set()
        for telling in self._telling:
            place = telling
            while place >= 0 and place not in places:
                places.add(place)
                place = self._parents[place]
        return {id(self._containers[place]) for place in places}


def speaks(verdict: Sensitivity, item: object) -> bool:
    """Whether a key judged so may have something to say about `item`."""
    kind = type(item)
    if kind is str:
        return bool(parts_that_go(item.encode("utf-8", "surrogatepass"), verdict))  # type: ignore[attr-defined]
    if kind in HARMLESS_TYPES:
        return number_goes(item, verdict)
    return bool(item) if kind is dict or kind is list or kind is tuple else True


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
