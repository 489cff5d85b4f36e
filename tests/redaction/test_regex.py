"""The seam below re2's own search: private, so pinned here for every release that is tested."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from sentry_filters.redaction.regex import Regex, compile_finder, deferred_regex


def test_finder_finds_what_search_finds() -> None:
    pattern, data = "b+|[0-9]{2}", b"xx bb \xff 12 b"
    find, regex = compile_finder(pattern), Regex(pattern)

    at, found = 0, []
    while (place := find(data, at))[0] >= 0:
        found.append(place)
        at = place[1]

    assert found == [(match.start(), match.end()) for match in regex.finditer(data)]
    assert find(data, len(data)) == (-1, -1)


def test_a_deferred_regex_does_what_a_compiled_one_does() -> None:
    pattern, data = "(b)+|([0-9]{2})", b"xx bb \xff 12 b"
    regex, deferred = Regex(pattern), deferred_regex(pattern)

    assert deferred.groups == regex.groups
    assert deferred_regex(pattern).match(data, 3) is not None
    assert [match.end() for match in deferred.finditer(data)] == [
        match.end() for match in regex.finditer(data)
    ]
    with pytest.raises(ValueError, match="RE2 refuses"):
        deferred_regex("(").search(data)


@pytest.mark.parametrize("make", [Regex, deferred_regex])
def test_only_the_thread_that_exits_uses_a_regex_from_then_on(make: Callable[[str], Regex]) -> None:
    regex, refused = make("b+"), []

    def search() -> None:
        try:
            regex.search(b"abb")
        except RuntimeError:
            refused.append(True)

    regex.end()
    assert regex.search(b"abb") is not None
    thread = threading.Thread(target=search)
    thread.start()
    thread.join()

    assert refused == [True]
