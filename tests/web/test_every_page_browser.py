"""Every page in a real browser, each found by links alone as a person finds it."""

import re
from collections import deque
from collections.abc import Iterator
from typing import Final
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Error

from tests.service.served import Served, served
from tests.web.browsing import Watched, browsing, needs_browser
from tests.web.test_browser import sent_and_proposed
from tests.web.test_pages import SEEN_BY

pytestmark = needs_browser

ELSEWHERE: Final = frozenset(
    {
        "/proposals/{proposal_id}/progress",  # a part, which the script asks for
        "/proposals/{proposal_id}/decisions",  # see test_deciding_many_browser.py
        "/policies/{name}/trials/{trial_id}",  # there once a trial was asked for
        "/proposals/{proposal_id}/find",  # leads to a bin
        "/compare.csv",  # a file, once two plans are named
    }
)
"""Pages that no link leads to before a form was sent."""

WIDTHS: Final = (360, 1280, 1920)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve while the tests of this file run."""
    with served(tmp_path_factory.mktemp("served")) as service:
        yield service


def template_of(path: str) -> str | None:
    """Return the page a path is of; the one with fewest names to fill in."""
    found = [
        one
        for one in SEEN_BY
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(one)), path)
    ]
    return min(found, key=lambda one: one.count("{"), default=None)


def links_of(browser: Watched) -> list[str]:
    """Return where the links of a page lead, within the pages."""
    hrefs = browser.page.eval_on_selector_all(
        "a[href]", "links => links.map(link => link.getAttribute('href'))"
    )
    parts = (urlsplit(urljoin(browser.page.url, href)) for href in hrefs)
    return [f"{p.path}?{p.query}" if p.query else p.path for p in parts]


def is_file(browser: Watched, path: str) -> bool:
    """Go to a page; tell whether it was a file to download instead."""
    try:
        browser.go(path)
    except Error as error:
        if "Download is starting" in error.message:
            return True
        raise
    return False


def faults_of(browser: Watched) -> list[str]:
    """Return what is wrong with a page: for axe in both colours, at three widths."""
    page = browser.page
    wrong = browser.violations()
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    wrong += browser.violations(["color-contrast"])
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append(f"{page.url} is wider than {width}")
    return wrong


def test_every_page_is_found_by_links_and_seen_by_everyone(service: Served) -> None:
    with browsing(service.url) as browser:
        browser.page.emulate_media(reduced_motion="reduce")
        browser.sign_in(service.first_key)
        there = sent_and_proposed(browser)
        preview = _change_and_decide(browser, there)
        start = ["/", there, preview, "/policies/nato-all/edit/toml"]
        waiting, seen, wrong = deque(start), set[str](), list[str]()
        while waiting:
            path = waiting.popleft()
            template = template_of(urlsplit(path).path)
            if template is None or template in seen:
                continue
            seen.add(template)
            if is_file(browser, path):
                continue
            waiting.extend(links_of(browser))
            wrong += faults_of(browser)
        assert {*SEEN_BY} - seen <= ELSEWHERE
        assert wrong == []


def _change_and_decide(browser: Watched, there: str) -> str:
    """Leave a change and a decision behind; return the address of its price."""
    page = browser.page
    browser.go(f"{there}/bins?together=yes")
    page.locator("tbody th a").first.click()
    page.locator("input[name=request_ids]").first.check()
    page.get_by_role("button", name="Take out").click()
    page.wait_for_url("**/changes/preview?*")
    parts = urlsplit(page.url)
    page.get_by_role("button", name="Save this change").click()
    page.wait_for_url("**/changes#edit-1")
    browser.go(f"{there}/queue")
    with page.expect_navigation():
        page.keyboard.press("a")
    return f"{parts.path}?{parts.query}"
