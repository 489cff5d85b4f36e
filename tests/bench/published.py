"""The tables of the documents, made from the figures that were kept.

They are between `<!-- bench NAME -->` and `<!-- /bench -->`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from tests.bench.kept import Kept
from tests.bench.redaction import SPAN
from tests.bench.table import ABSOLUTE, PROCESS, TAIL, THREAD, Row

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "docs" / "bench.json"
DOCUMENTS = ("README.md", "docs/proof.md", "docs/redaction.md", "docs/redis.md")

_BLOCK = re.compile(r"(<!-- bench (\w+) -->\n).*?(<!-- /bench -->)", re.DOTALL)
_SHORT: tuple[tuple[str, str, str], ...] = (
    (
        "application",
        "FastAPI application, healthy: processor time of 1,000 requests",
        "a healthy FastAPI application: processor time with the guard / without",
    ),
    (
        "application",
        "FastAPI application, our own storm: processor time of 1,000 requests",
        "the same application while its session is dead",
    ),
    (
        "records",
        f"log record with a secret: {PROCESS}",
        "a log record with a secret: what is added, export included / without the guard",
    ),
)
"""What the README quotes: by benchmark, by what was measured, and what it says of it.

What everybody pays, what it saves, and the dearest kind of all.
"""

_LONG: tuple[tuple[str, str], ...] = (
    ("spans", r".*exporter's redaction.*"),
    ("failures", r".*"),
    ("sentry", r".*"),
    ("threads", r".*"),
    ("application", r".*"),
    ("start", r".*"),
    ("growth_size", r".*, 10 MB"),
    ("growth_catalogue", r".*(1,000 more|credentials).*"),
    ("growth_sessions", r".*, 100,000 sessions expired"),
    ("audit", r".* / .*"),
    ("redaction", r".*(: sentry-filters.*|search.*|redact_value) / .*"),
)
"""What docs/proof.md quotes."""

_CODE = re.compile(
    r"\b(before_send\w*|capture_event|gate\.check|finish_reasons|import \w+"
    r"|redact_value|guard\.warm\(\)|EventScrubber\(recursive=True\))"
)

_KINDS = ("spans", "records")  # those that have a table of kinds


def write_documents(kept: Kept) -> None:
    """Put the figures into the documents."""
    for name in DOCUMENTS:
        path = ROOT / name
        path.write_text(rendered(path.read_text(encoding="utf-8"), kept), encoding="utf-8")


def rendered(text: str, kept: Kept) -> str:
    """Return a document's text with the tables that the figures make."""
    tables: Mapping[str, Callable[[Kept], Iterator[str]]] = {
        "costs": _short,
        "figures": lambda kept: _costs(_LONG, kept),
        "peers": _peers,
        "processes": _processes,
    }

    def block(match: re.Match[str]) -> str:
        lines = "\n".join(tables[match[2]](kept))
        return f"{match[1]}{lines}\n{match[3]}"

    return _BLOCK.sub(block, text)


def _short(kept: Kept) -> Iterator[str]:
    yield f"{kept.setting}:\n"
    yield "| | ratio | our own limit |\n|---|--:|--:|"
    for bench, what, said in _SHORT:
        row = kept.figures[bench][what]
        most = "–" if row.most is None else f"{row.most:.2f}{', missed' if row.too_much else ''}"
        yield f"| {said} | {_spread(row)} | {most} |"
    limited = [row for rows in kept.figures.values() for row in rows.values() if row.most is not None]
    missed = sum(row.too_much for row in limited)
    yield f"\nOf all {len(limited)} figures that have a limit, {missed} miss it."


def _costs(quoted: Iterable[tuple[str, str]], kept: Kept) -> Iterator[str]:
    """Make the table of all kinds of spans and log records, and the one of all else."""
    yield f"{kept.setting}:\n"
    yield f"| | {THREAD}, median | {TAIL.removeprefix(THREAD + ', ')} | {PROCESS} |\n|---|--:|--:|--:|"
    for bench in _KINDS:
        rows = kept.figures.get(bench, {})
        for what in rows:
            name = what.removesuffix(f": {THREAD}")
            if name != what:
                cells = (_spread(rows[f"{name}: {one}"]) for one in (THREAD, TAIL, PROCESS))
                yield f"| {_marked(name)} | {' | '.join(cells)} |"
    yield "\n| | ratio | at most |\n|---|--:|--:|"
    for bench, wanted in quoted:
        for what, row in kept.figures.get(bench, {}).items():
            if row.ratio is not None and re.fullmatch(wanted, what):
                most = "" if row.most is None else f"{row.most:.2f}"
                yield f"| {_marked(what)}{f' ({row.note})' if row.note else ''} | {_spread(row)} | {most} |"


def _spread(row: Row) -> str:
    """Return a ratio, or a figure in its own unit, with the 10th and 90th percentiles of its turns."""
    assert row.ratio is not None
    unit = f" {row.unit}" if row.unit in ABSOLUTE and row.ratio == row.median else ""
    spread = "" if row.low is None or row.high is None else f" ({_figure(row.low)} to {_figure(row.high)})"
    return f"{_figure(row.ratio)}{unit}{spread}"


def _peers(kept: Kept) -> Iterator[str]:
    rows = kept.figures.get("redaction", {})
    yield f"{kept.setting}:\n"
    yield "| | clean, µs | 20 secrets, µs | | a span's attributes, µs |\n|---|--:|--:|---|--:|"
    for what, clean in rows.items():
        name = what.removeprefix("clean: ")
        if (dirty := rows.get(f"20 secrets: {name}")) is not None and name != what:
            span = rows.get(f"{SPAN}: {name}")
            last = "" if span is None else f"{span.median:,.0f}"
            yield f"| {_marked(name)} | {clean.median:,.0f} | {dirty.median:,.0f} | {dirty.note} | {last} |"
    for name in kept.left_out.get("redaction", {}):
        yield f"| {name} | not installed | | | |"


def _processes(kept: Kept) -> Iterator[str]:
    yield f"{kept.setting}:\n"
    yield "| | median, ms | 99th percentile, ms |\n|---|--:|--:|"
    for what, row in kept.figures.get("shared", {}).items():
        yield f"| {what} | {_milliseconds(row)} |"


def _milliseconds(row: Row) -> str:
    return f"{row.median / 1_000:.1f} | {row.p99 / 1_000:.1f}"


def _figure(ratio: float) -> str:
    return f"{ratio:.1f}" if abs(ratio) >= 1.995 else f"{ratio:.2f}"


def _marked(what: str) -> str:
    """Return `what` with the names of code marked as such."""
    return _CODE.sub(r"`\1`", what)
