"""What MkDocs cannot do by itself: pages from the files at the root, links out of `docs/`, drawn diagrams."""

from __future__ import annotations

import hashlib
import logging
import posixpath
import re
import tomllib
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EXAMPLES = ROOT / "docs/examples"
ROOT_PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
LINK = re.compile(r"(?P<text>!?\[(?:[^\[\]]|\[[^\]]*\])*\])\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)
log = logging.getLogger("mkdocs.hooks.sentry_filters")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Replace Mermaid's diagrams by the drawn ones, and list the examples that there are."""
    fences = [{"name": "mermaid", "class": "mermaid", "format": _drawn}]
    config.mdx_configs["pymdownx.superfences"] = {"custom_fences": fences}
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in sorted(EXAMPLES.rglob("README.md"))]
    if pages and config.nav:
        config.nav.insert(
            3, {"Examples": sorted(pages, key=len)}
        )  # the page of the folder itself comes first
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files at the root as pages: they are read where they are, not copied."""
    for name, page in ROOT_PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Make links that are written for the repository links of the site."""
    source = Path(page.file.abs_src_path or "").resolve()
    if not source.is_relative_to(ROOT):
        return markdown
    folder = source.parent.relative_to(ROOT).as_posix()

    def rewritten(link: re.Match[str]) -> str:
        target = _on_site(link["target"], folder, page.file.src_uri)
        return link["text"].strip("[]") if target is None else f"{link['text']}({target})"

    parts = FENCE.split(markdown)
    parts[::2] = [LINK.sub(rewritten, part) for part in parts[::2]]
    return "".join(parts)


def _on_site(target: str, folder: str, page: str) -> str | None:
    """Return a link's target on the site, or None where nobody knows the repository's address.

    Args:
        target: As written in the file.
        folder: The file's folder in the repository.
        page: The page's place on the site.
    """
    repository = _repository()
    for prefix in (f"{repository}/blob/main/", f"{repository}/raw/main/"):
        if repository and target.startswith(prefix):
            target, folder = target.removeprefix(prefix), "."
    if re.match(r"[a-z]+:|#|/", target):
        return target
    path, hash_sign, anchor = target.partition("#")
    place = posixpath.normpath(posixpath.join(folder, path))
    if place in ROOT_PAGES:
        place = ROOT_PAGES[place]
    elif place.startswith("docs/"):
        place = place.removeprefix("docs/")
    elif (ROOT / place).exists():
        return f"{repository}/blob/main/{place}{hash_sign}{anchor}" if repository else None
    else:
        return target  # MkDocs says that it leads nowhere
    return posixpath.relpath(place, posixpath.dirname(page) or ".") + hash_sign + anchor


def _repository() -> str:
    """Return the repository's address, as `pyproject.toml` states it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    addresses: dict[str, str] = {name.lower(): url for name, url in project.get("urls", {}).items()}
    found = addresses.get("repository") or addresses.get("source") or addresses.get("source code", "")
    return found.removesuffix(".git").rstrip("/")


def _drawn(source: str, *_: Any, **__: Any) -> str:
    """Return a diagram's SVG, which `python -m tests.docs.draw` has made of this very text."""
    drawn = HERE / "diagrams" / f"{hashlib.sha256(source.strip().encode()).hexdigest()[:12]}.svg"
    if not drawn.exists():
        first = source.strip().partition("\n")[0]
        log.warning("a Mermaid diagram (%s …) is not drawn: run `python -m tests.docs.draw`", first)
        return f"<pre>{source}</pre>"
    return f'<div class="diagram">{drawn.read_text("utf-8")}</div>'
