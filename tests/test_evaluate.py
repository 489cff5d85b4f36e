"""The evaluation runs anywhere, and what it measures holds on services that its seeds invent."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from sentry_filters.redaction.catalogue import FAMILIES
from sentry_filters.redaction.text.generated import surprise
from tests.evaluate.measure import generated, harmless_lines, is_removed, left_out, redactor
from tests.evaluate.ordinary import SYMBOLS, table
from tests.support.kinds import secret_of

LEAST = {
    "a key beside it": 0.97,
    "joined by a blank or a hyphen": 0.9,
    "a vendor's name beside it": 0.6,
    "its own form": 0.7,
}


@pytest.mark.promise("shares-unseen")
@pytest.mark.parametrize("seed", ["one", "two"])
def test_unknown_services(seed: str) -> None:
    redact = redactor()
    shares = list(generated(redact, seed, each=8))

    assert {share.name for share in shares} == set(LEAST)
    for share in shares:
        assert share.value >= LEAST[share.name], (share.name, share.value, share.others[:5])
    changed = harmless_lines(redact, seed, lines=600)
    assert changed.hits == 0, changed.others[:5]


def test_a_kind_is_measured_without_its_own_rule() -> None:
    kinds = FAMILIES["llm"][::6]
    rows = [
        {
            "text": f"acme refused {secret_of(kind)}",
            "secret": secret_of(kind),
            "tier": "vendor",
            "source": "x y",
        }
        for kind in kinds
    ]

    by_kind = {share.name: share.total for share in left_out(rows)}

    assert by_kind == {"all": len(kinds), "vendor": len(kinds)}


def test_what_counts_as_removed() -> None:
    assert is_removed("abcdefghijklmnop", "abcdefghijk mnop")
    assert not is_removed("abcdefghijklmnop", "x bcdefghijklm")


def test_the_table_can_be_made_again() -> None:
    made = table(Path(sysconfig.get_path("stdlib")) / "json")

    assert len(made) == SYMBOLS * SYMBOLS
    assert surprise(b"decoder_options") < 5 < surprise(b"q7Xk2Mz9vRt4Lbn")
