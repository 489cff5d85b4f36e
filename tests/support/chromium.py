"""A real browser without a window: what it requested from whom, and what it complained about."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.support.services import require, unavailable

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, Response

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Visit:
    """One page, and what happened while it was open.

    Args:
        page: The browser's page.
        complaints: What the console said at the level of a warning or an error, and uncaught errors.
        failed: Requests without a successful answer.
        foreign: Requests to another machine.
        dialogs: What the page asked the user.
    """

    page: Page
    complaints: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def go(self, url: str) -> None:
        """Open a page, and wait until all its requests are answered."""
        self.page.goto(url)
        self.page.wait_for_load_state("networkidle")

    def note_request(self, request: Request) -> None:
        """Record a request to another machine; what the page itself contains is not a request."""
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.hostname != "127.0.0.1":
            self.foreign.append(request.url)

    def note_answer(self, answer: Response) -> None:
        """Record an answer that is an error."""
        if answer.status >= 400:
            self.failed.append(f"{answer.status} {answer.url}")

    def note_said(self, said: ConsoleMessage) -> None:
        """Record warnings and errors on the console."""
        if said.type in ("warning", "error"):
            self.complaints.append(said.text)

    def refuse(self, dialog: Dialog) -> None:
        """Record what a page asks the user, and refuse."""
        self.dialogs.append(dialog.message)
        dialog.dismiss()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium; without one, the test is skipped, or fails in CI. One at a time."""
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - not in every environment
    except ModuleNotFoundError:
        unavailable("playwright is not installed: it is in the dependency group audit-test")
    executable = next(filter(None, map(shutil.which, _NAMES)), None)
    require(executable, "Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, headless=True, args=[*_ARGUMENTS])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visiting(browser: Browser, *, width: int = 1280, height: int = 900) -> Iterator[Visit]:
    """Open an empty page, in its own profile."""
    with browser.new_context(viewport={"width": width, "height": height}) as context:
        visit = Visit(context.new_page())
        page = visit.page
        page.on("console", visit.note_said)
        page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        page.on("request", visit.note_request)
        page.on("requestfailed", lambda request: visit.failed.append(request.url))
        page.on("response", visit.note_answer)
        page.on("dialog", visit.refuse)
        yield visit
