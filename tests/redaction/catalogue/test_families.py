"""Every kind of the catalogue: its example goes wherever it stands, its near-miss stays."""

from __future__ import annotations

import json

import pytest

from sentry_filters.redaction import REDACTED, Kind, Redactor
from sentry_filters.redaction.catalogue.families import CATALOGUE
from tests.support.kinds import EXAMPLES, near_miss_of, secret_of

KINDS = [pytest.param(kind, id=kind.name) for kind in CATALOGUE]


def test_names_are_unique() -> None:
    names = [kind.name for kind in CATALOGUE]

    assert sorted(names) == sorted(set(names))


def test_examples_come_in_parts_so_that_no_scanner_takes_their_source_for_a_leak() -> None:
    assert EXAMPLES.keys() <= {kind.name for kind in CATALOGUE}
    assert all(len(secret) > 1 for secret, _ in EXAMPLES.values())


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_is_complete(kind: Kind) -> None:
    assert kind.about
    assert kind.literal in secret_of(kind)


@pytest.mark.promise("catalogue")
@pytest.mark.parametrize("kind", KINDS)
def test_the_example_goes_under_its_own_name(kind: Kind, redactor: Redactor) -> None:
    scrubbed = redactor.scrub(secret_of(kind))

    assert REDACTED in str(scrubbed.value)
    assert kind.name in {finding.kind for finding in scrubbed.findings}


@pytest.mark.promise("catalogue")
@pytest.mark.parametrize("kind", KINDS)
def test_the_near_miss_stays(kind: Kind, redactor: Redactor) -> None:
    near_miss = near_miss_of(kind)

    assert redactor.redact(near_miss) is near_miss


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("before", ["", "text ", "line\n", "tab\t", "é", "(", '"', "="])
def test_the_example_goes_wherever_it_begins(kind: Kind, before: str, redactor: Redactor) -> None:
    example = secret_of(kind)

    assert example not in redactor.redact(f"{before}{example}")
    assert not redactor.is_clean(json.dumps({"message": f"{before}{example}"}))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_example_goes_from_json_in_json(kind: Kind, depth: int, redactor: Redactor) -> None:
    text = "before\n" + secret_of(kind)
    for _ in range(depth):
        text = json.dumps({"log": text})

    assert REDACTED in redactor.redact(text)
    assert not redactor.is_clean(text)
