"""The seam below re2's own search: private, so pinned here for every release that is tested."""

from __future__ import annotations

from sentry_filters.redaction.regex import compile_finder, compile_regex


def test_finder_finds_what_search_finds() -> None:
    pattern, data = "b+|[0-9]{2}", b"xx bb \xff 12 b"
    find, regex = compile_finder(pattern), compile_regex(pattern)

    at, found = 0, []
    while (place := find(data, at))[0] >= 0:
        found.append(place)
        at = place[1]

    assert found == [(match.start(), match.end()) for match in regex.finditer(data)]
    assert find(data, len(data)) == (-1, -1)
