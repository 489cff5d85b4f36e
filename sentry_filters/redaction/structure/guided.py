"""The walk where it is known which texts hold a secret: no text is searched, and most are passed by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from sentry_filters.redaction.keys import KeyJudge, Sensitivity, words
from sentry_filters.redaction.structure import values
from sentry_filters.redaction.structure.survey import HARMLESS_TYPES, Redacted, may_be_secret
from sentry_filters.redaction.structure.walk import Path, Walk
from sentry_filters.redaction.text import TextScanner

_HARMLESS = Sensitivity.HARMLESS
_COPIED = frozenset((dict, list))
_Container = dict[object, object] | list[object]


class GuidedWalk(Walk):
    """A walk through what was looked at in serialised form; it finds what any other walk would find.

    A container whose keys indicate nothing about its values is copied only where something in it changes; any
    other one is judged as every walk judges it.

    Args:
        scanner: Searches what is no plain text.
        judge: Judges the keys.
        known: Every text in which something is secret.
        names: Whether a name may indicate that something else is.
        account: Whether findings are noted.
    """

    def __init__(
        self, scanner: TextScanner, judge: KeyJudge, known: Redacted, *, names: bool, account: bool = False
    ) -> None:
        super().__init__(scanner, judge, account=account)
        self._known, self._names = known, names
        self._is_harmless, self._are_harmless = judge.harmless.lookups()
        self._new_keys: list[str] = []
        self._passed_by: dict[int, object] = {}
        self._trail: list[object] = []  # from the top to where it is

    def redacted(self, value: object) -> object:
        """`value` without secrets; the identical object when there are none.

        Raises what a container raises that is changed by another thread in the meantime.
        """
        outermost = self._container if type(value) in _COPIED else self._value
        result = outermost(value, _HARMLESS, (), plain=True)
        self._judge.harmless.add(self._new_keys)
        return result

    def _redacted_texts(self) -> Redacted:
        return self._known

    def _container(self, value: object, verdict: Sensitivity, path: Path, *, plain: bool) -> object:
        if plain and verdict is _HARMLESS and type(value) in _COPIED and value:
            outer, self._trail = self._trail, list(path)
            try:
                return self._passed(cast("_Container", value))
            finally:
                self._trail = outer
        return super()._container(value, verdict, path, plain=plain)

    def _passed(self, value: _Container) -> object:
        """`value`, or a copy with the items that change."""
        place = id(value)
        if place in self._passed_by:
            return self._passed_by[place]
        items: Iterable[tuple[object, object]]
        if isinstance(value, dict):
            items = value.items()
            is_suspect = (
                self._is_suspect(value) if self._names else not self._known.keys().isdisjoint(value.keys())
            )
        else:
            items, is_suspect = enumerate(value), self._names and self._may_be_named(value)
        if is_suspect:
            result = super()._container(value, _HARMLESS, self._path(), plain=True)
        else:
            result = self._copied(value, items)
        self._passed_by[place] = result
        return result

    def _copied(self, value: _Container, items: Iterable[tuple[object, object]]) -> object:
        known, trail, result = self._known, self._trail, value
        for key, item in items:
            kind = type(item)
            if kind is str:
                if item not in known:
                    continue
                new = self._value(item, self._own(value, key), self._path(key), plain=True)
            elif kind is dict or kind is list:
                if not item:
                    continue
                trail.append(key)
                new = self._passed(item)  # type: ignore[arg-type]
                trail.pop()
            elif kind in HARMLESS_TYPES:
                continue
            else:
                new = self._value(item, _HARMLESS, self._path(key), plain=True)
            if new is not item:
                if result is value:
                    result = value.copy()
                result[key] = new  # type: ignore[call-overload]  # an index of a list, a key of a dict
        return result

    def _path(self, *further: object) -> Path:
        if not self._account:
            return ()
        return tuple(step if isinstance(step, str | int) else str(step) for step in (*self._trail, *further))

    def _own(self, container: object, key: object) -> Sensitivity:
        """What the key, and a name beside it, indicate about a text that holds something secret anyway."""
        if type(container) is not dict:
            return _HARMLESS
        valuing, named = values.named_value(container, self._judge)
        own = self._sensitivity(key, _HARMLESS)
        return max(own, named) if key == valuing else own

    def _is_suspect(self, container: Mapping[object, object]) -> bool:
        """Whether a key of `container` holds a secret, or may indicate one."""
        if self._are_harmless(container):
            return False
        for key, item in container.items():
            if type(key) is str:
                if not self._is_harmless(key) and self._is_new_key_suspect(key, item):
                    return True
            elif type(key) not in HARMLESS_TYPES:
                return True
        if words.VALUING.isdisjoint(container):
            return False
        valuing, verdict = values.named_value(container, self._judge)
        return may_be_secret(container[valuing], verdict)

    def _is_new_key_suspect(self, key: str, item: object) -> bool:
        if key in self._known:
            return True
        verdict = self._judge(key)
        if not verdict:
            self._new_keys.append(key)
        return may_be_secret(item, verdict)

    def _may_be_named(self, items: Sequence[object]) -> bool:
        """Whether an item of a list may name another one."""
        first = items[0]
        if type(first) is list and values.are_pairs(items):
            self._pairs.update(map(id, items))
        if type(first) is str and len(items) == 2 and values.pair_value(items, self._judge):
            return True
        try:
            are_options = first[:1] == "-" or "\0-" in "\0".join(items)  # type: ignore[arg-type, index]
        except (TypeError, KeyError):  # not all of them are texts
            are_options = str in map(type, items)
        return are_options and bool(values.option_values(items, self._judge))
