"""The first look at a structure: where in it something may be secret, as cheaply as possible."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import cast
from uuid import UUID

from sentry_filters.redaction.keys import KeyJudge, Sensitivity, words
from sentry_filters.redaction.structure import values
from sentry_filters.redaction.text import Range, TextScanner

# Between joined texts: one for the hit that takes what follows it, one to be the boundary before the next.
_BETWEEN = "\0\0"
DEEPEST = 100  # levels of containers; what is deeper is withheld
HARMLESS_TYPES = frozenset(
    (type(None), bool, int, float, complex, Decimal, date, datetime, time, timedelta, UUID)
)
PLAIN_TYPES = frozenset((dict, list, tuple))
Redacted = dict[str, tuple[str, list[Range]]]
"""Texts in which something is secret, each as it is without, and with where its marks are then."""


class Survey:
    """One pass over plain dicts, lists, tuples and texts; whatever else it meets calls for the walk.

    `suspects` holds the ids of the containers in which, at any depth, something may be secret; `redacted`
    holds the texts in which something is. The lists below are parallel: they cost an `append` where a record
    for each container would cost more than all the rest.
    """

    def __init__(self, value: object, scanner: TextScanner, judge: KeyJudge) -> None:
        self._judge = judge
        self._is_known, self._are_known = judge.harmless.lookups()  # keys that need no look
        self._new_keys: list[str] = []
        self._containers: list[object] = [value]
        self._parents: list[int] = [-1]
        self._first_text: list[int] = []  # of each container, its index among the texts
        self._texts: list[str] = []
        self._suspects: set[int] = set()  # the indexes of containers that call for the walk
        self._look()
        self.redacted: Redacted = {}
        self._search(scanner)
        judge.harmless.add(key for key in self._new_keys if key not in self.redacted)
        self.suspects = self._with_parents()

    def _look(self) -> None:
        """Level by level, so that depth is known without counting it for every item."""
        containers, seen, start = self._containers, set[int](), 0
        for _ in range(DEEPEST):
            level = containers[start:]
            if not level:
                return
            ids = set(map(id, level))
            if len(ids) < len(level) or not seen.isdisjoint(ids):
                self._drop_seen(level, start, set(seen))  # shared containers, or a cycle: the walk finds out
            seen |= ids
            self._look_at_level(level, start)
            start += len(level)
        self._suspects.update(range(start, len(containers)))

    def _drop_seen(self, level: list[object], start: int, met: set[int]) -> None:
        """Put an empty tuple into `level` for each container that was met before."""
        for place, container in enumerate(level):
            if id(container) in met:
                self._suspects.add(start + place)
                level[place] = ()
            met.add(id(container))

    def _look_at_level(self, level: list[object], start: int) -> None:
        texts, containers, are_known = self._texts, self._containers, self._are_known
        note_start, note_text = self._first_text.append, texts.append
        note_container, note_parent = containers.append, self._parents.append
        for place, container in enumerate(level, start):
            note_start(len(texts))
            items: Iterable[object]
            if type(container) is dict:
                items = container.values()
                if not are_known(container) and self._are_keys_suspect(container):
                    self._suspects.add(place)
            else:
                items = cast("Sequence[object]", container)
                if len(items) == 2 and values.pair_value(items, self._judge):
                    self._suspects.add(place)
            for item in items:
                kind = type(item)
                if kind is str:
                    note_text(item)  # type: ignore[arg-type]
                elif kind in PLAIN_TYPES:
                    if item:
                        note_container(item)
                        note_parent(place)
                elif kind not in HARMLESS_TYPES:
                    self._suspects.add(place)

    def _are_keys_suspect(self, container: Mapping[object, object]) -> bool:
        """Whether a key of `container` may indicate a secret; new keys are searched as texts, too."""
        is_suspect = False
        for key, item in container.items():
            if type(key) is str:
                if not self._is_known(key):
                    is_suspect = self._is_new_key_suspect(key, item) or is_suspect
            elif type(key) not in HARMLESS_TYPES:
                is_suspect = True
        if not is_suspect and not words.VALUING.isdisjoint(container):
            valuing, verdict = values.named_value(container, self._judge)
            is_suspect = may_be_secret(container[valuing], verdict)
        return is_suspect

    def _is_new_key_suspect(self, key: str, item: object) -> bool:
        self._texts.append(key)
        verdict = self._judge(key)
        if not verdict:
            self._new_keys.append(key)
        return may_be_secret(item, verdict)

    def _search(self, scanner: TextScanner) -> None:
        """Find the texts in which something is secret: all of them are searched at once.

        A hit in the joined text is only a reason to look at the texts that it touches: what is beside the
        border of two may be a hit of neither, but no hit of either is missed.
        """
        texts = self._texts
        joined = _BETWEEN.join(texts).encode("utf-8", "surrogatepass")
        if joined.startswith((b"-", b"'-")) or b"\0-" in joined or b"\0'-" in joined:
            self._look_for_options()
        hits = list(scanner.suspects(joined))
        if not hits:
            return
        ascii_only = len(joined) == sum(map(len, texts)) + len(_BETWEEN) * (len(texts) - 1)
        encoded = texts if ascii_only else (each.encode("utf-8", "surrogatepass") for each in texts)
        ends = list(accumulate(size + len(_BETWEEN) for size in map(len, encoded)))
        clean: set[str] = set()
        for start, end in hits:
            for index in range(bisect_right(ends, start), min(bisect_right(ends, end - 1) + 1, len(texts))):
                if self._is_redacted(texts[index], scanner, clean):
                    self._suspects.add(self._container_of(index))

    def _is_redacted(self, text: str, scanner: TextScanner, clean: set[str]) -> bool:
        """Whether something in `text` is secret, or may be in the next; `clean` hold nothing."""
        if text not in clean and text not in self.redacted:
            result = scanner.redact_text(text)
            if result[0] is text:
                clean.add(text)
            else:
                self.redacted[text] = result
        return text in self.redacted or scanner.is_open(text)

    def _look_for_options(self) -> None:
        """Find the lists in which an option precedes its value."""
        for index, each in enumerate(self._texts):
            if values.is_option(each):
                place = self._container_of(index)
                container = self._containers[place]
                if type(container) in (list, tuple) and values.option_values(container, self._judge):  # type: ignore[arg-type]
                    self._suspects.add(place)

    def _container_of(self, index: int) -> int:
        """The index of the container that holds the text at `index`."""
        return bisect_right(self._first_text, index) - 1

    def _with_parents(self) -> set[int]:
        """The ids of the suspect containers, and of all that hold them.

        The way up is remembered by index, not by id: a container that is in two places has two ways.
        """
        places: set[int] = set()
        for suspect in self._suspects:
            place = suspect
            while place >= 0 and place not in places:
                places.add(place)
                place = self._parents[place]
        return {id(self._containers[place]) for place in places}


def may_be_secret(item: object, verdict: Sensitivity) -> bool:
    """Whether `item`, or something in it, may be secret under a key judged so."""
    if verdict is Sensitivity.HARMLESS:
        return False
    kind = type(item)
    if kind is str:
        return bool(values.secret_parts(item.encode("utf-8", "surrogatepass"), verdict))  # type: ignore[attr-defined]
    if kind in HARMLESS_TYPES:
        return values.is_secret_number(item, verdict)
    return bool(item) if kind in PLAIN_TYPES else True
