"""Links, anchors and commands of all documents lead somewhere, in the repository as on the site."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, without_code

PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "dashboards").rglob("*.md")])
COMMAND = re.compile(r"`make ([a-z][a-z -]*)|^make ([a-z-]+)", re.MULTILINE)
MADE_BY_THE_SITE = DOCS / "reference"  # its anchors come from docstrings


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", without_code(page), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    words = (re.sub(r"[^\w\- ]", "", unicodedata.normalize("NFC", one.lower())) for one in plain)
    return {one.strip().replace(" ", "-") for one in words}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?![a-z]+:)([^)\s]+)\)", without_code(page))
    wrong = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        known = anchor and target.suffix == ".md" and target.parent != MADE_BY_THE_SITE
        if not target.exists() or (known and anchor not in anchors(target)):
            wrong.append(link)

    assert wrong == []


def test_commands_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = {
        (page.name, command)
        for page in PAGES
        for line in re.findall(
            r"`make ([a-z][a-z -]*)|^make ([a-z-]+)", page.read_text("utf-8"), re.MULTILINE
        )
        for command in "".join(line).split()
    }

    assert len(named) > 10
    assert [one for one in sorted(named) if f"\n{one[1]}:" not in makefile] == []
