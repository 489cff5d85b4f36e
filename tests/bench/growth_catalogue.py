"""Growth with the catalogue: further kinds and keys of secrets, prompts and completions, live credentials."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from sentry_filters import Redactor
from sentry_filters.redaction import Kind
from sentry_filters.redaction.catalogue.families import CATALOGUE
from tests.bench.events import clean_event
from tests.bench.table import Row, rated
from tests.bench.timing import Effort, side_by_side
from tests.support.secrets import fake

TITLE = "Growth with the catalogue, clean event of 40 KB: the ratio is over the catalogue as it is"

_AS_IT_IS = f"the catalogue as it is, {len(CATALOGUE)} kinds"


def rows(effort: Effort) -> Iterator[Row]:
    """Measure the check of serialised bytes, and the walk, as there is more and more to look for."""
    event, numbers = clean_event(), [number for number in (10, 100, 1_000) if number <= effort.items]
    data = json.dumps(event).encode()
    live = [number for number in (1, 100, 10_000) if number <= effort.items]
    redactors = {
        _AS_IT_IS: Redactor(),
        **{f"{number:,} more kinds": Redactor(kinds=_kinds(number)) for number in numbers},
        **{f"{number:,} more keys": Redactor(keys=_keys(number)) for number in numbers},
        "prompts and completions too": Redactor(redact_content=True),
        **{f"{number:,} live credentials": _with_live(number) for number in live},
    }
    for what, acts in (
        ("check of bytes", {name: _checking(one, data) for name, one in redactors.items()}),
        ("walk", {name: _walking(one, event) for name, one in redactors.items()}),
    ):
        taken = side_by_side(acts, effort)
        base = taken[_AS_IT_IS]
        for name, samples in taken.items():
            yield rated(f"{what}, {name}", samples.median, samples.p99, samples.over(base))


def _checking(redactor: Redactor, data: bytes) -> Callable[[], object]:
    return lambda: redactor.is_clean(data)


def _walking(redactor: Redactor, event: object) -> Callable[[], object]:
    return lambda: redactor.redact_value(event)


def _kinds(number: int) -> list[Kind]:
    return [Kind(f"acme-{one}", f"acme{one}_[0-9a-f]{{24}}", f"acme{one}_") for one in range(number)]


def _keys(number: int) -> list[str]:
    return [f"badge_number_{one}" for one in range(number)]


def _with_live(number: int) -> Redactor:
    redactor = Redactor()
    for one in range(number):
        redactor.register(fake("", 40, seed=f"live {one}"))
    return redactor
