"""The review page in a real browser, served by a real process, on the shipped batch."""

from collections.abc import Iterator

import pytest

from tests.documents import ROOT
from tests.service.served import Served, served
from tests.web.browsing import Watched, browsing, needs_browser

pytestmark = needs_browser

SAMPLE = ROOT / "sample_requests/announced-2022-2026.csv"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve while the tests of this file run."""
    with served(tmp_path_factory.mktemp("served")) as service:
        sent = service.call(
            "POST",
            "batches?extra_columns=keep",
            content=SAMPLE.read_bytes(),
            headers={"Content-Type": "text/csv"},
        )
        assert sent.status_code == 201  # whichever test is first, there are requests
        yield service


def sent_and_proposed(browser: Watched) -> str:
    """Send the shipped batch, ask for a proposal, follow it; return where it is."""
    page = browser.page
    browser.go("/batches/new")
    page.get_by_label("A file").set_input_files(SAMPLE)
    page.get_by_label("Keep columns that are not known").check()
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("link", name="Ask for a proposal for this batch").click()
    page.get_by_label("nato-all").check()
    page.get_by_label("As of").fill("2022-01-03")
    page.get_by_role("button", name="Propose bins").click()
    page.wait_for_selector("nav[aria-label=Proposal]", timeout=120_000)
    return page.url.removeprefix(browser.url)


def test_a_filter_is_sent_as_soon_as_it_is_changed(service: Served) -> None:
    with browsing(service.url) as browser:
        browser.sign_in(service.first_key)
        there = sent_and_proposed(browser)
        page = browser.page
        assert (
            "153 requests become" in page.get_by_role("heading", level=1).inner_text()
        )
        browser.go(f"{there}/bins")
        page.locator("select[name=customer]").select_option("EST")
        page.wait_for_url("**customer=EST**")
        page.get_by_role("link", name="B015").click()
        assert "HIMARS" in page.locator("main").inner_text()


def test_without_script_all_can_be_read(service: Served) -> None:
    with browsing(service.url, java_script_enabled=False) as browser:
        browser.sign_in(service.first_key)
        page = browser.page
        browser.go("/proposals/new")
        page.get_by_label("nato-all").check()
        page.get_by_role("button", name="Propose bins").click()
        page.wait_for_selector("nav[aria-label=Proposal]", timeout=120_000)
        page.get_by_role("link", name="Timeline, map, graph").click()
        assert page.get_by_role("table", name="Customers, by their share").is_visible()
        page.get_by_role("link", name="Bins", exact=True).click()
        page.get_by_label("Size").select_option("yes")
        page.get_by_role("button", name="Show", exact=True).click()
        page.locator("tbody a").first.click()
        assert page.get_by_role("heading", name="Fair shares").is_visible()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/sign-in")
