"""The audit's questions, as their files in `dashboards/queries/` state them, and the time they are about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from sentry_filters.audit.words import Value, shown

__all__ = ["Query", "Value", "dashboards_folder", "load_queries", "window_views"]

_OVERVIEW = "overview"
_NO_ROWS = "no rows"
_COLUMN_IS_ZERO = re.compile(r"(\w+) = 0")
_REMARK = re.compile(r"\b(Bad|States|Holds|Yes or no): ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question, and the SQL that answers it.

    Args:
        name: The file's name, without `.sql`.
        question: Ends with a question mark.
        bad: What a bad value means, and what to do.
        holds: For an invariant, when it holds: `no rows`, or `<column> = 0` (in every row); else None.
        sql: One SELECT over the ledger's tables, without semicolon.
        statement: For an invariant, what is true while it holds; else None.
        yes_or_no: The columns whose 0 and 1 mean no and yes.
    """

    name: str
    question: str
    bad: str
    holds: str | None
    sql: str
    statement: str | None = None
    yes_or_no: frozenset[str] = frozenset()

    @classmethod
    def from_text(cls, name: str, text: str) -> Query:
        """Return the query that a file's text states.

        Raises:
            ValueError: A required comment line is missing or invalid; the message names it.
        """
        lines = text.strip().splitlines()
        head = [*takewhile(lambda line: line.startswith("--"), lines)]
        question, *remarks = [line.removeprefix("--").strip() for line in head] or [""]
        # A remark may continue on the next comment line.
        found = _REMARK.split(" ".join(remarks))
        stated = {key: remark.strip() for key, remark in zip(found[1::2], found[2::2], strict=True)}
        bad, holds = stated.get("Bad"), stated.get("Holds")
        if not question.endswith("?"):
            raise ValueError(f"{name}: invalid first line {question!r}; expected a question, as `-- …?`")
        if not bad:
            raise ValueError(f"{name}: no line `-- Bad: …`; expected what a bad value means, and what to do")
        if not (holds in (None, _NO_ROWS) or _COLUMN_IS_ZERO.fullmatch(holds)):
            raise ValueError(f"{name}: invalid Holds: {holds!r}; expected {_NO_ROWS!r} or '<column> = 0'")
        sql = "\n".join(lines[len(head) :]).strip()
        return cls(
            name=name,
            question=question,
            bad=bad,
            holds=holds,
            sql=sql,
            statement=stated.get("States"),
            yes_or_no=frozenset(re.findall(r"\w+", stated.get("Yes or no", ""))),
        )

    @property
    def title(self) -> str:
        """Its name, in words."""
        return self.name.replace("_", " ").capitalize()

    @property
    def headline(self) -> str:
        """What stands above its answer: the statement of an invariant, else the question."""
        return self.statement or self.question

    @property
    def zero_column(self) -> str | None:
        """The column that must be 0 in every row; None where the query states no such invariant."""
        found = _COLUMN_IS_ZERO.fullmatch(self.holds or "")
        return None if found is None else found[1]

    def holds_in(self, columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> bool | None:
        """Return whether the invariant holds in an answer; None where the query states none."""
        if self.holds is None:
            return None
        if self.zero_column is None:
            return not rows
        column = columns.index(self.zero_column)
        return all(row[column] == 0 for row in rows)

    def shown(self, column: str, value: Value) -> str | int | float:
        """Return a value of the answer as people read it; what counts something stays a number."""
        return shown(column, value, yes_or_no=column in self.yes_or_no)


def load_queries(folder: Path | None = None) -> tuple[Query, ...]:
    """Return all queries, by name: the overview first, then the invariants.

    Args:
        folder: Where the files are; by default those that come with the package.

    Raises:
        ValueError: A file does not state what it must; the message names it.
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


def window_views(schema: str, *, inside: str, minutes: str) -> dict[str, str]:
    """Return a SELECT for each table, to be put in its place, that yields what a window of time holds.

    What explains a row stays with it: the expiry that a decision belongs to, its renewals, and the one
    decision that showed it where nobody subscribed, older or younger.

    Args:
        schema: Where the tables are.
        inside: An SQL condition for the column `at`, in milliseconds since the epoch.
        minutes: The same for the column `minute`.
    """
    # No value from outside comes in here: a caller's conditions are its own text, hence the S608.
    failing = f"SELECT expiry FROM {schema}.decisions WHERE {inside} AND expiry IS NOT NULL"  # noqa: S608
    expiries = f"SELECT id FROM {schema}.expiries WHERE {inside} UNION ALL {failing}"  # noqa: S608
    conditions = {
        "decisions": f"{inside} OR (reason = 'unhandled' AND expiry IN ({failing}))",
        "expiries": f"id IN ({expiries})",
        "renewals": f"{inside} OR expiry IN ({expiries})",
        "totals": minutes,
    }
    return {table: f"SELECT * FROM {schema}.{table} WHERE {rows}" for table, rows in conditions.items()}  # noqa: S608
