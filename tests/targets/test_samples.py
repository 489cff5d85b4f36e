"""Recall and false positives of Relay with our configuration, on samples beside the checkout."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.targets.conftest import Scrubber

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "redaction"

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples do not stand beside the checkout"),
]


def read(name: str) -> list[dict[str, str]]:
    with gzip.open(SAMPLES / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_recall_of_core_secrets(scrubber: Scrubber) -> None:
    samples = [sample for sample in read("secrets") if sample["tier"] == "core"]
    left = scrubber.texts([sample["text"] for sample in samples])
    removed = [sample["secret"] not in text for sample, text in zip(samples, left, strict=True)]

    assert sum(removed) / len(removed) >= 0.95


def test_benign_lines_stay(scrubber: Scrubber) -> None:
    lines = [sample["text"] for sample in read("benign")]
    changed = [line for line, left in zip(lines, scrubber.texts(lines), strict=True) if line != left]

    assert len(changed) <= 0.005 * len(lines), changed
    # References in place of curl's user and password, as the remarks say.
    assert all("curl" in line for line in changed)
