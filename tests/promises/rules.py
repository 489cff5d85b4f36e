"""What binds documents and tests: each rule returns what breaks it, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from tests.promises.documents import Statement
from tests.promises.naming import Naming

Descriptions = Mapping[str, Collection[str]]
"""Statements that promise nothing, by the reason why they do not."""


def unaccounted(documents: Mapping[str, Iterable[Statement]], descriptions: Descriptions) -> Iterator[str]:
    """Yield statements that neither promise nor are known as descriptions, and descriptions of nothing."""
    known = Counter(text for texts in descriptions.values() for text in texts)
    bare: set[str] = set()
    for name, stated in documents.items():
        for one in stated:
            if one.promises and one.text in known:
                yield f"{name}: both a promise and a description: {one.text}"
            elif not one.promises and one.text not in known:
                yield f"{name}: neither a promise nor a description: {one.text}"
            elif not one.promises:
                bare.add(one.text)
    yield from (f"described twice: {text}" for text, times in known.items() if times > 1)
    yield from (f"described, but in no document: {text}" for text in known if text not in bare)


def unbound(documents: Mapping[str, Iterable[Statement]], tests: Iterable[Naming]) -> Iterator[str]:
    """Yield promises that no test names, or only tests that may be skipped, and names of no promise."""
    promised = {one for stated in documents.values() for each in stated for one in each.promises}
    named: dict[str, list[Naming]] = {}
    for test in tests:
        for one in test.promises:
            named.setdefault(one, []).append(test)
    yield from (f"{one}: promised, and named by no test" for one in sorted(promised - named.keys()))
    for one in sorted(named):
        if one not in promised:
            yield f"{one}: named by {named[one][0].test}, and promised nowhere"
        elif all(test.may_skip for test in named[one]):
            yield f"{one}: each test that names it may be skipped, or is allowed to fail"
