"""The walk where it is known which texts hold a secret: no text is searched, and most are passed by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import cast

from sentry_filters.redaction.keys import KeyJudge, Sensitivity, words
from sentry_filters.redaction.structure import values
from sentry_filters.redaction.structure.lines import CONTEXT
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
        if self._holds_known(value) or (self._names and self._is_suspect(value)):
            result = super()._container(value, _HARMLESS, self._path(), plain=True)
        else:
            result = self._copied(value)
        self._passed_by[place] = result
        return result

    def _copied(self, value: _Container) -> object:
        """`value`, or a copy with the containers that change: no text or key of its own does."""
        trail, result = self._trail, value
        items: Iterable[tuple[object, object]] = value.items() if type(value) is dict else enumerate(value)
        for key, item in items:
            kind = type(item)
            if kind is str:
                continue
            if kind is dict or kind is list:
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

    def _holds_known(self, value: _Container) -> bool:
        """Whether a text or a key of `value` holds something secret, or a line of a frame's source does."""
        known = self._known
        items: Iterable[object] = value
        if isinstance(value, dict):
            if not known.keys().isdisjoint(value.keys()):
                return True
            items = value.values()
            if CONTEXT[1] in value:
                lines = (line for name in CONTEXT if type(part := value.get(name)) is list for line in part)
                items = chain(items, lines)
        return any(type(item) is str and item in known for item in items)

    def _path(self, *further: object) -> Path:
        if not self._account:
            return ()
        return tuple(step if isinstance(step, str | int) else str(step) for step in (*self._trail, *further))

    def _is_suspect(self, value: _Container) -> bool:
        return self._is_named(value) if isinstance(value, dict) else self._may_be_named(value)

    def _is_named(self, container: Mapping[object, object]) -> bool:
        """Whether a key of `container` may indicate a secret."""
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
            joined = "\0".join(("", *items))  # type: ignore[arg-type]
            are_options = "\0-" in joined or "\0'-" in joined
        except (TypeError, KeyError):  # not all of them are texts
            are_options = str in map(type, items)
        return are_options and bool(values.option_values(items, self._judge))
