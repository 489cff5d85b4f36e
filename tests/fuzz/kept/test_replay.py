"""Every input that fuzzing has kept is tried again, with or without the fuzzer."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path

import pytest

from tests.fuzz import corpus
from tests.fuzz.targets import Target, targets

_LARGEST = 300_000
"""Bytes of all kept inputs, as they are written."""


@pytest.mark.parametrize("target", targets())
def test_what_is_kept_still_holds(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("opentelemetry"), "level", logging.CRITICAL)  # says what it refuses
    tried = Target(target)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK's, of what the applications would be told
        for name, content in corpus.kept(target).items():
            try:
                tried(content)
            except Exception as error:
                error.add_note(f"by the input {name} of {target}, one of those that are kept")
                raise


def test_what_is_kept_is_small_and_has_its_hours() -> None:
    files = [path for path in corpus.KEPT.iterdir() if path.suffix in (".txt", ".json")]

    assert sum(path.stat().st_size for path in files) <= _LARGEST
    assert {path.stem for path in files} - {"record"} <= set(targets())
    assert corpus.records(corpus.KEPT).keys() == {path.stem for path in files if path.suffix == ".txt"}


def test_an_input_is_read_as_it_was_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "KEPT", tmp_path)
    plain, failed = b"\x00\xff plain", b""
    inputs = {corpus.name_of(plain): plain, "a-leak-behind-a-colour": failed}

    corpus.keep("texts", inputs)

    assert corpus.kept("texts") == inputs
    assert corpus.findings(corpus.kept("texts")) == {"a-leak-behind-a-colour": failed}
    assert (tmp_path / "texts.txt").read_text().startswith("a-leak-behind-a-colour ")


def test_hours_are_read_as_they_were_written(tmp_path: Path) -> None:
    every = {"texts": corpus.Record(cpu_seconds=1.5, runs=2, edges=3, features=4)}

    corpus.write_records(tmp_path, every)

    assert corpus.records(tmp_path) == every
    assert json.loads((tmp_path / "record.json").read_text())["texts"]["runs"] == 2
