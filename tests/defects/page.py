"""The table of `docs/defects.md`, made from the rows that are run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.defects.configured import CONFIGURED
from tests.defects.renewed import RENEWED
from tests.defects.rows import Defect
from tests.defects.sent import SENT

PAGE = Path(__file__).resolve().parents[2] / "docs" / "defects.md"
DEFECTS = (*SENT, *RENEWED, *CONFIGURED)

_BLOCK = re.compile(r"(<!-- defects -->\n).*?(\n<!-- /defects -->)", re.DOTALL)
_HEADS = ("defect", "what the application does", "audit", "Sentry")


def rendered(page: str) -> str:
    """Return the page with the table of the rows."""
    table = "\n".join(_lines())
    return _BLOCK.sub(lambda block: f"{block[1]}{table}{block[2]}", page)


def _lines() -> Iterator[str]:
    yield _line(_HEADS)
    yield _line(["---"] * len(_HEADS))
    for defect in DEFECTS:
        yield _line([defect.name, defect.does, _red(defect), _shown(defect)])


def _line(columns: Iterable[str]) -> str:
    return f"| {' | '.join(columns)} |"


def _red(defect: Defect) -> str:
    return ", ".join(f"`{name}`" for name in defect.red) or "–"


def _shown(defect: Defect) -> str:
    if defect.shown is None:
        return "–"
    return f"{'once' if defect.events == 1 else 'every report'}: `{defect.shown}`"


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text("utf-8")), "utf-8")
