"""The walk through a structure that may hold secrets: a redacted copy, and an account of what was removed."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import partial
from typing import TypeVar

from sentry_filters.redaction.findings import REDACTED, WITHHELD, Finding
from sentry_filters.redaction.keys import KeyJudge, Sensitivity, split_words, words
from sentry_filters.redaction.structure import values
from sentry_filters.redaction.structure.lines import changed_lines, redacted_lines, with_redacted_context
from sentry_filters.redaction.structure.survey import DEEPEST, HARMLESS_TYPES, PLAIN_TYPES, Redacted, Survey
from sentry_filters.redaction.text import Range, TextScanner

_MOST_FINDINGS = 1000  # an account that is longer than the event helps nobody
_HARMLESS = Sensitivity.HARMLESS
Path = tuple[str | int, ...]
Lines = TypeVar("Lines", bound=Sequence[object] | Mapping[object, object])


class Walk:
    """One walk through one structure; made anew for each. Nothing raises, nothing is mutated."""

    def __init__(self, scanner: TextScanner, judge: KeyJudge, *, account: bool = False) -> None:
        self._scanner, self._judge = scanner, judge
        self._account = account
        self._open: set[int] = set()  # the containers that the walk is in
        self._done: dict[tuple[int, Sensitivity], object] = {}
        self._pairs: set[int] = set()  # the lists of two in a list of such
        self._survey: Survey | None = None
        self.findings: list[Finding] = []

    def redacted(self, value: object) -> object:
        """`value` without secrets; the identical object when there are none."""
        if type(value) in PLAIN_TYPES:
            try:
                self._survey = Survey(value, self._scanner, self._judge)
            except Exception:  # noqa: BLE001 - changed by another thread in the meantime: look at every text
                self._survey = None
        return self._value(value, _HARMLESS, (), plain=self._survey is not None)

    def is_clean_under(self, value: object, verdict: Sensitivity) -> bool:
        """Whether the walk removes nothing of `value`, whose key is judged so."""
        return self._value(value, verdict, (), plain=False) is value

    def _value(
        self, value: object, verdict: Sensitivity, path: Path, *, plain: bool, doubtful: bool = False
    ) -> object:
        """`value` without secrets; `plain`: the survey has seen the texts in it."""
        try:
            if isinstance(value, str):
                return self._str(value, verdict, path, plain=plain, doubtful=doubtful)
            if type(value) in HARMLESS_TYPES:
                return self._marked(path) if values.is_secret_number(value, verdict) else value
            if isinstance(value, bytes | bytearray | memoryview):
                return self._bytes(value, verdict, path)
            return self._container(value, verdict, path, plain=plain)
        except Exception:  # noqa: BLE001 - fail closed, as small as possible: this value only
            return self._withheld(path)

    def _str(self, value: str, verdict: Sensitivity, path: Path, *, plain: bool, doubtful: bool) -> str:
        known = self._redacted_texts()
        if plain and verdict is _HARMLESS and known is not None and type(value) is str:
            clean, marks = known.get(value, (value, []))
        else:
            named = partial(_named, verdict=verdict, doubtful=doubtful)
            clean, marks = self._scanner.redact_text(value, named)
        if clean is not value:
            self._note(path, value, marks)
        return clean

    def _bytes(self, value: bytes | bytearray | memoryview, verdict: Sensitivity, path: Path) -> object:
        data = bytes(value)
        clean, marks = self._scanner.redact_bytes(data)
        if values.secret_parts(data, verdict) or values.secret_parts(clean, verdict):
            return self._marked(path).encode()
        if clean is data or not marks:
            return value
        self._note(path, None, marks)
        return bytearray(clean) if isinstance(value, bytearray) else clean

    def _container(self, value: object, verdict: Sensitivity, path: Path, *, plain: bool) -> object:
        if verdict is Sensitivity.CONTENT and not _is_empty(value):
            return self._marked(path)
        if plain and verdict is _HARMLESS and self._is_surveyed_clean(value):
            return value
        if id(value) in self._open or len(self._open) >= DEEPEST:
            return self._withheld(path)
        judged = (id(value), verdict)
        if judged in self._done:
            return self._done[judged]
        self._open.add(id(value))
        try:
            result = self._looked_into(value, verdict, path, plain=plain)
        finally:
            self._open.discard(id(value))
        if plain:  # else it may be temporary, and its id another's tomorrow
            self._done[judged] = result
        return result

    def _redacted_texts(self) -> Redacted | None:
        """The plain texts in which something is secret; None where nobody has searched them."""
        return None if self._survey is None else self._survey.redacted

    def _is_surveyed_clean(self, value: object) -> bool:
        survey = self._survey
        return type(value) in PLAIN_TYPES and survey is not None and id(value) not in survey.suspects

    def _looked_into(self, value: object, verdict: Sensitivity, path: Path, *, plain: bool) -> object:
        plain = plain and type(value) in PLAIN_TYPES
        if isinstance(value, Mapping):
            return self._mapping(value, verdict, path, plain=plain)
        if isinstance(value, list | tuple) and not _is_named_tuple(value):
            return self._list(value, verdict, path, plain=plain)
        if isinstance(value, Set):
            return self._set(value, verdict, path)
        if (fields := _fields(value)) is not None:
            return self._record(value, fields, verdict, path)
        if isinstance(value, Sequence) and not isinstance(value, range):
            items = list(value)
            result = self._list(items, verdict, path, plain=False)
            return value if result is items else result
        return self._object(value, path)

    def _set(self, value: Set[object], verdict: Sensitivity, path: Path) -> object:
        items = list(value)
        result = [self._value(item, verdict, (*path, at), plain=False) for at, item in enumerate(items)]
        if all(map(operator.is_, result, items)):
            return value
        return frozenset(result) if isinstance(value, frozenset) else set(result)

    def _record(
        self, value: object, fields: dict[object, object], verdict: Sensitivity, path: Path
    ) -> object:
        """The fields of `value` without secrets; itself when they, and its own text, hold none."""
        result = self._mapping(fields, verdict, path, plain=False)
        return result if result is not fields else self._object(value, path)

    def _object(self, value: object, path: Path) -> object:
        """Any other object becomes text sooner or later: it is kept when both of its texts are clean."""
        for text in (repr(value), str(value)):
            clean, marks = self._scanner.redact_text(text)
            if clean is not text:
                self._note(path, text, marks)
                return clean
        return value

    def _mapping(
        self, value: Mapping[object, object], verdict: Sensitivity, path: Path, *, plain: bool
    ) -> object:
        value, plain = self._together(value, with_redacted_context(self._scanner, value), path, plain=plain)
        valuing, named = values.named_value(value, self._judge)
        result: dict[object, object] = {}
        changed = False
        for key, item in value.items():
            new_key = self._key(key, plain=plain)
            own = self._sensitivity(key, verdict)
            if new_key is not key:
                new_key = _free(new_key, result, value)
                self._add((Finding(path, "key", None, None),))
                # A second pass sees the new name only: it must have nothing to add.
                own = max(own, self._sensitivity(new_key, verdict))
            if named and key == valuing and verdict < Sensitivity.SECRET:
                own = max(own, named)
            new_item = self._value(item, own, self._step(path, new_key), plain=plain)
            changed = changed or new_item is not item or new_key is not key
            result[new_key] = new_item
        return result if changed else value

    def _step(self, path: Path, key: object) -> Path:
        return (*path, key if isinstance(key, str | int) else str(key)) if self._account else path

    def _sensitivity(self, key: object, verdict: Sensitivity) -> Sensitivity:
        """What `key` indicates about its value, in a container whose own key was judged `verdict`."""
        own = _HARMLESS
        if isinstance(key, str):
            own = self._judge(key)
        elif isinstance(key, bytes):
            own = self._judge(key.decode("latin-1"))
        return own if verdict is _HARMLESS else _inherited(own, verdict, key)

    def _key(self, key: object, *, plain: bool) -> object:
        """`key` without secrets: a text like any text, any other object if its repr holds some."""
        if type(key) in HARMLESS_TYPES:
            return key
        if isinstance(key, str):
            known = self._redacted_texts()
            if plain and known is not None and type(key) is str:
                return known.get(key, (key,))[0]
            return self._scanner.redact_text(key)[0]
        if isinstance(key, bytes):
            return self._scanner.redact(key)[0]
        text = repr(key)
        clean_text, _ = self._scanner.redact_text(text)
        return key if clean_text is text else clean_text

    def _list(self, value: Sequence[object], verdict: Sensitivity, path: Path, *, plain: bool) -> object:
        options = values.option_values(value, self._judge)
        paired = values.pair_value(value, self._judge) if verdict < Sensitivity.SECRET else _HARMLESS
        lone = id(value) not in self._pairs
        lines, plain = self._together(value, redacted_lines(self._scanner, value), path, plain=plain)
        if values.are_pairs(value):
            self._pairs.update(map(id, value))
        result: list[object] = []
        for index, item in enumerate(lines):
            own = max(verdict, options.get(index, _HARMLESS), paired if index == 1 else _HARMLESS)
            step = (*path, index) if self._account else path
            new = self._value(item, own, step, plain=plain, doubtful=lone and index == 1 and own > verdict)
            result.append(new)
        if all(map(operator.is_, result, value)):
            return value
        return tuple(result) if isinstance(value, tuple) else result

    def _together(self, value: Lines, clean: Lines, path: Path, *, plain: bool) -> tuple[Lines, bool]:
        """`clean`, which is `value` with lines redacted together; and whether the survey has seen it."""
        if clean is value:
            return value, plain
        places: list[Path] = list(changed_lines(value, clean))
        for place in places:
            self._note((*path, *place), None, (Range(0, len(REDACTED), "lines"),))
        return clean, False

    def _marked(self, path: Path, mark: str = REDACTED, kind: str = "key") -> str:
        self._note(path, None, (Range(0, len(mark), kind),))
        return mark

    def _withheld(self, path: Path) -> str:
        return self._marked(path, WITHHELD, "withheld")

    def _note(self, path: Path, text: str | None, marks: Iterable[Range]) -> None:
        length = None if text is None else len(text)
        self._add(Finding(path, mark.kind, mark.start, mark.end, length) for mark in marks)

    def _add(self, findings: Iterable[Finding]) -> None:
        if self._account and len(self.findings) < _MOST_FINDINGS:
            self.findings += findings


def _named(value: bytes, verdict: Sensitivity, *, doubtful: bool) -> Iterator[Range]:
    """What is secret in `value` under a key judged so, for the pass over text."""
    return (Range(*part, "key") for part in values.secret_parts(value, verdict, doubtful=doubtful))


def _inherited(own: Sensitivity, verdict: Sensitivity, key: object) -> Sensitivity:
    """What a key indicates whose container is under a sensitive key itself."""
    if verdict >= Sensitivity.HEADER:  # the name of a cookie, of a header's part, of a message's part
        return verdict if verdict is Sensitivity.CONTENT else Sensitivity.SECRET
    named = split_words(key) if isinstance(key, str) else ()
    if all(word in words.NEUTRAL or word.isdigit() for word in named):
        return max(own, verdict)
    return max(own, Sensitivity.POSSIBLE) if words.ABOUT.isdisjoint(named) else own


def _is_empty(value: object) -> bool:
    return isinstance(value, Sequence | Mapping) and not len(value)


def _is_named_tuple(value: object) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def _fields(value: object) -> dict[object, object] | None:
    """The fields of a named tuple or a dataclass; None of anything else."""
    if _is_named_tuple(value):
        return dict(zip(value._fields, value, strict=True))  # type: ignore[attr-defined, call-overload]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return None


def _free(key: object, taken: Mapping[object, object], original: Mapping[object, object]) -> object:
    """`key`, with a suffix where another key has that name already."""
    candidate, number = key, 2
    while candidate in taken or candidate in original:
        candidate = f"{key}-{number}" if isinstance(key, str) else b"%s-%d" % (key, number)
        number += 1
    return candidate
