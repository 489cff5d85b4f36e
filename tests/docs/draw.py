"""`python -m tests.docs.draw`: draws the Mermaid diagrams of all documents as SVG, for the site.

The site is read offline, so it has the drawings and not the drawing program, which comes from npm.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.chromium import chromium, visiting

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs/site/diagrams"
_FENCE = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INSTALL = ("npm", "install", "--silent", "--no-save", "--ignore-scripts", "mermaid@11")
_PAGE = "<!doctype html><meta charset='utf-8'><body></body>"
_SETTINGS = """{
  startOnLoad: false, theme: "neutral", fontFamily: "sans-serif", htmlLabels: false,
  flowchart: {htmlLabels: false}
}"""


def diagrams() -> dict[str, str]:
    """Return the diagrams of the documents, by the names of their files."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    found = [source.strip() for page in pages for source in _FENCE.findall(page.read_text("utf-8"))]
    return {f"{hashlib.sha256(source.encode()).hexdigest()[:12]}.svg": source for source in found}


def main() -> None:
    """Write what is missing, and remove what no document has any more."""
    wanted = diagrams()
    FOLDER.mkdir(exist_ok=True)
    for drawn in FOLDER.glob("*.svg"):
        if drawn.name not in wanted:
            drawn.unlink()
    missing = {name: source for name, source in wanted.items() if not (FOLDER / name).exists()}
    if not missing:
        return
    with TemporaryDirectory() as folder, chromium() as browser, visiting(browser) as visit:
        subprocess.run([*_INSTALL, "--prefix", folder], check=True)
        visit.page.set_content(_PAGE)
        visit.page.add_script_tag(path=f"{folder}/node_modules/mermaid/dist/mermaid.min.js")
        visit.page.evaluate(f"mermaid.initialize({_SETTINGS})")
        for name, source in missing.items():
            draw = "([id, source]) => mermaid.render(id, source).then(drawn => drawn.svg)"
            svg = visit.page.evaluate(draw, [f"diagram-{Path(name).stem}", source])
            (FOLDER / name).write_text(f"{svg}\n", "utf-8")
            sys.stdout.write(f"docs/site/diagrams/{name}\n")


if __name__ == "__main__":
    main()
