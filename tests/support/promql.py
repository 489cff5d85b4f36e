"""Which metrics, labels and label values a PromQL expression names. It does not check the syntax."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*")'
    r"|(?P<duration>\d+(?:\.\d+)?(?:ms|[smhdwy])?\b)"
    r"|(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)"
    r"|(?P<operator>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){}\[\],@])"
)
_WORDS = {"and", "bool", "offset", "or", "unless"}
_LABEL_LISTS = {"by", "group_left", "group_right", "ignoring", "on", "without"}
_AFTER_FUNCTIONS = {"(", "by", "without"}
_GROUP = re.compile(r"\(([^()]*)\)")


@dataclass(frozen=True)
class Matcher:
    """A condition on a label.

    Args:
        label: Its name.
        operator: `=`, `!=`, `=~` or `!~`.
        value: What it is compared with.
    """

    label: str
    operator: str
    value: str


@dataclass(frozen=True)
class Named:
    """What an expression names.

    Args:
        selectors: Each metric with its matchers; alternatives in `__name__` count as several.
        labels: What it groups, joins or aggregates by.
    """

    selectors: list[tuple[str, tuple[Matcher, ...]]] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)

    @property
    def metrics(self) -> set[str]:
        """The metrics' names."""
        return {name for name, _ in self.selectors}


def named_in(expression: str) -> Named:
    """Return what an expression names."""
    tokens = [(match.lastgroup, match[0]) for match in _TOKEN.finditer(expression)]
    texts = [text for _, text in tokens]
    named = Named()
    at = 0
    while at < len(tokens):
        kind, text = tokens[at]
        following = texts[at + 1] if at + 1 < len(texts) else ""
        if text == "{":
            at = _take_selector(named, "", texts, at)
        elif kind == "name" and text in _LABEL_LISTS:
            at = _take_labels(named, texts, at + 1)
        elif kind == "name" and following == "{":
            at = _take_selector(named, text, texts, at + 1)
        else:
            if kind == "name" and following not in _AFTER_FUNCTIONS and text not in _WORDS:
                named.selectors.append((text, ()))
            at += 1
    return named


def _take_selector(named: Named, name: str, texts: Sequence[str], start: int) -> int:
    end = texts.index("}", start)
    inside = [text for text in texts[start + 1 : end] if text != ","]
    matchers = [
        Matcher(label, operator, value.strip('"'))
        for label, operator, value in zip(inside[::3], inside[1::3], inside[2::3], strict=True)
    ]
    chosen = [matcher.value for matcher in matchers if matcher.label == "__name__"]
    others = tuple(matcher for matcher in matchers if matcher.label != "__name__")
    for one in [name] if name else itertools.chain.from_iterable(map(_choices, chosen)):
        named.selectors.append((one, others))
    return end + 1


def _take_labels(named: Named, texts: Sequence[str], start: int) -> int:
    if start >= len(texts) or texts[start] != "(":
        return start
    end = texts.index(")", start)
    named.labels.update(text for text in texts[start + 1 : end] if text != ",")
    return end + 1


def _choices(pattern: str) -> Iterator[str]:
    """Return the names that a pattern with one level of alternatives stands for."""
    group = _GROUP.search(pattern)
    if group is None:
        yield pattern
        return
    for alternative in group[1].split("|"):
        yield from _choices(pattern[: group.start()] + alternative + pattern[group.end() :])
