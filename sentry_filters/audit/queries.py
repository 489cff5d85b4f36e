"""The questions that can be asked of a ledger, as their files in `dashboards/queries/` state them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Query", "Value", "dashboards_folder", "load_queries"]

Value = str | int | float | None

_OVERVIEW = "overview"
_NO_ROWS = "no rows"
_COLUMN_IS_ZERO = re.compile(r"(\w+) = 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question, and the SQL that answers it.

    Args:
        name: The file's name, without `.sql`.
        question: Ends with a question mark.
        bad: What a bad value means, and what to do.
        holds: For an invariant, when it holds: `no rows`, or `<column> = 0` (in every row); else None.
        sql: One SELECT over the ledger's tables, without semicolon.
    """

    name: str
    question: str
    bad: str
    holds: str | None
    sql: str

    @classmethod
    def from_text(cls, name: str, text: str) -> Query:
        """Return the query that a file's text states.

        Raises:
            ValueError: A comment line that has to be there is missing or impossible; the message names it.
        """
        lines = text.strip().splitlines()
        head = 0
        while head < len(lines) and lines[head].startswith("--"):
            head += 1
        question, *remarks = [line.removeprefix("--").strip() for line in lines[:head]] or [""]
        # A remark goes on in the next comment line.
        found = re.split(r"\b(Bad|Holds): ", " ".join(remarks))
        stated = {key: said.strip() for key, said in zip(found[1::2], found[2::2], strict=True)}
        if not question.endswith("?"):
            raise ValueError(f"{name}: first line {question!r}; allowed: a question, as `-- …?`")
        if not stated.get("Bad"):
            raise ValueError(f"{name}: no line `-- Bad: …`; allowed: what a bad value means, and what to do")
        holds = stated.get("Holds")
        if holds is not None and holds != _NO_ROWS and not _COLUMN_IS_ZERO.fullmatch(holds):
            raise ValueError(f"{name}: Holds: {holds!r}; allowed: {_NO_ROWS!r} or '<column> = 0'")
        sql = "\n".join(lines[head:]).strip()
        return cls(name=name, question=question, bad=stated["Bad"], holds=holds, sql=sql)

    def holds_in(self, columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> bool | None:
        """Say whether the invariant holds in an answer; None where the query states none."""
        if self.holds is None:
            return None
        if self.holds == _NO_ROWS:
            return not rows
        column = columns.index(self.holds.removesuffix(" = 0"))
        return all(row[column] == 0 for row in rows)


def load_queries(folder: Path | None = None) -> tuple[Query, ...]:
    """Return all queries, by name: the overview first, then the invariants.

    Args:
        folder: Where the files lie; by default those that come with the package.

    Raises:
        ValueError: A file does not state what it has to; the message names it.
        OSError: The files cannot be read.
    """
    files = sorted((folder or dashboards_folder() / "queries").glob("*.sql"))
    queries = [Query.from_text(file.stem, file.read_text(encoding="utf-8")) for file in files]
    return tuple(sorted(queries, key=lambda query: (query.name != _OVERVIEW, query.holds is None)))


def dashboards_folder() -> Path:
    """Return the folder of queries and dashboards: in the package, or in a checkout beside it."""
    package = Path(__file__).parents[1]
    installed = package / "dashboards"
    return installed if installed.is_dir() else package.parent / "dashboards"
