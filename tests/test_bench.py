"""The benchmarks run, their command says when a cost is too high, and the documents quote what was kept."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.bench import __main__ as command
from tests.bench.benches import BENCHES, measured
from tests.bench.kept import Kept
from tests.bench.published import DOCUMENTS, FIGURES, ROOT, rendered
from tests.bench.recordings import Events, dirty, kinds, lives, log_kinds, recorded
from tests.bench.spans import WITH_SECRET
from tests.bench.table import LeftOut, Row
from tests.bench.timing import QUICK, Ratio, Samples, Side, in_turns, side_by_side
from tests.bench.words import Words

NEEDS_SERVERS = {"application", "shared"}
SOME = Row("a / b", 2.0, 3.0, 0.5, 0.4, "", 0.45, 0.55)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.integration if name in NEEDS_SERVERS else (), id=name)
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

    assert guarded.over(bare) == Ratio(1.5, 1.5, 99.0)
    assert guarded.over(bare, 0.99).median == 1.5


@pytest.mark.parametrize(("most", "status"), [(0.4, 1), (0.6, 0), (None, 0)])
def test_the_command_fails_if_a_ratio_is_over_its_limit(
    most: float | None, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = Row("a / b", 2.0, 3.0, 0.5, most)
    monkeypatch.setattr(
        command, "measured", lambda name, effort: (name, [row, LeftOut("c", "it is not there")])
    )

    assert command.main(["spans"]) == status
    printed = capsys.readouterr().out
    assert ("too much: a / b: 0.500, at most 0.4" in printed) == bool(status)
    assert "c: left out, it is not there" in printed


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    kept = Kept.of_this_machine()
    kept.add("spans", [SOME, LeftOut("c", "it is not there")])

    kept.write(tmp_path / "bench.json")

    assert Kept.read(tmp_path / "bench.json") == kept


@pytest.mark.promise("costs")
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


def test_the_proof_has_every_kind_of_span_and_log_record() -> None:
    proof = (ROOT / "docs/proof.md").read_text(encoding="utf-8").replace("`", "")

    assert all(f"\n| {name} |" in proof for name in [*kinds(), WITH_SECRET, *log_kinds()])


@pytest.mark.parametrize(("ratio", "shown"), [(1.0, "| 1.00 | 1.08 |"), (1.2, "| 1.20 | 1.08, missed |")])
def test_the_readme_says_where_a_figure_misses_its_limit(ratio: float, shown: str) -> None:
    kept = Kept.read(FIGURES)
    rows = kept.figures["application"]
    healthy = next(iter(rows))
    rows[healthy] = replace(rows[healthy], ratio=ratio, most=1.08, low=None, high=None)

    assert shown in rendered("<!-- bench costs -->\n<!-- /bench -->", kept)


def test_no_text_of_a_recording_is_the_same_in_two_calls_or_names_a_place() -> None:
    words = Words()
    events = Events(words)

    texts = [events.text() for _ in range(2 * events.number)]

    assert len(set(texts)) == len(texts)
    assert not any("zz7" in text for text in texts), "every mark is filled"
    assert not re.search(r"(?<![\w.])/(home|root|tmp|Users|work)\b", json.dumps(recorded()))


def test_what_was_recorded_lives_as_it_was_recorded() -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    made = kinds() | {WITH_SECRET: dirty()}

    for kind in made.values():
        for live in lives(provider, kind, Words())(len(kind.trees)):
            live()

    spans = kept.get_finished_spans()
    assert len(spans) == sum(len(tree) for kind in made.values() for tree in kind.trees)
    assert {
        "gen_ai.input.messages",
        "http.request.method",
        "db.query.text",
        "logfire.msg",
        "input.value",
    } <= {name for span in spans for name in span.attributes or {}}
    assert not any("zz7" in str(dict(span.attributes or {})) for span in spans)
    assert any(span.links for span in spans)
    assert any(span.events for span in spans)
    assert any(span.parent is not None and span.parent.trace_state for span in spans)


def test_a_turn_times_the_calls_and_what_is_left_for_later() -> None:
    done: list[str] = []

    def side(name: str) -> Side:
        return Side(lambda number: [partial(done.append, name)] * number, partial(done.append, "rest"))

    taken = in_turns({"a": side("a"), "b": side("b")}, QUICK)

    assert "".join(done[-6:]) in ("bbrestaarest", "aarestbbrest")
    assert [len(block) for block in taken["a"].thread.blocks] == [QUICK.calls] * QUICK.turns
    assert [len(block) for block in taken["a"].process.blocks] == [1] * QUICK.turns


def test_a_trial_says_that_it_is_one() -> None:
    assert "trial" in Kept.of_this_machine(0.1).setting
    assert "trial" not in Kept.of_this_machine().setting
