"""An answer, as far as it is known beforehand: rows told apart by some columns, whose numbers add up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Known:
    """An answer, as far as it is known beforehand.

    Args:
        keys: Columns that tell its rows apart.
        sums: Columns of numbers; where time splits a row, they add up.
        rows: Keys and sums together.
    """

    keys: tuple[str, ...]
    sums: tuple[str, ...]
    rows: Iterable[Row]

    @property
    def expected(self) -> dict[Row, Row]:
        """The sums by the keys."""
        return _added((row[: len(self.keys)], row[len(self.keys) :]) for row in self.rows)

    def found(self, columns: Sequence[str], rows: Iterable[Row]) -> dict[Row, Row]:
        """Return the sums by the keys in an engine's answer."""
        named = [dict(zip(columns, row, strict=True)) for row in rows]
        return _added((_of(row, self.keys), _of(row, self.sums)) for row in named)


def _of(row: Mapping[str, Any], names: Iterable[str]) -> Row:
    return tuple(row[name] for name in names)


def _added(rows: Iterable[tuple[Row, Row]]) -> dict[Row, Row]:
    by_key: defaultdict[Row, list[Row]] = defaultdict(list)
    for key, sums in rows:
        by_key[key].append(sums)
    return {key: tuple(map(sum, zip(*sums, strict=True))) for key, sums in by_key.items()}
