"""The benchmarks run, their command says when a cost is too high, and the documents quote what was kept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.bench import __main__ as command
from tests.bench.benches import BENCHES, measured
from tests.bench.kept import Kept
from tests.bench.published import DOCUMENTS, FIGURES, ROOT, rendered
from tests.bench.table import LeftOut, Row
from tests.bench.timing import QUICK, Samples, side_by_side

NEEDS_SERVERS = "shared"
SOME = Row("a / b", 2.0, 3.0, 0.5, 0.4)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.integration if name == NEEDS_SERVERS else (), id=name)
        for name in BENCHES
    ],
)
def test_a_benchmark_runs_and_gives_figures(name: str) -> None:
    title, rows = measured(name, QUICK)

    assert title
    assert rows
    assert all(row.median >= 0 or row.ratio is not None for row in rows if isinstance(row, Row))
    names = [row.what for row in rows]
    assert len(names) == len(set(names)), "each figure has a name of its own"


def test_what_is_compared_takes_turns() -> None:
    calls: list[str] = []

    taken = side_by_side({name: lambda name=name: calls.append(name) for name in "ab"}, QUICK)  # type: ignore[misc]

    assert calls.count("a") == sum(map(len, taken["a"].blocks)) + 4
    turns = re.findall("a+b+b*|b+a+", "".join(calls[8:]))
    assert len(turns) >= QUICK.blocks
    assert taken["a"].median > 0


def test_a_ratio_compares_the_same_block_and_one_noisy_block_does_not_matter() -> None:
    bare = Samples([[1.0] * 100, [10.0] * 100, [1.0] * 100])
    guarded = Samples([[1.5] * 100, [15.0] * 100, [99.0] * 100])

    assert guarded.over(bare) == 1.5
    assert guarded.over(bare, 0.99) == 1.5


@pytest.mark.parametrize(("most", "status"), [(0.4, 1), (0.6, 0), (None, 0)])
def test_the_command_fails_if_a_ratio_is_over_its_limit(
    most: float | None, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = Row("a / b", 2.0, 3.0, 0.5, most)
    monkeypatch.setattr(
        command, "measured", lambda name, effort: (name, [row, LeftOut("c", "it is not there")])
    )

    assert command.main(["claims"]) == status
    printed = capsys.readouterr().out
    assert ("too much: a / b: 0.500, at most 0.4" in printed) == bool(status)
    assert "c: left out, it is not there" in printed


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    kept = Kept.of_this_machine()
    kept.add("claims", [SOME, LeftOut("c", "it is not there")])

    kept.write(tmp_path / "bench.json")

    assert Kept.read(tmp_path / "bench.json") == kept


def test_every_document_has_the_tables_of_the_figures_that_were_kept() -> None:
    kept = Kept.read(FIGURES)

    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "<!-- bench " in text, name
        assert rendered(text, kept) == text, f"{name}: make bench KEEP=docs/bench.json writes it"


def test_the_kept_figures_are_of_all_benchmarks_and_name_no_place() -> None:
    text = FIGURES.read_text(encoding="utf-8")

    assert set(Kept.read(FIGURES).figures) == set(BENCHES)
    assert not re.search(r"/(home|root|tmp|Users|work)\b", text)


def test_every_promise_is_measured_at_the_99th_percentile() -> None:
    promised = {what: row.most for what, row in Kept.read(FIGURES).figures["claims"].items() if row.most}

    assert sorted(promised.values()) == [0.10, 0.15, 0.35]
    assert all(what.endswith(", p99") for what in promised)
