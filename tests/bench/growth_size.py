"""Growth with size: from 1 KB to 10 MB the time for a byte must not grow."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from sentry_filters import Redactor
from tests.bench.events import clean_event, dirty_event
from tests.bench.table import Row, rated
from tests.bench.timing import Effort, Samples, side_by_side

TITLE = "Growth with size: the ratio is the time for a byte over that at 10 KB"

_SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
_NAMED = ("1 KB", "10 KB", "100 KB", "1 MB", "10 MB")
_FLOOR = 1  # the index of 10 KB: below it, what every call costs weighs most
_BYTES_FOR_A_SECRET = 2_000
_MOST = 3.0  # quadratic growth would be 1,000; memory that no cache holds is slower, too


def rows(effort: Effort) -> Iterator[Row]:
    """Measure the check of bytes, the walk over a clean and a dirty event, and one long text."""
    redactor = Redactor()
    for what, act in (
        ("check of serialised bytes, clean event", _check),
        ("walk, clean event", _walk),
        ("walk, a secret in each 2 KB", _dirty_walk),
        ("one long text, clean", _text),
    ):
        taken: list[tuple[str, int, Samples]] = []
        for name, size in zip(_NAMED, _SIZES, strict=True):
            if size <= effort.size:
                length, work = act(redactor, size)
                taken.append((name, length, side_by_side({what: work}, effort)[what]))
        _, floor_length, floor = taken[_FLOOR]
        for name, length, samples in taken:
            growth = samples.over(floor).times(floor_length / length)
            yield rated(
                f"{what}, {name}", samples.median, samples.p99, growth, None if length < 50_000 else _MOST
            )


def _check(redactor: Redactor, size: int) -> tuple[int, Callable[[], object]]:
    data = json.dumps(clean_event(size)).encode()
    return len(data), lambda: redactor.is_clean(data)


def _walk(redactor: Redactor, size: int) -> tuple[int, Callable[[], object]]:
    event = clean_event(size)
    return len(json.dumps(event)), lambda: redactor.redact_value(event)


def _dirty_walk(redactor: Redactor, size: int) -> tuple[int, Callable[[], object]]:
    # Secrets that were met before: the first time of each is another benchmark's.
    event = dirty_event(max(1, size // _BYTES_FOR_A_SECRET), size)
    return len(json.dumps(event)), lambda: redactor.redact_value(event)


def _text(redactor: Redactor, size: int) -> tuple[int, Callable[[], object]]:
    text = json.dumps(clean_event(size), indent=1)
    return len(text), lambda: redactor.redact(text)
