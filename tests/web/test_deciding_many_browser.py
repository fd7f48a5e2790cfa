"""Many bins decided at once in a real browser: by keys alone, and without script."""

from tests.service.served import Served
from tests.web.browsing import browsing, needs_browser, without_script
from tests.web.test_browser import sent_and_proposed, service
from tests.web.test_deciding_browser import heading, seen_well

__all__ = ["service"]

pytestmark = needs_browser


def test_bins_are_ticked_looked_at_decided_and_taken_back_by_keys(
    service: Served,
) -> None:
    with browsing(service.url) as browser:
        page, keys = browser.page, browser.page.keyboard
        browser.sign_in(service.first_key)
        there = sent_and_proposed(browser)
        browser.go(f"{there}/bins?together=yes")
        wrong = seen_well(browser)
        for key in ("j", "x", "j", "j", "x"):
            keys.press(key)
        said = page.locator("[data-ticked]")
        assert said.inner_text().startswith("2 ticked: ")
        keys.press("t")
        assert page.locator("input[name=bins]:checked").count() > 2
        keys.press("t")
        assert said.inner_text() == "Nothing is ticked."
        for key in ("k", "x", "d", "Space"):
            keys.press(key)
        assert page.get_by_role("radio", name="Accept").is_checked()
        with page.expect_navigation():
            keys.press("Enter")
        assert heading(browser) == "Accept 1 bin: what this would do"
        wrong += seen_well(browser)
        for _ in range(40):
            if page.evaluate("document.activeElement.textContent") == "Accept 1 bin":
                break
            keys.press("Tab")
        with page.expect_navigation():
            keys.press("Enter")
        assert heading(browser) == "1 bin is accepted"
        wrong += seen_well(browser)
        page.get_by_role("button", name="Take it back").focus()
        with page.expect_navigation():
            keys.press("Enter")
        assert heading(browser) == "The decision on 1 bin is taken back"
        wrong += seen_well(browser)
        assert wrong == []


def test_many_bins_are_decided_without_script(service: Served) -> None:
    opened = without_script(service.url, service.first_key, sent_and_proposed)
    with opened as (browser, there):
        page = browser.page
        page.goto(f"{browser.url}{there}/bins?together=yes")
        assert not page.locator("[data-keys]").is_visible()
        page.get_by_role("radio", name="Return").check()
        page.locator("#reason_code").select_option("other")
        page.get_by_label("In words, for colleagues").fill("All of them: not yet.")
        page.get_by_role("button", name="Show the effect on all").click()
        assert "Nothing is saved yet" in page.inner_text("main")
        page.locator("#commit button").click()
        assert heading(browser).endswith("bins are returned")
        assert "All of them: not yet." in page.inner_text("main")
