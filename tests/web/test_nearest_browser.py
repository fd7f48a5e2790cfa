"""Alternatives and comparisons in a real browser: read, followed, held against axe."""

from tests.service.served import Served
from tests.web.browsing import browsing, needs_browser
from tests.web.test_browser import sent_and_proposed, service
from tests.web.test_deciding_browser import heading, seen_well

__all__ = ["service"]

pytestmark = needs_browser


def test_an_alternative_is_looked_at_and_made_and_the_plans_compared(
    service: Served,
) -> None:
    with browsing(service.url) as browser:
        page = browser.page
        browser.sign_in(service.first_key)
        first = sent_and_proposed(browser)
        browser.go(f"{first}/bins/B015")
        page.get_by_role("link", name="the nearest alternatives").click()
        page.wait_for_url("**/bins/B015/alternatives")
        assert heading(browser) == "What else could be done with B015"
        wrong = seen_well(browser)
        page.get_by_role("link", name="Make this change").first.click()
        page.wait_for_url("**/changes/preview?*")
        page.get_by_role("button", name="Save this change").click()
        page.wait_for_url("**/changes#edit-1")

        browser.go(first)
        page.get_by_role("link", name="Ask the same with another policy").click()
        page.get_by_role("radio", name="by-country").check()
        page.get_by_role("button", name="Propose bins").click()
        page.wait_for_selector("nav[aria-label=Proposal]", timeout=120_000)
        page.get_by_role("link", name="Compare with another proposal").click()
        page.wait_for_url("**/compare?first=*")
        value = first.removeprefix("/proposals/")
        page.get_by_label("Second").select_option(value)
        page.get_by_role("button", name="Compare", exact=True).click()
        page.wait_for_url("**second=*")
        assert "bins unchanged" in page.inner_text("main")
        assert "Merged:" in page.inner_text("main")
        wrong += seen_well(browser)
        with page.expect_download() as download:
            page.get_by_role("link", name="Download every request as CSV").click()
        assert download.value.suggested_filename.startswith("compare-")
        assert wrong == []
