"""The walk through a structure that may hold something: a redacted copy, and an account of what went."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterable, Mapping, Sequence, Set

from sentry_filters.redaction.findings import REDACTED, WITHHELD, Finding
from sentry_filters.redaction.keys import ABOUT, NEUTRAL, KeyJudge, Sensitivity, split_words
from sentry_filters.redaction.structure.shapes import are_pairs, named_value, option_values, pair_value
from sentry_filters.redaction.structure.survey import DEEPEST, HARMLESS_TYPES, PLAIN_TYPES, Survey
from sentry_filters.redaction.structure.values import number_goes, parts_that_go
from sentry_filters.redaction.text import Span, TextPass

_MOST_FINDINGS = 1000  # an account that is longer than the event helps nobody
_PASSES = 4  # as in the pass over text
_HARMLESS = Sensitivity.HARMLESS
Path = tuple[str | int, ...]


class Walk:
    """One walk through one structure; made anew for each. Nothing raises, nothing is mutated."""

    def __init__(self, text: TextPass, judge: KeyJudge, *, account: bool = False) -> None:
        self._text, self._judge = text, judge
        self._account = account
        self._open: set[int] = set()  # the containers that the walk is in
        self._done: dict[tuple[int, Sensitivity], object] = {}
        self._pairs: set[int] = set()  # the lists of two that stand in a list of such
        self._survey: Survey | None = None
        self.findings: list[Finding] = []

    def redacted(self, value: object) -> object:
        """`value` without secrets; the identical object when there are none."""
        if type(value) in PLAIN_TYPES:
            try:
                self._survey = Survey(value, self._text, self._judge)
            except Exception:  # noqa: BLE001 - changed by another thread in the meantime: look at every text
                self._survey = None
        return self._value(value, _HARMLESS, (), plain=self._survey is not None)

    def _value(
        self, value: object, verdict: Sensitivity, path: Path, *, plain: bool, doubtful: bool = False
    ) -> object:
        """What becomes of `value`; `plain` says that the survey has seen the texts in it."""
        try:
            if isinstance(value, str):
                return self._str(value, verdict, path, plain=plain, doubtful=doubtful)
            if type(value) in HARMLESS_TYPES:
                return self._marked(path) if number_goes(value, verdict) else value
            if isinstance(value, bytes | bytearray | memoryview):
                return self._bytes(value, verdict, path)
            return self._container(value, verdict, path, plain=plain)
        except Exception:  # noqa: BLE001 - fail closed, as small as possible: this value only
            return self._withheld(path)

    def _str(self, value: str, verdict: Sensitivity, path: Path, *, plain: bool, doubtful: bool) -> str:
        if verdict is not _HARMLESS:
            data = value.encode("utf-8", "surrogatepass")
            if parts := parts_that_go(data, verdict, doubtful=doubtful):
                return self._without(value, data, verdict, parts, path)
        if plain and self._survey is not None and type(value) is str:
            clean, marks = self._survey.redacted.get(value, (value, ()))
        else:
            clean, marks = self._text.redact_text(value)
        if clean is value:
            return value
        if verdict is not _HARMLESS:  # `{name}` refers to a secret, `{[REDACTED]` was none
            data = clean.encode("utf-8", "surrogatepass")
            if parts := parts_that_go(data, verdict, doubtful=doubtful):
                return self._without(value, data, verdict, parts, path)
        self._note(path, value, marks)
        return clean

    def _without(
        self, value: str, data: bytes, verdict: Sensitivity, parts: Sequence[tuple[int, int]], path: Path
    ) -> str:
        """`value` without the parts that its key condemns, and without what has a form of its own."""
        marks: list[Span] = []
        for _ in range(_PASSES):
            if not parts:
                break
            data, marks = self._text.redact(data, [Span(*part, "key") for part in parts], marks)
            parts = parts_that_go(data, verdict)
        self._note(path, value, marks)
        return data.decode("utf-8", "surrogatepass")

    def _bytes(self, value: bytes | bytearray | memoryview, verdict: Sensitivity, path: Path) -> object:
        data = bytes(value)
        if verdict is not _HARMLESS and parts_that_go(data, verdict):
            self._marked(path)
            return REDACTED.encode()
        clean, marks = self._text.redact(data)
        if clean is data or not marks:
            return value
        if verdict is not _HARMLESS and parts_that_go(clean, verdict):
            self._marked(path)
            return REDACTED.encode()
        self._note(path, None, marks)
        return bytearray(clean) if isinstance(value, bytearray) else clean

    def _container(self, value: object, verdict: Sensitivity, path: Path, *, plain: bool) -> object:
        if verdict is Sensitivity.CONTENT and (not isinstance(value, Sequence | Mapping) or len(value)):
            return self._marked(path)
        if plain and verdict is _HARMLESS and type(value) in PLAIN_TYPES and not self._touched(value):
            return value
        if id(value) in self._open or len(self._open) >= DEEPEST:
            return self._withheld(path)
        known = (id(value), verdict)
        if known in self._done:
            return self._done[known]
        self._open.add(id(value))
        try:
            result = self._looked_into(value, verdict, path, plain=plain)
        finally:
            self._open.discard(id(value))
        if plain:  # else it may be temporary, and its id another's tomorrow
            self._done[known] = result
        return result

    def _touched(self, value: object) -> bool:
        return self._survey is None or id(value) in self._survey.touched

    def _looked_into(self, value: object, verdict: Sensitivity, path: Path, *, plain: bool) -> object:
        if isinstance(value, Mapping):
            return self._mapping(value, verdict, path, plain=plain and type(value) is dict)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return self._mapping_or(value, dict(zip(value._fields, value, strict=True)), verdict, path)
        if isinstance(value, list | tuple):
            return self._list(value, verdict, path, plain=plain and type(value) in (list, tuple))
        if isinstance(value, Set):
            items = list(value)
            changed = [
                self._value(item, verdict, (*path, index), plain=False) for index, item in enumerate(items)
            ]
            if all(new is old for new, old in zip(changed, items, strict=True)):
                return value
            return frozenset(changed) if isinstance(value, frozenset) else set(changed)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields: dict[object, object] = {
                field.name: getattr(value, field.name) for field in dataclasses.fields(value)
            }
            return self._mapping_or(value, fields, verdict, path)
        if isinstance(value, Sequence) and not isinstance(value, range):
            return self._list(list(value), verdict, path, plain=False, original=value)
        return self._object(value, path)

    def _mapping_or(
        self, value: object, fields: dict[object, object], verdict: Sensitivity, path: Path
    ) -> object:
        """`value` itself when its fields are clean and it says no more than they do, else the fields."""
        changed = self._mapping(fields, verdict, path, plain=False)
        return changed if changed is not fields else self._object(value, path)

    def _object(self, value: object, path: Path) -> object:
        """Any other object leaves as text sooner or later: it stays when both of its texts are clean."""
        for text in (repr(value), str(value)):
            clean, marks = self._text.redact_text(text)
            if clean is not text:
                self._note(path, text, marks)
                return clean
        return value

    def _mapping(
        self, value: Mapping[object, object], verdict: Sensitivity, path: Path, *, plain: bool
    ) -> object:
        valuing, named = named_value(value, self._judge)
        result: dict[object, object] = {}
        changed = False
        for key, item in value.items():
            new_key = self._key(key, plain=plain) if type(key) not in HARMLESS_TYPES else key
            own = self._sensitivity(key, verdict)
            if new_key is not key:
                new_key = _free(new_key, result, value)
                self._note_key(path)
                # A second pass sees the new name only: it must have nothing to add.
                own = max(own, self._sensitivity(new_key, verdict))
            if named and key == valuing and verdict < Sensitivity.SECRET:
                own = max(own, named)
            new_item = self._value(item, own, (*path, _step(new_key)) if self._account else path, plain=plain)
            changed = changed or new_item is not item or new_key is not key
            result[new_key] = new_item
        return result if changed else value

    def _sensitivity(self, key: object, verdict: Sensitivity) -> Sensitivity:
        """What `key` says about its value, in a container whose own key was judged `verdict`."""
        own = _HARMLESS
        if isinstance(key, str):
            own = self._judge(key)
        elif isinstance(key, bytes):
            own = self._judge(key.decode("latin-1"))
        return own if verdict is _HARMLESS else _inherited(own, verdict, key)

    def _key(self, key: object, *, plain: bool) -> object:
        """What becomes of a key: text as any text, whatever else is redacted by what it says."""
        if isinstance(key, str):
            if plain and self._survey is not None and type(key) is str:
                return self._survey.redacted.get(key, (key,))[0]
            return self._text.redact_text(key)[0]
        if isinstance(key, bytes):
            clean, _ = self._text.redact(key)
            return clean
        text = repr(key)
        clean_text, _ = self._text.redact_text(text)
        return key if clean_text is text else clean_text

    def _list(
        self,
        value: Sequence[object],
        verdict: Sensitivity,
        path: Path,
        *,
        plain: bool,
        original: object = None,
    ) -> object:
        options = option_values(value, self._judge)
        paired = pair_value(value, self._judge) if verdict < Sensitivity.SECRET else _HARMLESS
        lone = id(value) not in self._pairs
        if are_pairs(value):
            self._pairs.update(map(id, value))
        result: list[object] = []
        for index, item in enumerate(value):
            own = max(verdict, options.get(index, _HARMLESS), paired if index == 1 else _HARMLESS)
            step = (*path, index) if self._account else path
            new = self._value(item, own, step, plain=plain, doubtful=lone and index == 1 and own > verdict)
            result.append(new)
        if all(map(operator.is_, result, value)):
            return value if original is None else original
        return tuple(result) if isinstance(value, tuple) else result

    def _marked(self, path: Path, mark: str = REDACTED, kind: str = "key") -> str:
        self._note(path, None, (Span(0, len(mark), kind),))
        return mark

    def _withheld(self, path: Path) -> str:
        return self._marked(path, WITHHELD, "withheld")

    def _note_key(self, path: Path) -> None:
        if self._account and len(self.findings) < _MOST_FINDINGS:
            self.findings.append(Finding(path, "key", None, None))

    def _note(self, path: Path, text: str | None, marks: Iterable[Span]) -> None:
        if self._account and len(self.findings) < _MOST_FINDINGS:
            length = None if text is None else len(text)
            self.findings += (Finding(path, mark.kind, mark.start, mark.end, length) for mark in marks)


def _inherited(own: Sensitivity, verdict: Sensitivity, key: object) -> Sensitivity:
    """What a key says whose container stands under a sensitive key itself."""
    if verdict >= Sensitivity.HEADER:  # the name of a cookie, of a header's part, of a message's part
        return verdict if verdict is Sensitivity.CONTENT else Sensitivity.SECRET
    words = split_words(key) if isinstance(key, str) else ()
    if all(word in NEUTRAL or word.isdigit() for word in words):
        return max(own, verdict)
    return own if any(word in ABOUT for word in words) else max(own, Sensitivity.POSSIBLE)


def _step(key: object) -> str | int:
    return key if isinstance(key, str | int) else str(key)


def _free(key: object, taken: Mapping[object, object], original: Mapping[object, object]) -> object:
    """`key`, with a suffix where another key is called so already."""
    candidate, number = key, 2
    while candidate in taken or candidate in original:
        candidate = f"{key}-{number}" if isinstance(key, str) else b"%s-%d" % (key, number)
        number += 1
    return candidate
