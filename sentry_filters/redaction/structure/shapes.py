"""The shapes in which structures hold a name and its value apart: pairs, records, command lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sentry_filters.redaction.keys import NAMING, VALUING, KeyJudge, Sensitivity

_NAME = re.compile(r"[\w.\-]{1,64}(?: [\w.\-]{1,32}){0,2}:?")


def named_value(record: Mapping[object, object], judge: KeyJudge) -> tuple[str, Sensitivity]:
    """Of `{"name": "Authorization", "value": …}`: the key of the value, and what the name says about it."""
    for valuing in VALUING:
        if valuing in record:
            names = (record[naming] for naming in NAMING if naming in record)
            return valuing, max((_named(name, judge) for name in names), default=Sensitivity.HARMLESS)
    return "", Sensitivity.HARMLESS


def are_pairs(items: Sequence[object]) -> bool:
    """Whether `items` is a list of pairs, as headers, tags and query strings are."""
    return bool(items) and all(
        type(item) in (list, tuple) and len(item) == 2 and type(item[0]) is str  # type: ignore[arg-type, index]
        for item in items
    )


def pair_value(items: Sequence[object], judge: KeyJudge) -> Sensitivity:
    """Of `["api_key", …]`: what the first says about the second."""
    return _named(items[0], judge) if len(items) == 2 else Sensitivity.HARMLESS


def option_values(items: Sequence[object], judge: KeyJudge) -> dict[int, Sensitivity]:
    """Of `["--api-key", …]`: what each option says about the item behind it, by that item's place."""
    found: dict[int, Sensitivity] = {}
    for index in range(len(items) - 1):
        item = items[index]
        if type(item) is str and item[:1] == "-" and "=" not in item:
            verdict = judge(item)
            if verdict is not Sensitivity.HARMLESS:
                found[index + 1] = verdict
    return found


def _named(name: object, judge: KeyJudge) -> Sensitivity:
    """What `name` says, if it is a name: other texts that stand in such places are no keys."""
    return judge(name) if type(name) is str and is_name(name) else Sensitivity.HARMLESS


def is_naming(key: str) -> bool:
    """Whether `key` is one of those that hold a name, or the value which that names."""
    return key in NAMING or key in VALUING


def is_name(text: str) -> bool:
    """Whether `text` may name the value beside it: a source line or a sentence does not."""
    return _NAME.fullmatch(text) is not None
