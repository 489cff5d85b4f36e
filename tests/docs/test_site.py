"""The site that `make docs` builds: offline, complete, without a complaint of MkDocs or of a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest

from tests.docs.building import build, serving
from tests.docs.pages import ROOT
from tests.support.chromium import chromium, visiting
from tests.support.services import unavailable

pytestmark = pytest.mark.integration
FACES = (
    "sentry_filters",
    "sentry_filters.audit",
    "sentry_filters.logging",
    "sentry_filters.otel",
    "sentry_filters.otel.testing",
    "sentry_filters.redaction",
    "sentry_filters.schedulers",
    "sentry_filters.testing",
    "sentry_filters.testing.plugin",
)
WITHOUT_A_FACE = {  # what needs one library each, which is not always installed
    "sentry_filters": "RedisSessions",
    "sentry_filters.schedulers.apscheduler": "PostponingExecutor",
    "sentry_filters.schedulers.arq": "Postponed",
    "sentry_filters.schedulers.celery": "PostponedTask",
    "sentry_filters.web.asgi": "RefusalMiddleware",
    "sentry_filters.web.django": "RefusalMiddleware",
    "sentry_filters.web.flask": "answer_refusals",
}


class _Page(HTMLParser):
    """A page's anchors, and the addresses that it leads to or loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value for name, value in attrs if value is not None}
        self.anchors.update({has.get("id", ""), has.get("name", "")} - {""})
        target = has.get("href") or has.get("src")
        if target:
            (self.links if tag == "a" else self.loaded).add(target)


class Site(NamedTuple):
    """The built site, and where it is served."""

    folder: Path
    url: str
    pages: dict[str, _Page]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if find_spec("mkdocs") is None or find_spec("mkdocstrings") is None:
        unavailable("MkDocs is not installed: it is in the dependency group docs")
    folder = tmp_path_factory.mktemp("site")
    built = build(folder)
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    with serving(folder) as url:
        found = {
            url + page.relative_to(folder).as_posix().removesuffix("index.html"): _Page(
                page.read_text("utf-8")
            )
            for page in folder.rglob("*.html")
            if page.name != "404.html"  # its links begin at the root of a host
        }
        yield Site(folder, url, found)


def test_links_and_anchors_lead_somewhere(site: Site) -> None:
    wrong = []
    for address, page in site.pages.items():
        for link in page.links | page.loaded:
            target, anchor = urldefrag(urljoin(address, link))
            if not target.startswith(site.url):
                continue
            if target in site.pages:
                there = not anchor or unquote(anchor) in site.pages[target].anchors
            else:
                there = (site.folder / unquote(urlsplit(target).path)[1:]).is_file()
            if not there:
                wrong.append((address.removeprefix(site.url), link))

    assert len(site.pages) > 50
    assert wrong == []


def test_nothing_is_loaded_from_elsewhere(site: Site) -> None:
    foreign = {
        (address.removeprefix(site.url), target)
        for address, page in site.pages.items()
        for target in page.loaded
        if urlsplit(target).netloc
    }

    assert foreign == set()


def test_every_public_name_is_in_the_reference(site: Site) -> None:
    anchors = {anchor for page in site.pages.values() for anchor in page.anchors}
    public = [f"{face}.{name}" for face in FACES for name in import_module(face).__all__]
    public += [f"{module}.{name}" for module, name in WITHOUT_A_FACE.items()]
    named = [one.replace("sentry_filters.otel.", "otel.") for one in public]  # the folder that MkDocs reads

    assert len(named) > 80
    assert [one for one in named if one not in anchors] == []


def test_the_site_does_not_say_where_it_was_built(site: Site) -> None:
    telling = re.compile("|".join(map(re.escape, (f"{ROOT}", f"{Path.home()}/"))))
    pages = (
        one
        for one in site.folder.rglob("*")
        if one.suffix in (".html", ".json", ".xml", ".md", ".py", ".svg")
    )

    assert [str(one) for one in pages if telling.search(one.read_text("utf-8"))] == []


def test_a_browser_has_nothing_to_complain_about_and_finds_pages(site: Site) -> None:
    shown = (
        "",
        "tutorial/",
        "architecture/",
        "kept/",
        "reference/sentry_filters/",
        "how-to/see-what-it-silenced/",
    )
    with chromium() as browser, visiting(browser) as visit:
        for page in shown:
            visit.go(site.url + page)
            wide = visit.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{page} is {wide} pixels wider than the window"
        visit.page.keyboard.press("/")
        visit.page.keyboard.type("uncorroborated")
        visit.page.wait_for_selector(".md-search-result__item a")
        results = visit.page.locator(".md-search-result__item a").all_inner_texts()

        assert any("uncorroborated" in result for result in results)
        assert visit.complaints == []
        assert visit.failed == []
        assert visit.foreign == []
