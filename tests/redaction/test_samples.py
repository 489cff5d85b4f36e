"""Recall and false positives on a collection of secrets and telemetry, when it stands beside the checkout."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from sentry_filters.redaction import Redactor

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "redaction"

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples do not stand beside the checkout")


def _read(name: str) -> list[dict[str, str]]:
    with gzip.open(SAMPLES / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _is_removed(secret: str, text: str) -> bool:
    """Neither it nor 12 consecutive characters of it (half of it, if that is more) are left."""
    window = min(len(secret), max(12, -(-len(secret) // 2)))
    return not any(secret[at : at + window] in text for at in range(len(secret) - window + 1))


@pytest.mark.parametrize(("tier", "least"), [("core", 0.99), ("contextual", 0.96), (None, 0.92)])
def test_recall(tier: str | None, least: float, redactor: Redactor) -> None:
    found: Counter[bool] = Counter(
        _is_removed(sample["secret"], redactor.redact(sample["text"]))
        for sample in _read("secrets")
        if tier in (None, sample["tier"])
    )

    assert found[True] / found.total() >= least


def test_false_positives(redactor: Redactor) -> None:
    lines = [sample["text"] for sample in _read("benign")]
    changed = [line for line in lines if redactor.redact(line) is not line]

    assert len(changed) <= 0.002 * len(lines), changed


def test_a_second_pass_changes_nothing(redactor: Redactor) -> None:
    for sample in _read("secrets") + _read("benign"):
        once = redactor.redact(sample["text"])
        assert redactor.redact(once) is once
        assert len(once) <= len(sample["text"]) + 12 * once.count("[REDACTED]")


def test_serialised_samples_are_judged_no_more_kindly(redactor: Redactor) -> None:
    for sample in _read("secrets") + _read("benign"):
        value = {"message": sample["text"]}
        if redactor.is_clean(json.dumps(value, separators=(",", ":"))):
            assert redactor.redact_value(value) is value
