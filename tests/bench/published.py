"""The tables of the documents, made from the figures that were kept.

They are between `<!-- bench NAME -->` and `<!-- /bench -->`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from tests.bench.kept import Kept
from tests.bench.table import Row

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "docs" / "bench.json"
DOCUMENTS = ("README.md", "docs/proof.md", "docs/redaction.md", "docs/redis.md")

_BLOCK = re.compile(r"(<!-- bench (\w+) -->\n).*?(<!-- /bench -->)", re.DOTALL)
_SHORT: tuple[tuple[str, str], ...] = (
    ("claims", r"(healthy|clean) .*: .*"),
    ("sentry", r"before_send, .* / .*"),
    ("sentry", r"transport's check.* event / .*"),
    ("sentry", r"transport's check, 20 secrets.* / .*"),
    ("audit", r"the ledger: .* / .*"),
    ("otel", r"exporter's redaction, clean .*"),
    ("threads", r"event through .*, (1|16) threads?"),
    ("threads", r"a span's life, (1|16) threads?"),
    ("growth_size", r"(check|walk).*, clean event, 10 MB"),
    ("growth_sessions", r"decide, a repeat, .*"),
    ("redaction", r"clean: sentry-filters.* / .*"),
)
"""What the README quotes, by benchmark and by what was measured."""

_LONG: tuple[tuple[str, str], ...] = (
    ("claims", r"healthy event: .*, p99"),
    ("claims", r"healthy event: .*, median"),
    ("claims", r"the same on the capturing thread: .*"),
    ("claims", r"the same where other work .*"),
    ("claims", r"healthy span: .*, p99"),
    ("claims", r"healthy span: .*, median"),
    ("claims", r"clean redaction: .*, p99"),
    ("claims", r"clean redaction: .*, median"),
    ("sentry", r"before_send, .* / .*"),
    ("sentry", r"before_send alone.* / .*"),
    ("sentry", r"before_send_(log|transaction), .*"),
    ("sentry", r"transport's check.* / .*"),
    ("otel", r".*(guard|exporter)'s .*"),
    ("otel_logs", r".*(guard|exporter)'s .*"),
    ("threads", r".*, (1|4|16) threads?"),
    ("growth_size", r".*, 10 MB"),
    ("growth_catalogue", r"check of bytes, 1,000 more .*"),
    ("growth_sessions", r".*, 100,000 sessions expired"),
    ("redaction", r"clean: sentry-filters.* / .*"),
)
"""What docs/proof.md quotes."""


def write_documents(kept: Kept) -> None:
    """Put the figures into the documents."""
    for name in DOCUMENTS:
        path = ROOT / name
        path.write_text(rendered(path.read_text(encoding="utf-8"), kept), encoding="utf-8")


def rendered(text: str, kept: Kept) -> str:
    """Return a document's text with the tables that the figures make."""
    tables: Mapping[str, Callable[[Kept], Iterator[str]]] = {
        "costs": lambda kept: _quoted(_SHORT, kept),
        "figures": lambda kept: _quoted(_LONG, kept),
        "peers": _peers,
        "processes": _processes,
    }

    def block(match: re.Match[str]) -> str:
        lines = "\n".join(tables[match[2]](kept))
        return f"{match[1]}{lines}\n{match[3]}"

    return _BLOCK.sub(block, text)


def _quoted(quoted: Iterable[tuple[str, str]], kept: Kept) -> Iterator[str]:
    yield f"{kept.setting}:\n"
    yield "| | ratio | at most |\n|---|--:|--:|"
    for bench, wanted in quoted:
        for what, row in kept.figures.get(bench, {}).items():
            if row.ratio is not None and re.fullmatch(wanted, what):
                most = "" if row.most is None else f"{row.most:.2f}"
                yield f"| {_marked(what)} | {_figure(row.ratio)} | {most} |"


def _peers(kept: Kept) -> Iterator[str]:
    rows = kept.figures.get("redaction", {})
    yield f"{kept.setting}:\n"
    yield "| | clean, µs | 20 secrets, µs | |\n|---|--:|--:|---|"
    for what, clean in rows.items():
        name = what.removeprefix("clean: ")
        if (dirty := rows.get(f"20 secrets: {name}")) is not None and name != what:
            yield f"| {_marked(name)} | {clean.median:,.0f} | {dirty.median:,.0f} | {dirty.note} |"
    for name in kept.left_out.get("redaction", {}):
        yield f"| {name} | not installed | | |"


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
    return re.sub(
        r"\b(before_send\w*|capture_event|logger\.info|gate\.check|EventScrubber\(recursive=True\))",
        r"`\1`",
        what,
    )
