"""A real browser: Debian's Chromium, driven by Playwright, that may go nowhere else."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright

CHROMIUM: Final = shutil.which("chromium") or shutil.which("google-chrome")
AXE: Final = Path(__file__).parent / "vendor" / "axe.min.js"

_RULES: Final = [
    *("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
]

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")


@dataclass(slots=True)
class Watched:
    """A browser at a service, with whatever it complained of or asked elsewhere."""

    context: BrowserContext
    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Look at a page, its pictures drawn."""
        self.page.goto(self.url + path)
        for picture in self.page.locator("[data-chart]").all():
            picture.locator("canvas, svg").first.wait_for()

    def sign_in(self, key: str) -> None:
        """Sign in with a key."""
        self.go("/sign-in")
        self.page.get_by_label("API key").fill(key)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self.url}/")

    def violations(self, rules: list[str] | None = None) -> list[str]:
        """Return what axe finds wrong with the page as it is, by all rules or some."""
        # The page's own policy forbids scripts of others; this one comes by the
        # debugger's door, not the page's.
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        asked = rules or _RULES
        found = self.page.evaluate(
            "rules => axe.run(document, {runOnly: rules})", arg=asked
        )
        return [
            f"{self.page.url}: {one['id']}: {one['help']}: {node['html'][:160]}"
            for one in found["violations"]
            for node in one["nodes"][:3]
        ]


@contextmanager
def browsing(url: str, **options: Any) -> Iterator[Watched]:
    """Open a browser on a service; at the end it may have complained of nothing."""
    with browsers(url, 1, **options) as (watched,):
        yield watched


@contextmanager
def browsers(url: str, count: int, **options: Any) -> Iterator[list[Watched]]:
    """Open browsers that know nothing of each other, as of several people."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        try:
            opened = [
                _watched(browser.new_context(**options), url) for _ in range(count)
            ]
            yield opened
            complaints = [said for one in opened for said in one.complaints]
            assert complaints == [], complaints
        finally:
            browser.close()


@contextmanager
def without_script(
    url: str, key: str, begin: Callable[[Watched], str]
) -> Iterator[tuple[Watched, str]]:
    """Open a browser without script, signed in, and say where one with it has led."""
    with browsing(url) as able:
        able.sign_in(key)
        there = begin(able)
        cookies = able.context.cookies()
    with browsing(url, java_script_enabled=False) as browser:
        browser.context.add_cookies(cookies)
        yield browser, there


def _watched(context: BrowserContext, url: str) -> Watched:
    page = context.new_page()
    watched = Watched(context, page, url)
    note = watched.complaints.append
    page.on("console", lambda said: _console(said, note))
    page.on("pageerror", lambda fault: note(f"error: {fault}"))
    page.on("request", lambda asked: _asked(asked.url, url, note))
    return watched


_REFUSED: Final = re.compile(r"Failed to load .* a status of (409|412|422) ")
"""What a browser says of a page that refuses a form: the page is as it should be."""


def _console(said: Any, note: Any) -> None:
    if said.type in ("error", "warning") and not _REFUSED.match(said.text):
        note(f"{said.type}: {said.text} at {said.location}")


def _asked(asked: str, own: str, note: Any) -> None:
    if not asked.startswith((f"{own}/", "data:", "blob:")):
        note(f"it asked for {asked}")
